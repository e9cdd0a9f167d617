/** What is live at a moment: of processes that have ended too, for what they held was never freed. */
import type { EventSource } from '../model/live-state.ts';
import { nextStart } from './needed-chunks.ts';
import { type LiveVisitor, type Owners, Replay } from './replay.ts';

/** `untilNs`: a time of the capture; what happened later does not count. */
export function visitLive(
  source: EventSource,
  owners: Owners,
  visitor: LiveVisitor,
  untilNs = Number.POSITIVE_INFINITY,
): void {
  const beyond = source.chunks.findIndex((chunk) => chunk !== null && chunk.lastNs > untilNs);
  const chunks = beyond < 0 ? source.chunks : source.chunks.slice(0, beyond + 1);
  const needed = chunks.map((chunk, at) => chunk === null || chunk.ends.length > 0 || at === chunks.length - 1);
  let replay = replayOf(owners, visitor);
  for (let at = 0; at < chunks.length; at++) {
    const start = nextStart(source, needed, at);
    if (start > at) {
      at = start;
      replay = replayOf(owners, visitor);
      replay.load(
        (state) => source.visitState(at, state),
        () => 0,
      );
    }
    const events = source.read(at);
    const later = untilNs === Number.POSITIVE_INFINITY ? -1 : events.times.findIndex((timeNs) => timeNs > untilNs);
    replay.apply(events, 0, later < 0 ? events.count : Math.min(later, events.count));
    if (later >= 0 && later < events.count) break;
  }
  replay.visitLive(visitor);
}

function replayOf(owners: Owners, visitor: LiveVisitor): Replay {
  const replay = new Replay(owners);
  replay.onEnd = visitor;
  return replay;
}
