/** A capture as reports see it, narrowed to a range of time. */
import { type Facts, readFacts } from '../report/facts.ts';
import type { Capture } from '../report/report.ts';
import { resolveRange, type TimeRange } from '../report/time-range.ts';
import type { Db } from '../store/db.ts';
import { Reader } from '../store/reader.ts';
import { intervalsOf, narrow } from '../store/window.ts';

/**
 * Narrows `db` for good. `facts` are those of the whole capture.
 * @throws UserError if the capture does not know what happened when, or has no such time.
 */
export function narrowTo(range: TimeRange, db: Db, facts: Facts): Capture {
  const { widthNs, endNs } = intervalsOf(db);
  const { duration_ns, status } = facts;
  const isComplete = status === 'complete';
  const window = resolveRange(range, { duration_ns, interval_ns: widthNs, known_ns: endNs, isComplete });
  narrow(db, { fromNs: window.from_ns, toNs: window.to_ns ?? Infinity });
  const source = new Reader(db, true);
  return { source, facts: { ...readFacts(source, facts.capture, status), window } };
}
