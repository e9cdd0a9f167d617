/**
 * Follows a capture while it is recorded: each `poll` gives what has changed since the last one.
 *
 * The recorder must not notice. It writes in WAL mode, so a reader never makes it wait; and the file is open only while
 * it is read, some milliseconds, so that the recorder can make one plain file of it at the end. Fetching a row costs a
 * hundred times what SQLite needs to pass it. So the counters of all sites come as four texts, one for each column, which
 * takes 15 ms for 50,000 sites, and are compared here with those of the last time:
 *
 *     group_concat(id)           1,2,3
 *     group_concat(live_bytes)   800,0,3145728        site 2 was freed: counts = [2, 17, 0, 0]
 */
import { statSync } from 'node:fs';
import type { FrameRow } from '../model/frame-row.ts';
import type { LiveDelta, LiveProcess, LiveStatus, LiveThread } from '../model/live.ts';
import { UserError } from '../util/errors.ts';
import { type Db, openReader } from './db.ts';

/** The status of a capture whose `meta` has these facts. */
export type StatusOf = (meta: ReadonlyMap<string, string>, path: string) => LiveStatus;

const NO_SAMPLE = "allocator <> 'v8_sample'";
const SEPARATOR = ','.charCodeAt(0);
/** Ids are given in order; so many sites no recorder could hold. */
const MAX_SITES = 2 ** 26;
const MINUS = '-'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);

const QUERIES = {
  meta: 'SELECT key, value FROM meta',
  losses: 'SELECT kind, count FROM loss',
  processes: `SELECT id, pid, parent_id AS parentId, origin, started_ns AS startedNs, ended_ns AS endedNs,
    coalesce(comm, '') AS comm, coalesce(command_line, '') AS commandLine FROM process ORDER BY id`,
  threadCount: 'SELECT count(*) AS count FROM thread',
  threads: "SELECT id, process_id AS processId, tid, coalesce(name, '') AS name FROM thread ORDER BY id",
  frames: `SELECT f.id, f.function, f.file, f.line, f.language, m.path AS module, f.inlined
    FROM frame f LEFT JOIN module m ON m.id = f.module_id WHERE f.id > ? ORDER BY f.id`,
  stacks: 'SELECT id, coalesce(parent_id, 0) AS parent, frame_id AS frame FROM stack WHERE id > ? ORDER BY id',
  newSites: `SELECT id, process_id, thread_id, coalesce(stack_id, 0) AS stack_id FROM site
    WHERE id > ? AND ${NO_SAMPLE} ORDER BY id`,
  site: 'SELECT id, process_id, thread_id, coalesce(stack_id, 0) AS stack_id FROM site WHERE id = ?',
  counts: `SELECT group_concat(id) AS ids, group_concat(allocations) AS allocations,
    group_concat(live_allocations) AS live_allocations, group_concat(live_bytes) AS live_bytes
    FROM site WHERE ${NO_SAMPLE}`,
  memory: `SELECT rowid, process_id, time_ns, heap_bytes, coalesce(rss_bytes, -1) AS rss_bytes
    FROM memory WHERE rowid > ? ORDER BY rowid`,
} as const;

type Counts = Record<'ids' | 'allocations' | 'live_allocations' | 'live_bytes', string | null>;
type SiteRow = Record<'id' | 'process_id' | 'thread_id' | 'stack_id', number>;
type MemoryRow = Record<'rowid' | 'process_id' | 'time_ns' | 'heap_bytes' | 'rss_bytes', number>;

export class LiveReader {
  readonly #path: string;
  readonly #statusOf: StatusOf;
  readonly #processes = new Map<number, string>();
  readonly #threads = new Set<number>();
  #frames = 0;
  #stacks = 0;
  #memory = 0;
  #meta = new Map<string, string>();
  #losses: Record<string, number> = {};
  #lastNs = 0;
  /** By site id: known, and its counters of the last time. */
  #isKnown = new Uint8Array(0);
  #allocations = new Float64Array(0);
  #liveAllocations = new Float64Array(0);
  #liveBytes = new Float64Array(0);
  /** Of the files as they were last read. */
  #stamp = '';

  constructor(path: string, statusOf: StatusOf) {
    this.#path = path;
    this.#statusOf = statusOf;
  }

