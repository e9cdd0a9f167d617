/**
 * The events of a capture as a view, for those who open it with mp: a table-valued function of the driver, which unpacks
 * chunk by chunk.
 */

import { ALLOCATOR_NAME } from '../model/abi.gen.ts';
import { type EventColumns, isOfSite, isShown } from '../model/events.ts';
import type { ThreadInfo } from '../model/types.ts';
import { UserError } from '../util/errors.ts';
import { type Db, hasTable, openReader, type Value } from './db.ts';
import { EventReader, isReplayable } from './event-chunk.ts';
import { intact } from './event-source.ts';

export const EVENT_COLUMNS = [
  'time_ns',
  'process_id',
  'pid',
  'tid',
  'operation',
  'allocator',
  'address',
  'size',
  'stack_id',
] as const;

interface Owner {
  process_id: number;
  pid: number;
  tid: number;
  stack_id: number | null;
}

/**
 * Adds the view `events` to a connection. It reads the file by a connection of its own, for this one is at work then.
 */
export function addEventsView(db: Db): void {
  db.addTable('events', EVENT_COLUMNS, function* () {
    const reader = openReader(db.path);
    try {
      for (const row of eventRows(reader)) yield row.map(toSql);
    } finally {
      reader.close();
    }
  });
}

/** The driver takes every other number for one with a fraction. */
function toSql(value: Value): Value {
  return typeof value === 'number' ? BigInt(value) : value;
}

/** True if every event was recorded. */
export function hasEvents(db: Db): boolean {
  return hasTable(db, 'event_chunk') && db.get('SELECT 1 AS found FROM event_chunk LIMIT 1') !== undefined;
}

/** True if the events are all that is needed to do the accounts once more, which those of earlier versions are not. */
export function canReplay(db: Db): boolean {
  if (!hasTable(db, 'event_chunk')) return false;
  const first = db.get<{ data: Uint8Array }>('SELECT data FROM event_chunk ORDER BY id LIMIT 1');
  return first !== undefined && isReplayable(first.data);
}

/**
 * All events in the order in which they were seen, one chunk at a time.
 * @throws UserError if they are damaged.
 */
export function* eventChunks(db: Db): Generator<EventColumns> {
  const reader = new EventReader();
  for (const { id } of db.all<{ id: number }>('SELECT id FROM event_chunk ORDER BY id')) {
    const chunk = db.get<{ count: number; data: Uint8Array }>('SELECT count, data FROM event_chunk WHERE id = ?', [
      id,
    ])!;
    yield intact(() => reader.decode(chunk.data, chunk.count));
  }
}

/**
 * Rows of EVENT_COLUMNS, in the order in which events were seen.
 * @throws UserError if there are none.
 */
export function* eventRows(db: Db): Generator<Value[]> {
  if (!hasEvents(db)) throw new UserError('The capture has no single events: record with --events to keep them.');
  const [sites, threads] = [ownersOfSites(db), ownersOfThreads(db)];
  for (const events of eventChunks(db)) {
    for (let i = 0; i < events.count; i++) if (isShown(events.operations[i]!)) yield rowOf(events, i, sites, threads);
  }
}

/** The threads of a capture, in the order in which they were seen, and those of its sites. Indices are the pipeline's. */
export function threadsOf(db: Db): { threads: ThreadInfo[]; threadOf: (site: number) => number | undefined } {
  const threads = db.all<ThreadInfo>(
    'SELECT id - 1 AS "index", process_id - 1 AS process, tid, name FROM thread ORDER BY id',
  );
  const ofSites = db.all<{ id: number; thread_id: number }>(
    'SELECT a.id, s.thread_id FROM site_part a JOIN main.site s ON s.id = a.site_id',
  );
  const byPart = new Map(ofSites.map(({ id, thread_id }) => [id, thread_id]));
  const threadOf = (site: number) => {
    const thread = byPart.get(site + 1);
    return thread === undefined ? undefined : thread - 1;
  };
  return { threads, threadOf };
}

function rowOf(events: EventColumns, i: number, sites: Map<number, Owner>, threads: Map<number, Owner>): Value[] {
  const isAllocation = isOfSite(events.operations[i]!);
  const owner = (isAllocation ? sites : threads).get(events.owners[i]! + 1);
  const allocator = events.allocators[i]!;
  const size = events.sizes[i]!;
  return [
    events.times[i]!,
    owner?.process_id ?? null,
    owner?.pid ?? null,
    owner?.tid ?? null,
    isAllocation ? 'allocate' : 'free',
    (ALLOCATOR_NAME as Record<number, string>)[allocator] ?? `allocator ${allocator}`,
    events.addresses[i]!,
    isAllocation || size > 0 ? size : null,
    owner?.stack_id ?? null,
  ];
}

export function ownersOfSites(db: Db): Map<number, Owner> {
  const rows = db.all<Owner & { id: number }>(`
    SELECT a.id, s.process_id, p.pid, t.tid, s.stack_id FROM site_part a JOIN main.site s ON s.id = a.site_id
    JOIN process p ON p.id = s.process_id JOIN thread t ON t.id = s.thread_id`);
  return new Map(rows.map(({ id, ...owner }) => [id, owner]));
}

function ownersOfThreads(db: Db): Map<number, Owner> {
  const rows = db.all<Owner & { id: number }>(`
    SELECT t.id, t.process_id, p.pid, t.tid, NULL AS stack_id FROM thread t JOIN process p ON p.id = t.process_id`);
  return new Map(rows.map(({ id, ...owner }) => [id, owner]));
}
