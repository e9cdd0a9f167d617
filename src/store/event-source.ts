/** The events of a capture for those who do the accounts once more. */
import type { EventColumns } from '../model/events.ts';
import type { EventChunkFacts, EventSource, LiveStateVisitor } from '../model/live-state.ts';
import { UserError } from '../util/errors.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { type Db, hasTable } from './db.ts';
import { EventReader } from './event-chunk.ts';

interface ProcessRow {
  chunk_id: number;
  process_id: number;
  peak_bytes: number | null;
  has_ended: number;
}

export class CaptureEvents implements EventSource {
  readonly #db: Db;
  readonly #ids: number[];
  readonly #states: ReadonlySet<number>;
  readonly #reader = new EventReader();
  readonly chunks: readonly (EventChunkFacts | null)[];

  constructor(db: Db) {
    this.#db = db;
    this.#ids = idsIn(db, 'SELECT id FROM event_chunk ORDER BY id');
    const facts = factsIn(db);
    // With a part of them nothing can be left out.
    const areKnown = this.#ids.every((id) => facts.has(id));
    this.chunks = this.#ids.map((id) => (areKnown ? facts.get(id)! : null));
    const isKept = areKnown && hasTable(db, 'event_checkpoint');
    this.#states = new Set(isKept ? idsIn(db, 'SELECT chunk_id AS id FROM event_checkpoint') : []);
  }

  hasState(chunk: number): boolean {
    return this.#states.has(this.#ids[chunk]!);
  }

  /** @throws UserError if it is damaged. */
  visitState(chunk: number, visitor: LiveStateVisitor): void {
    const { data } = this.#db.get<{ data: Uint8Array }>('SELECT data FROM event_checkpoint WHERE chunk_id = ?', [
      this.#ids[chunk]!,
    ])!;
    intact(() => decodeCheckpoint(data, visitor));
  }

  /** @throws UserError if it is damaged. */
  read(chunk: number): EventColumns {
    const { count, data } = this.#db.get<{ count: number; data: Uint8Array }>(
      'SELECT count, data FROM event_chunk WHERE id = ?',
      [this.#ids[chunk]!],
    )!;
    return intact(() => this.#reader.decode(data, count));
  }
}

function idsIn(db: Db, sql: string): number[] {
  return db.all<{ id: number }>(sql).map(({ id }) => id);
}

function factsIn(db: Db): Map<number, EventChunkFacts> {
  const facts = new Map<number, EventChunkFacts & { peaks: [number, number][]; ends: number[] }>();
  if (!hasTable(db, 'event_index') || !hasTable(db, 'event_process')) return facts;
  for (const { chunk_id, last_ns, first_tick } of db.all<{ chunk_id: number; last_ns: number; first_tick: number }>(
    'SELECT chunk_id, last_ns, first_tick FROM event_index',
  ))
    facts.set(chunk_id, { lastNs: last_ns, firstTick: first_tick, peaks: [], ends: [] });
  for (const { chunk_id, process_id, peak_bytes, has_ended } of db.all<ProcessRow>('SELECT * FROM event_process')) {
    if (peak_bytes !== null) facts.get(chunk_id)?.peaks.push([process_id - 1, peak_bytes]);
    if (has_ended !== 0) facts.get(chunk_id)?.ends.push(process_id - 1);
  }
  return facts;
}

export function intact<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new UserError('The events of the capture are damaged.');
  }
}
