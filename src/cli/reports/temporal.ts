/** What a temporal page needs to know of the time of its capture. */
import type { Temporal } from '../../report/flamegraph-data.ts';
import type { Capture } from '../../report/report.ts';
import type { Selection } from '../../report/selection.ts';
import { resolveRange } from '../../report/time-range.ts';
import { intervalsIn } from '../../store/window.ts';
import { UserError } from '../../util/errors.ts';

/**
 * `capture` is not narrowed; the range of `selection` is what the page opens with.
 * @throws UserError if the capture does not know what happened when, or has no such time.
 */
export function temporalOf({ source, facts }: Capture, { view, range }: Selection): Temporal {
  if (view === 'temporary_allocations') {
    throw new UserError("Can't create a temporal flame graph of temporary allocations: they are not known by time.");
  }
  const { widthNs, endNs } = intervalsIn(source.all('meta'));
  const isComplete = facts.status === 'complete';
  const time = { duration_ns: facts.duration_ns, interval_ns: widthNs, known_ns: endNs, isComplete };
  // What is committed is known up to an interval; of a recording that was cut off no more is.
  return {
    window: resolveRange(range ?? {}, time),
    end_ns: isComplete ? Math.max(facts.duration_ns, endNs) : endNs,
  };
}
