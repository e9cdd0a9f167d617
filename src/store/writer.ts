/**
 * Writes a capture while it is recorded. Every commit is one transaction that brings the file from one consistent state
 * to the next: the sums over the sites of a process are its totals at that moment, and its memory line ends there.
 *
 * Only differences are written. Nothing is taken off the aggregator's lists before the transaction has succeeded, so a
 * failed commit (disk full) leaves the file as it was and can be repeated.
 *
 * Ids in the file are the pipeline's indices plus one; frames, stacks and site rows are numbered from 1 by themselves.
 */

import { rmSync } from 'node:fs';
import { ALLOCATOR_NAME, LOSS_MEANING, SAMPLED_ALLOCATORS } from '../model/abi.gen.ts';
import {
  type Accounts,
  type FrameTree,
  type ProcessChanges,
  type StackSource,
  TEMPORARY_THRESHOLDS,
} from '../model/accounts.ts';
import type { Losses } from '../model/types.ts';
import { StoreError, UserError } from '../util/errors.ts';
import { createNewFile, type Identity, isReplaceable, isStill, type Owner } from '../util/new-file.ts';
import { BulkInsert } from './bulk-insert.ts';
import { type Db, openWriter, type Statement } from './db.ts';
import { type CheckpointLimits, EventWriter } from './event-writer.ts';
import { type Figure, type InnerSnapshot, putMetrics, putSnapshot } from './inner-snapshot.ts';
import { type IntervalLimits, IntervalWriter } from './interval-writer.ts';
import { MemoryRows } from './memory-rows.ts';
import { FORMAT_VERSION } from './open.ts';
import * as queries from './queries.ts';
import { ResidentRows } from './resident-rows.ts';
import { emptySum, SiteRows } from './site-rows.ts';

export interface WriterOptions {
  /** Replace an existing file. */
  force?: boolean;
  /** Who shall own the file, and with it what a killed recorder leaves behind. Only root can give files away. */
  owner?: Owner | null;
  intervals?: IntervalLimits;
  checkpoints?: CheckpointLimits;
}

/** A reader that keeps the file open delays the end of a recording by so much. */
const PLAIN_FILE_MS = 1000;
const PLAIN_FILE_PAUSE_MS = 2;

const UNRESOLVED = 0;
const NO_STACK = -1;

export class CaptureWriter {
  readonly path: string;
  readonly #db: Db;
  readonly #statements = new Map<string, Statement>();
  readonly #rows = new SiteRows();
  readonly #sum = emptySum();
  readonly #residents = new ResidentRows();
  readonly #intervals: IntervalWriter;
  readonly #memory: MemoryRows;
  readonly #events: EventWriter;
  readonly #sites = this.#bulk(queries.SITE_COLUMNS, queries.putSites);
  readonly #temporaries = this.#bulk(queries.TEMPORARY_COLUMNS, queries.putTemporaries);
  /** Node by stack index, UNRESOLVED or NO_STACK. */
  readonly #nodes: number[] = [];
  /** Sites whose stack has no symbols yet. */
  #pending: number[] = [];
  #pendingRevision = -1;
  #writtenFrames = 0;
  #writtenNodes = 0;
  #writtenLosses: Losses = {};
  /** Taken into the capture. They refer to sites, which must stay. */
  #snapshots = 0;

