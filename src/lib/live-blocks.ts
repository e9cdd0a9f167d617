/** The blocks that are live in a capture, if it knows them: as a snapshot with traces, or by its single events. */
import { visitLive } from '../aggregate/live-walk.ts';
import type { LiveVisitor } from '../aggregate/replay.ts';
import type { LiveBlock } from '../model/blocks.ts';
import type { Db } from '../store/db.ts';
import { CaptureEvents } from '../store/event-source.ts';
import { hasEvents, ownersOfSites, threadsOf } from '../store/events.ts';
import { Reader } from '../store/reader.ts';

/**
 * Null: the capture does not know them. Two may have one address: of a realloc that is under way, and what has got it since.
 * `untilNs` is a time of the capture: of single events only those up to it count.
 * @throws UserError if the events are damaged.
 */
export function liveBlocks(db: Db, untilNs?: number): LiveBlock[] | null {
  const { value = null } = db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'traces'") ?? {};
  if (value === '1') return new Reader(db).all<LiveBlock>('blocks');
  if (!hasEvents(db)) return null;
  const owners = ownersOfSites(db);
  const blocks: LiveBlock[] = [];
  const add: LiveVisitor = (_process, address, bytes, site) => {
    const { process_id, pid, stack_id } = owners.get(site + 1)!;
    blocks.push({ process_id, pid, address, bytes, stack_id });
  };
  visitLive(new CaptureEvents(db), threadsOf(db), add, untilNs);
  return blocks;
}
