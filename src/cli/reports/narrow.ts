/** A capture as reports see it, narrowed to a range of time. */
import { RangeAccounts, temporariesOf } from '../../aggregate/range-accounts.ts';
import { EVENT_TIME_NS } from '../../model/events.ts';
import { type Facts, readFacts } from '../../report/facts.ts';
import type { Capture } from '../../report/report.ts';
import { MAX_THRESHOLD, type Selection } from '../../report/selection.ts';
import { resolveRange, type TimeRange } from '../../report/time-range.ts';
import type { Db } from '../../store/db.ts';
import { CaptureEvents } from '../../store/event-source.ts';
import { canReplay, threadsOf } from '../../store/events.ts';
import { Reader } from '../../store/reader.ts';
import { intervalsOf, narrow, narrowToRows, replaceTemporaries, type Window } from '../../store/window.ts';
import { UserError } from '../../util/errors.ts';
import { eventProgress } from './event-progress.ts';

/** What of a selection needs more than what is in the file. */
export type Part = Partial<Pick<Selection, 'range' | 'view' | 'threshold'>>;

/**
 * The capture, `db` being narrowed for good to what was asked for. `facts` are those of the whole capture.
 * @throws UserError if the capture does not know that, or has no such time.
 */
export function narrowed(part: Part, db: Db, facts: Facts): Capture {
  const { range, view, threshold = 1 } = part;
  if (range !== undefined) return narrowTo(range, threshold, db, facts);
  if (view === 'temporary_allocations' && threshold > MAX_THRESHOLD) countTemporaries(threshold, db);
  return { source: new Reader(db), facts };
}

function narrowTo(range: TimeRange, threshold: number, db: Db, facts: Facts): Capture {
  const hasEvents = canReplay(db);
  const { duration_ns, status } = facts;
  const { widthNs, endNs } = intervalsOf(db, hasEvents ? duration_ns : null);
  const known = { duration_ns, interval_ns: hasEvents ? EVENT_TIME_NS : widthNs, known_ns: endNs };
  const resolved = resolveRange(range, { ...known, isComplete: status === 'complete' });
  const window = { fromNs: resolved.from_ns, toNs: resolved.to_ns ?? Infinity };
  if (!hasEvents) narrow(db, window);
  else narrowToRows(db, window, new RangeAccounts(new CaptureEvents(db), threadsOf(db), window).rows(eventProgress()));
  const countTemporaries = hasEvents
    ? () => replaceTemporaries(db, temporaries(db, window, threshold), threshold)
    : undefined;
  const source = new Reader(db, { hasTemporaries: hasEvents, countTemporaries });
  return { source, facts: { ...readFacts(source, facts.capture, status), window: resolved } };
}

function countTemporaries(threshold: number, db: Db): void {
  if (!canReplay(db)) {
    const known = `Temporary allocations are known up to ${MAX_THRESHOLD} other allocations in between`;
    throw new UserError(`${known}: record with --events for more.`);
  }
  replaceTemporaries(db, temporaries(db, { fromNs: 0, toNs: Infinity }, threshold), threshold);
}

/** One chunk of events is held at a time, and what is live. */
function temporaries(db: Db, window: Window, threshold: number): number[][] {
  return temporariesOf(new CaptureEvents(db), threadsOf(db), window, threshold, eventProgress());
}