  /**
   * Creates the file.
   * @throws UserError if it exists and `force` is not set, or can't be created; StoreError if the disk is full.
   */
  constructor(path: string, options: WriterOptions = {}) {
    this.path = path;
    this.#db = createCapture(path, options);
    this.#intervals = new IntervalWriter(this.#db, options.intervals);
    this.#memory = new MemoryRows(this.#db);
    this.#events = new EventWriter((sql, params) => this.#run(sql, params), options.checkpoints);
    this.#db.transaction(() => {
      this.#run(queries.SET_META, ['format_version', String(FORMAT_VERSION)]);
      this.#run(queries.SET_META, ['status', 'recording']);
    });
  }

  /** Sets one fact of the capture, at once. */
  meta(key: string, value: string | null): void {
    this.#run(queries.SET_META, [key, value]);
  }

  /**
   * Writes what changed since the last commit. `losses` are those counted outside the aggregator and the symbolizer.
   * @throws StoreError; then the file holds the last successful commit.
   */
  commit(accounts: Accounts, stacks: StackSource, losses: Losses): void {
    this.#commit(accounts, stacks, losses, false);
  }

  /**
   * The last commit: stacks that will not be symbolized any more get nameless frames, the capture is marked complete and
   * becomes one plain file, unless somebody is reading it. The writer can't be used afterwards.
   * @param endedAt ISO 8601
   * @throws StoreError; then the capture stays marked as not complete.
   */
  finish(accounts: Accounts, stacks: StackSource, losses: Losses, { endedAt }: { endedAt: string }): void {
    try {
      accounts.intervals?.close();
      this.#commit(accounts, stacks, losses, true);
      this.#db.transaction(() => {
        this.#run(queries.SET_META, ['ended_at', endedAt]);
        this.#run(queries.SET_META, ['status', 'complete']);
      });
      this.#becomePlainFile();
    } finally {
      this.close();
    }
  }

  /**
   * Keeps what was last committed as a snapshot inside the capture.
   * @returns its id.
   * @throws StoreError; then there is none.
   */
  takeSnapshot(snapshot: InnerSnapshot): number {
    this.#snapshots = this.#db.transaction(() => putSnapshot(this.#db, snapshot));
    return this.#snapshots;
  }

  /** Further figures of a snapshot. @throws StoreError */
  addMetrics(snapshot: number, metrics: Iterable<Figure>): void {
    this.#db.transaction(() => putMetrics(this.#db, snapshot, metrics));
  }

  /** Removes the capture: nothing was recorded. */
  discard(): void {
    this.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.path + suffix, { force: true });
  }

  /** Leaves the capture as it is after the last commit. */
  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #commit(accounts: Accounts, stacks: StackSource, losses: Losses, isLast: boolean): void {
    const before = { frames: this.#writtenFrames, nodes: this.#writtenNodes, losses: this.#writtenLosses };
    try {
      this.#db.transaction(() => {
        const changes = [...accounts.changes()];
        for (const module of accounts.newModules) {
          this.#run(queries.PUT_MODULE, [module.index + 1, module.path, module.buildId]);
        }
        for (const change of changes) this.#writeProcess(change);
        this.#resolvePending(accounts, stacks, isLast);
        for (const change of changes) change.visitSites((site) => this.#touch(site, accounts, stacks, isLast));
        this.#writeResidents(changes, accounts, stacks, isLast);
        this.#writeTree(accounts.tree);
        for (const row of this.#rows.changed) this.#writeRow(row, accounts);
        this.#sites.finish();
        this.#temporaries.finish();
        this.#intervals.write(accounts, (site) => this.#rows.has(site));
        this.#events.write(accounts, isLast);
        this.#memory.thin();
        this.#writeLosses(accounts, stacks, losses);
      });
    } catch (error) {
      this.#rows.failed();
      this.#intervals.failed();
      this.#memory.failed();
      this.#events.failed();
      this.#sites.clear();
      this.#temporaries.clear();
      this.#writtenFrames = before.frames;
      this.#writtenNodes = before.nodes;
      this.#writtenLosses = before.losses;
      throw error;
    }
    this.#rows.committed();
    this.#residents.committed();
    this.#intervals.committed(accounts);
    this.#memory.committed();
    this.#events.committed();
    accounts.committed();
  }

  #writeProcess({ index, info, end, threads, points, sizes }: ProcessChanges): void {
    const id = index + 1;
    if (info !== null) {
      const { pid, parent, origin, startedNs, comm, executable, commandLine, cgroup, runtime, warning } = info;
      const parentId = parent === null ? null : parent + 1;
      const texts = [comm, executable, commandLine, cgroup, runtime, warning];
      this.#run(queries.PUT_PROCESS, [id, pid, parentId, origin, startedNs, ...texts]);
    }
    if (end !== null) this.#run(queries.END_PROCESS, [end.endedNs, end.exitCode, end.exitSignal, id]);
    for (const { index: thread, tid, name } of threads) this.#run(queries.PUT_THREAD, [thread + 1, id, tid, name]);
    this.#memory.write(id, points);
    for (const { allocator, minBytes, maxBytes, allocations, bytes } of sizes) {
      this.#run(queries.ADD_SIZES, [id, allocatorName(allocator), minBytes, maxBytes, allocations, bytes]);
    }
  }

  /** Whether a block is a Buffer's is known with its stack, which may be later. */
  #writeResidents(changes: ProcessChanges[], accounts: Accounts, stacks: StackSource, isLast: boolean): void {
    for (const { index, residents } of changes) if (residents !== null) this.#residents.set(index, residents);
    const { tree } = accounts;
    const nodeOf = (site: number) => this.#nodeOf(accounts.stackOf(site), tree, stacks, isLast);
    for (const { process, rows } of this.#residents.rows(tree, nodeOf, UNRESOLVED)) {
      this.#run(queries.DELETE_RESIDENTS, [process + 1]);
      for (const row of rows) this.#run(queries.PUT_RESIDENT, [process + 1, ...row]);
    }
  }

  // ---- stacks ------------------------------------------------------------------------------------------------------

  #resolvePending(accounts: Accounts, stacks: StackSource, isLast: boolean): void {
    if (this.#pendingRevision === stacks.revision && !isLast) return;
    this.#pendingRevision = stacks.revision;
    this.#pending = this.#pending.filter((site) => {
      const node = this.#nodeOf(accounts.stackOf(site), accounts.tree, stacks, isLast);
      if (node !== UNRESOLVED) this.#assign(site, node, accounts);
      return node === UNRESOLVED;
    });
  }

  #touch(site: number, accounts: Accounts, stacks: StackSource, isLast: boolean): void {
    if (this.#rows.has(site)) {
      this.#rows.touch(site);
      return;
    }
    const node = this.#nodeOf(accounts.stackOf(site), accounts.tree, stacks, isLast);
    this.#assign(site, node, accounts);
    if (node === UNRESOLVED) this.#pending.push(site);
  }

  #assign(site: number, node: number, accounts: Accounts): void {
    const key = { thread: accounts.threadOf(site), allocator: accounts.allocatorOf(site), node: Math.max(node, 0) };
    this.#rows.assign(site, key);
    this.#intervals.assign(site, this.#rows.rowOf(site));
  }

  #nodeOf(stack: number, tree: FrameTree, stacks: StackSource, isLast: boolean): number {
    const known = this.#nodes[stack] ?? UNRESOLVED;
    if (known !== UNRESOLVED) return known;
    const frames = stacks.frames(stack, isLast);
    if (frames === null) return UNRESOLVED;
    const node = frames.length === 0 ? NO_STACK : tree.add(frames);
    this.#nodes[stack] = node;
    stacks.release(stack);
    return node;
  }

  #writeTree(tree: FrameTree): void {
    while (this.#writtenFrames < tree.frames.size) {
      const id = ++this.#writtenFrames;
      const { function: name, file, line, language, module, inlined } = tree.frames.get(id);
      const moduleId = module === null ? null : module + 1;
      this.#run(queries.PUT_FRAME, [id, name, file, line, language, moduleId, inlined ? 1 : 0]);
    }
    while (this.#writtenNodes < tree.size) {
      const id = ++this.#writtenNodes;
      this.#run(queries.PUT_STACK, [id, tree.parentOf(id) || null, tree.frameOf(id), tree.depthOf(id)]);
    }
  }

  // ---- sites and losses --------------------------------------------------------------------------------------------

  #writeRow(row: number, accounts: Accounts): void {
    const id = row + 1;
    if (this.#rows.isEmpty(row)) {
      this.#rows.forget(row);
      this.#run(queries.DELETE_TEMPORARIES, [id]);
      this.#run(this.#snapshots === 0 ? queries.DELETE_SITE : queries.EMPTY_SITE, [id]);
      return;
    }
    const sum = this.#sum;
    if (!this.#rows.sum(row, accounts, sum)) return;
    const { thread, allocator, node } = this.#rows.keyOf(row);
    this.#sites.add(
      id,
      accounts.processOfThread(thread) + 1,
      thread + 1,
      allocatorName(allocator),
      node === 0 ? null : node,
      sum.allocations,
      sum.allocatedBytes,
      sum.deallocations,
      SAMPLED_ALLOCATORS.has(allocator) ? 0 : sum.allocatedBytes - sum.liveBytes,
      sum.peakAllocations,
      sum.peakBytes,
      sum.liveAllocations,
      sum.liveBytes,
      sum.temporaryAllocations[0]! + sum.temporaryAllocations[1]!,
      sum.temporaryBytes[0]! + sum.temporaryBytes[1]!,
    );
    // Sites leave a row without stack and take their temporaries along.
    if (node === 0) this.#run(queries.DELETE_TEMPORARIES, [id]);
    if (node === 0 || this.#rows.areTemporariesChanged) this.#writeTemporaries(id);
  }

  #writeTemporaries(id: number): void {
    const { temporaryAllocations, temporaryBytes } = this.#sum;
    for (let distance = 0; distance < TEMPORARY_THRESHOLDS; distance++) {
      const allocations = temporaryAllocations[distance]!;
      if (allocations > 0) this.#temporaries.add(id, distance, allocations, temporaryBytes[distance]);
    }
  }

  #writeLosses(accounts: Accounts, stacks: StackSource, losses: Losses): void {
    const counted = accounts.losses;
    const written: Losses = {};
    for (const kind of Object.keys(LOSS_MEANING)) {
      const unsymbolized = kind === 'frame_unsymbolized' ? stacks.unsymbolizedFrames : 0;
      const count = (losses[kind] ?? 0) + (counted[kind] ?? 0) + unsymbolized;
      if (count !== this.#writtenLosses[kind]) this.#run(queries.PUT_LOSS, [kind, count]);
      written[kind] = count;
    }
    this.#writtenLosses = written;
  }

  /** The `site` row in which a site stands since the last commit; null: in none. */
  siteId(site: number): number | null {
    return this.#rows.has(site) ? this.#rows.rowOf(site) + 1 : null;
  }

  /** Those who only look at it now and then have it open for moments: SQLite does not wait for them by itself. */
  #becomePlainFile(): void {
    const end = Date.now() + PLAIN_FILE_MS;
    for (;;) {
      try {
        this.#db.exec('PRAGMA busy_timeout = 100; PRAGMA journal_mode = DELETE');
        return;
      } catch (error) {
        if (!(error instanceof StoreError && error.code.startsWith('SQLITE_BUSY'))) throw error;
        // A reader keeps the log open: everything is in the file and its log, and the next writer or owner joins them.
        if (Date.now() > end) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PLAIN_FILE_PAUSE_MS);
      }
    }
  }

  #bulk(columns: number, statement: (values: string) => string): BulkInsert {
    return new BulkInsert(columns, statement, (sql, params) => this.#run(sql, params));
  }

  #run(sql: string, params: readonly unknown[]): void {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    statement.run(params);
  }
}

