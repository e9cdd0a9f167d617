/** The blocks that are live in a capture, if it knows them: as a snapshot with traces, or by its single events. */
import { ALLOCATOR_NAME, RANGED_ALLOCATORS } from '../model/abi.gen.ts';
import { type Db, hasTable } from './db.ts';
import { eventRows } from './events.ts';
import { Reader } from './reader.ts';

export interface LiveBlock {
  process_id: number;
  pid: number;
  address: number;
  bytes: number;
  /** Null: not known (yet). */
  stack_id: number | null;
}

const PAGE_BYTES = 4096;
const RANGED = new Set([...RANGED_ALLOCATORS].map((id) => (ALLOCATOR_NAME as Record<number, string>)[id]));

/**
 * Null: the capture does not know them. `untilNs` is a time of the capture: of single events only those up to it count.
 * @throws UserError if the events are damaged.
 */
export function liveBlocks(db: Db, untilNs = Number.POSITIVE_INFINITY): LiveBlock[] | null {
  const { value = null } = db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'traces'") ?? {};
  if (value === '1') return new Reader(db).all<LiveBlock>('blocks');
  const isRecorded = hasTable(db, 'event_chunk') && db.get('SELECT 1 AS found FROM event_chunk LIMIT 1') !== undefined;
  return isRecorded ? replay(db, untilNs) : null;
}

/** Applies every event up to a time, in order. */
function replay(db: Db, untilNs: number): LiveBlock[] {
  const blocks = new Map<string, LiveBlock>();
  const mappings = new Map<number, LiveBlock[]>();
  for (const row of eventRows(db)) {
    const [time, process_id, pid, , operation, allocator, address, size, stack_id] = row as Event;
    if (process_id === null || pid === null || time > untilNs) continue;
    const block = { process_id, pid, address, bytes: size ?? 0, stack_id };
    const key = `${process_id} ${address}`;
    if (!RANGED.has(allocator) && (operation === 'allocate' || size === null)) {
      if (operation === 'allocate') blocks.set(key, block);
      else blocks.delete(key);
      continue;
    }
    const rest = (mappings.get(process_id) ?? []).flatMap((old) => cut(old, address, address + pages(block.bytes)));
    mappings.set(process_id, operation === 'allocate' ? [...rest, block] : rest);
  }
  return [...blocks.values(), ...[...mappings.values()].flat()];
}

type Event = [
  time: number,
  process: number | null,
  pid: number | null,
  tid: number | null,
  operation: string,
  allocator: string,
  address: number,
  /** Of munmap the range; of other frees null. */
  size: number | null,
  stack: number | null,
];

function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/** What is left of a mapping when [from, to) is taken out: nothing, one piece or two. */
function cut(old: LiveBlock, from: number, to: number): LiveBlock[] {
  const end = old.address + pages(old.bytes);
  if (to <= old.address || from >= end) return [old];
  const left = { ...old, bytes: Math.min(old.bytes, Math.max(0, from - old.address)) };
  const right = { ...old, address: to, bytes: Math.max(0, old.address + old.bytes - to) };
  return [left, right].filter(({ bytes }) => bytes > 0);
}