  /** @throws UserError if the file can't be read. */
  poll(nowMs = Date.now()): LiveDelta {
    const stamp = stampOf(this.#path);
    if (stamp === this.#stamp) return this.#delta(nowMs);
    const db = openReader(this.#path);
    try {
      const delta = db.transaction(() => this.#read(db, nowMs));
      this.#stamp = stamp;
      return delta;
    } finally {
      db.close();
    }
  }

  #read(db: Db, nowMs: number): LiveDelta {
    this.#meta = new Map(db.all<{ key: string; value: string }>(QUERIES.meta).map(({ key, value }) => [key, value]));
    const losses = db.all<{ kind: string; count: number }>(QUERIES.losses);
    this.#losses = Object.fromEntries(losses.map(({ kind, count }) => [kind, count]));
    const processes = db.all<LiveProcess>(QUERIES.processes).filter((process) => {
      const text = JSON.stringify(process);
      if (this.#processes.get(process.id) === text) return false;
      this.#processes.set(process.id, text);
      return true;
    });
    const threads = this.#newThreads(db);
    const frames = db.all<FrameRow>(QUERIES.frames, [this.#frames]);
    this.#frames = frames.at(-1)?.id ?? this.#frames;
    const stacks = this.#newStacks(db);
    const sites: number[] = [];
    const counts = this.#changedCounts(db, sites);
    const memory = this.#newMemory(db);
    return { ...this.#delta(nowMs), processes, threads, frames, stacks, sites, counts, memory };
  }

  /** Without news. */
  #delta(nowMs: number): LiveDelta {
    const status = this.#statusOf(this.#meta, this.#path);
    const [start, end] = [this.#meta.get('started_at'), this.#meta.get('ended_at')].map((at) => Date.parse(at ?? ''));
    const lastMs = status === 'recording' ? nowMs : end!;
    const durationNs = Math.max(this.#lastNs, (lastMs - start!) * 1e6 || 0);
    return {
      ...{ capture: this.#path, commandLine: this.#meta.get('command_line') ?? '', status, durationNs },
      ...{ losses: this.#losses, processes: [], threads: [], frames: [], stacks: [] },
      ...{ sites: [], counts: [], memory: [] },
    };
  }

  #newStacks(db: Db): number[] {
    const rows = db.all<{ id: number; parent: number; frame: number }>(QUERIES.stacks, [this.#stacks]);
    this.#stacks += rows.length;
    if (rows.length > 0 && rows.at(-1)!.id !== this.#stacks) throw damaged(this.#path);
    return rows.flatMap(({ parent, frame }) => [parent, frame]);
  }

  /** They become known in any order. */
  #newThreads(db: Db): LiveThread[] {
    if (db.get<{ count: number }>(QUERIES.threadCount)!.count === this.#threads.size) return [];
    const threads = db.all<LiveThread>(QUERIES.threads).filter(({ id }) => !this.#threads.has(id));
    for (const { id } of threads) this.#threads.add(id);
    return threads;
  }

  #newMemory(db: Db): number[] {
    const rows = db.all<MemoryRow>(QUERIES.memory, [this.#memory]);
    this.#memory = rows.at(-1)?.rowid ?? this.#memory;
    for (const { time_ns } of rows) this.#lastNs = Math.max(this.#lastNs, time_ns);
    return rows.flatMap((row) => [row.process_id, row.time_ns, row.heap_bytes, row.rss_bytes]);
  }

  /** Adds what is new to `sites`. */
  #changedCounts(db: Db, sites: number[]): number[] {
    this.#addSites(db.all<SiteRow>(QUERIES.newSites, [this.#isKnown.length - 1]), sites);
    const row = db.get<Counts>(QUERIES.counts)!;
    const columns = [row.allocations, row.live_allocations, row.live_bytes].map((text) => new NumberText(text ?? ''));
    const [allocations, liveAllocations, liveBytes] = columns as [NumberText, NumberText, NumberText];
    const counts: number[] = [];
    const ids = new NumberText(row.ids ?? '');
    let expected = 1;
    while (ids.hasNext) {
      const id = ids.next();
      for (; expected < id; expected++) this.#set(expected, 0, 0, 0, counts);
      expected = id + 1;
      if (this.#isKnown[id] !== 1) this.#addSites(db.all<SiteRow>(QUERIES.site, [id]), sites);
      this.#set(id, allocations.next(), liveAllocations.next(), liveBytes.next(), counts);
    }
    for (; expected < this.#isKnown.length; expected++) this.#set(expected, 0, 0, 0, counts);
    return counts;
  }

  #set(id: number, allocations: number, liveAllocations: number, liveBytes: number, counts: number[]): void {
    const isSame =
      this.#allocations[id] === allocations &&
      this.#liveAllocations[id] === liveAllocations &&
      this.#liveBytes[id] === liveBytes;
    if (isSame) return;
    this.#allocations[id] = allocations;
    this.#liveAllocations[id] = liveAllocations;
    this.#liveBytes[id] = liveBytes;
    counts.push(id, allocations, liveAllocations, liveBytes);
  }

  #addSites(rows: SiteRow[], sites: number[]): void {
    const length = Math.max(this.#isKnown.length, (rows.at(-1)?.id ?? -1) + 1);
    if (length > MAX_SITES) throw damaged(this.#path);
    if (length > this.#isKnown.length) {
      this.#isKnown = copyOf(this.#isKnown, new Uint8Array(length));
      this.#allocations = copyOf(this.#allocations, new Float64Array(length));
      this.#liveAllocations = copyOf(this.#liveAllocations, new Float64Array(length));
      this.#liveBytes = copyOf(this.#liveBytes, new Float64Array(length));
    }
    for (const { id, process_id, thread_id, stack_id } of rows) {
      this.#isKnown[id] = 1;
      sites.push(id, process_id, thread_id, stack_id);
    }
  }
}

function damaged(path: string): UserError {
  return new UserError(`The capture is damaged: ${path}`);
}

function copyOf<T extends Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** `12,0,7` number by number. */
class NumberText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get hasNext(): boolean {
    return this.#at < this.#text.length;
  }

  next(): number {
    const isNegative = this.#text.charCodeAt(this.#at) === MINUS;
    if (isNegative) this.#at++;
    let value = 0;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at++);
      if (code === SEPARATOR) break;
      value = value * 10 + code - ZERO;
    }
    return isNegative ? -value : value;
  }
}

/** Changes with every commit. */
function stampOf(path: string): string {
  const stamps = [path, `${path}-wal`].map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  return stamps.map((status) => (status === undefined ? '-' : `${status.ino} ${status.size} ${status.mtimeNs}`)).join();
}