function allocatorName(allocator: number): string {
  return (ALLOCATOR_NAME as Record<number, string>)[allocator] ?? `allocator ${allocator}`;
}

/**
 * A new file with the schema in it.
 * @throws UserError if it exists and `force` is not set, or can't be created; StoreError if the disk is full.
 */
export function createCapture(path: string, options: WriterOptions): Db {
  return openCreated(path, createFile(path, options));
}

/** Makes an empty file for its owner alone: it says what a program did, and with what arguments. */
function createFile(path: string, { force = false, owner = null }: WriterOptions): Identity {
  try {
    const identity = createNewFile(path, { replace: force, owner, mode: 0o600 });
    // Left by another file of this name; SQLite would take them for this one's. It opens them without following links,
    // and gives them the file's owner and mode.
    for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
    return identity;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && !isReplaceable(path))
      throw new UserError(`Failed to write capture ${path}: it is not a regular file`);
    if (code === 'EEXIST') throw new UserError(`File already exists, will not overwrite without --force: ${path}`);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new StoreError('database or disk is full', code);
    throw new UserError(`Failed to write capture ${path}: ${REASONS[code] ?? message}`);
  }
}

/** SQLite opens a file by its name, and through a link. */
function openCreated(path: string, identity: Identity): Db {
  const db = openWriter(path);
  if (isStill(path, identity)) return db;
  db.close();
  throw new UserError(`Failed to write capture ${path}: somebody has put another file in its place`);
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such directory',
  ENOTDIR: 'no such directory',
  EACCES: 'permission denied',
  EROFS: 'read-only file system',
};
