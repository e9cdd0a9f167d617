/**
 * Writes a snapshot that is in memory, filtered perhaps, as a capture that every report can read. Of stacks it has what the
 * snapshot has: of such with Python or JavaScript their lines.
 */
import type { Db } from '../store/db.ts';
import { writeCapture } from '../store/snapshot.ts';
import type { WriterOptions } from '../store/writer.ts';
import type { Snapshot, Stat } from '../top/snapshot.ts';
import type { Frame, Traceback } from '../top/traceback.ts';

/**
 * A file that could not be written to its end is removed.
 * @throws UserError if the file exists and `force` is not set, or can't be made; StoreError if the disk is full.
 */
export function writeStats(snapshot: Snapshot, path: string, options: WriterOptions = {}): void {
  writeCapture(path, options, (db) => {
    const time = snapshot.timestamp.toISOString();
    const traces = snapshot.traces === null ? {} : { traces: '1' };
    const meta = { format_version: '1', status: 'complete', ended_at: time, snapshot_at: time, ...traces };
    for (const [key, value] of Object.entries(meta)) db.run('INSERT INTO meta VALUES (?, ?)', [key, value]);
    for (const { name, value, format } of snapshot.metrics.values())
      db.run('INSERT INTO metric VALUES (?, ?, ?)', [name, value, format]);
    const rows = new Rows(db);
    rows.process(snapshot.pid, `${snapshot.pid}`); // the first is the snapshot's
    for (const stat of snapshot.stats) rows.site(stat);
    for (const { pid, address, size, traceback } of snapshot.traces ?? []) {
      const block = [rows.process(pid, `${pid}`), address, size, rows.siteOf(pid, traceback)];
      db.run('INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?)', block);
    }
  });
}

/** Rows that have been written, by what they say. */
class Rows {
  readonly #db: Db;
  readonly #ids = new Map<string, number>();
  readonly #nextIds = new Map<string, number>();
  readonly #stacks = new Map<Traceback, number | null>();
  readonly #sites = new Map<string, number>();

  constructor(db: Db) {
    this.#db = db;
  }

  /** `name`: `4171 make -j2` */
  process(pid: number, name: string): number {
    return this.#once('process', `${pid}`, { pid, origin: 'attach', started_ns: 0, command_line: rest(name) });
  }

  site({ pid, process, tid, thread, allocator, size, count, traceback }: Stat): void {
    const processId = this.process(pid, process);
    this.#db.run('UPDATE process SET command_line = ? WHERE id = ?', [rest(process), processId]);
    const own = { process_id: processId, tid, name: rest(thread) };
    const threadId = this.#once('thread', `${processId} ${thread}`, own);
    const stackId = this.#stack(traceback);
    const live = ['allocations', 'allocated_bytes', 'peak_allocations', 'peak_bytes', 'live_allocations', 'live_bytes'];
    const row = {
      process_id: processId,
      thread_id: threadId,
      allocator,
      stack_id: stackId,
      ...Object.fromEntries(live.map((name) => [name, name.endsWith('bytes') ? size : count])),
      deallocations: 0,
      deallocated_bytes: 0,
      temporary_allocations: 0,
      temporary_bytes: 0,
    };
    this.#sites.set(`${pid} ${stackId}`, this.#insert('site', row));
  }

  /** Some site of that stack, null if there is none. */
  siteOf(pid: number, traceback: Traceback): number | null {
    return this.#sites.get(`${pid} ${this.#stack(traceback)}`) ?? null;
  }

  #stack(traceback: Traceback): number | null {
    const known = this.#stacks.get(traceback);
    if (known !== undefined) return known;
    let node: number | null = null;
    traceback.toReversed().forEach((frame, i) => {
      const row = { parent_id: node, frame_id: this.#frame(frame), depth: i + 1 };
      node = this.#once('stack', `${row.parent_id} ${row.frame_id}`, row);
    });
    this.#stacks.set(traceback, node);
    return node;
  }

  #frame({ file, line, function: name, module, language }: Frame): number {
    const moduleId = module === null ? null : this.#once('module', module, { path: module });
    const source = file === module ? null : file;
    const row = { function: name, file: source, line, language, module_id: moduleId, inlined: 0 };
    return this.#once('frame', Object.values(row).join('\0'), row);
  }

  #once(table: string, key: string, row: Record<string, unknown>): number {
    const known = this.#ids.get(`${table} ${key}`);
    if (known !== undefined) return known;
    const id = this.#insert(table, row);
    this.#ids.set(`${table} ${key}`, id);
    return id;
  }

  #insert(table: string, row: Record<string, unknown>): number {
    const id = (this.#nextIds.get(table) ?? 0) + 1;
    this.#nextIds.set(table, id);
    const names = ['id', ...Object.keys(row)];
    const values = names.map((name) => `:${name}`).join(', ');
    this.#db.run(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${values})`, { id, ...row });
    return id;
  }
}

/** `4171 make -j2`: what stands behind the number. */
function rest(name: string): string {
  return name.replace(/^\d+ ?/, '');
}
