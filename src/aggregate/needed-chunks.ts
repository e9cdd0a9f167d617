/** Which chunks of events must be replayed for a range: see range-accounts.ts. */
import type { EventChunkFacts, EventSource } from '../model/live-state.ts';

/**
 * @param first the chunk in which the range begins
 * @param last the one in which it ends
 * @param knownFrom up to here (exclusive) all are needed
 */
export function neededChunks(
  chunks: readonly (EventChunkFacts | null)[],
  first: number,
  last: number,
  knownFrom: number,
): boolean[] {
  if (chunks.some((chunk) => chunk === null)) return chunks.map(() => true);
  const needed = chunks.slice(0, last + 1).map((chunk, at) => {
    return at >= first && (at < knownFrom || at === last || chunk!.ends.length > 0);
  });
  for (const at of peakChunks(chunks as EventChunkFacts[], knownFrom, last)) needed[at] = true;
  return needed;
}

/**
 * Where to go on when all before chunk `at` has been replayed: there, or at a state from which the next chunk that is needed
 * can be reached. Behind the last one if none is needed any more.
 */
export function nextStart(source: EventSource, needed: readonly boolean[], at: number): number {
  const next = needed.indexOf(true, at);
  if (next < 0) return needed.length;
  let state = next;
  while (state > at && !source.hasState(state)) state--;
  return state;
}

/** In which of [from, to) each process held most; of two the later. */
function peakChunks(chunks: readonly EventChunkFacts[], from: number, to: number): Set<number> {
  const peaks = new Map<number, { at: number; bytes: number }>();
  for (let at = from; at < to; at++)
    for (const [process, bytes] of chunks[at]!.peaks)
      if (bytes >= (peaks.get(process)?.bytes ?? 0)) peaks.set(process, { at, bytes });
  return new Set([...peaks.values()].map(({ at }) => at));
}
