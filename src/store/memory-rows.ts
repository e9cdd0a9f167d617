/**
 * Writes the points of time lines, and keeps their number bounded however long is recorded: when they become too many,
 * of each process and stretch of time only the highest point and the last one stay, and stretches are twice as long as the
 * time before.
 *
 *     heap     3 5 9 4 | 4 2 1 2 | 7 7 8
 *     stays        9 4 | 4     2 |     8          the latest stretch is thinned out with the next ones
 *
 * So the peak of a process is never lost, and the line is off by no more than a stretch. It is done in small steps.
 */
import type { MemoryPoint } from '../model/accounts.ts';
import type { Db } from './db.ts';
import * as queries from './queries.ts';

/** At 28 bytes each: an hour and a half in which the heap of one process changes all the time. */
const MAX_ROWS = 2 ** 19;
/** Looked at in one commit: more than are recorded until the next. */
const STEP_ROWS = 8192;
/** That of points as they are recorded. */
const FIRST_STRETCH_NS = 10e6;

interface State {
  rows: number;
  /** Above so many it begins again; more than MAX_ROWS where processes are so many. */
  limit: number;
  stretchNs: number;
  /** Rows up to this one have been looked at in this pass, which ends with row `end`; so many of them stay. */
  done: number;
  end: number;
  kept: number;
}

interface Row {
  rowid: number;
  process_id: number;
  time_ns: number;
  heap_bytes: number;
}

export class MemoryRows {
  readonly #db: Db;
  readonly #maxRows: number;
  readonly #stepRows: number;
  #state: State;
  #committed: State;

  constructor(db: Db, { maxRows = MAX_ROWS, stepRows = STEP_ROWS } = {}) {
    this.#db = db;
    this.#maxRows = maxRows;
    this.#stepRows = stepRows;
    this.#state = { rows: 0, limit: maxRows, stretchNs: FIRST_STRETCH_NS, done: 0, end: 0, kept: 0 };
    this.#committed = { ...this.#state };
  }

  /** Inside a transaction, as `thin`. `processId`: of its row. */
  write(processId: number, points: Iterable<MemoryPoint>): void {
    for (const { timeNs, heapBytes, liveAllocations, rssBytes } of points) {
      this.#db.run(queries.PUT_MEMORY, [processId, timeNs, heapBytes, liveAllocations, rssBytes]);
      this.#state.rows++;
    }
  }

  /** The next step, if there are too many rows. */
  thin(): void {
    const state = this.#state;
    if (state.done === state.end) {
      if (state.rows <= state.limit) return;
      state.stretchNs *= 2;
      state.done = state.kept = 0;
      state.end = this.#db.all<{ end: number }>('SELECT max(rowid) AS end FROM memory')[0]!.end;
    }
    const rows = this.#db.all<Row>(queries.NEXT_MEMORY, [state.done, state.end, this.#stepRows]);
    const kept = keptRows(rows, state.stretchNs);
    for (const row of rows) if (!kept.has(row)) this.#db.run(queries.REMOVE_MEMORY, [row.rowid]);
    state.rows -= rows.length - kept.size;
    state.kept += kept.size;
    state.done = rows.length < this.#stepRows ? state.end : rows.at(-1)!.rowid;
    if (state.done === state.end) state.limit = Math.max(this.#maxRows, 2 * state.kept);
  }

  committed(): void {
    this.#committed = { ...this.#state };
  }

  failed(): void {
    this.#state = { ...this.#committed };
  }
}

/** Of each process and stretch the highest, the later of two equal ones, and the last. */
function keptRows(rows: Row[], stretchNs: number): Set<Row> {
  const highest = new Map<string, Row>();
  const last = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.process_id} ${Math.floor(row.time_ns / stretchNs)}`;
    const high = highest.get(key);
    const isLater = high === undefined || row.time_ns >= high.time_ns;
    if (high === undefined || row.heap_bytes > high.heap_bytes || (row.heap_bytes === high.heap_bytes && isLater))
      highest.set(key, row);
    const latest = last.get(key);
    if (latest === undefined || row.time_ns >= latest.time_ns) last.set(key, row);
  }
  return new Set([...highest.values(), ...last.values()]);
}
