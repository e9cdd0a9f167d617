/**
 * `--sites`: the lines that allocated the objects of a process, from its capture.
 *
 *     process     ── running ──┤ stands still: its objects are read ├── running ──
 *     capture     events … up to this ┘ moment, waited for if it is being recorded
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { type ObjectSites, objectSites } from '../../heap/sites.ts';
import { liveBlocks } from '../../lib/live-blocks.ts';
import type { LiveBlock } from '../../model/blocks.ts';
import type { HeapColumns } from '../../model/heap.ts';
import type { FrameRow } from '../../report/source.ts';
import { frameLocation, framesOf, placeOf, Stacks } from '../../report/stacks.ts';
import { type Db, openReader } from '../../store/db.ts';
import { Reader } from '../../store/reader.ts';
import { StoreError, UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { captureOf } from '../registry.ts';
import { staticMemory } from './static-memory.ts';

export interface SitesOptions {
  sites?: boolean;
  capture?: string;
}

export interface CapturedSites extends ObjectSites {
  /** What an object's stack is, innermost first, a line each; empty if it is not known. */
  stackLines(object: number): string[];
}

const BEFORE = '(before tracing)';
const BEFORE_FORK = '(before the fork)';
const NOT_THEN = '(before or after the capture)';
const NOT_RECORDED = '(not recorded)';
const STATIC = '(static data)';
const UNKNOWN_LINE = '(unknown line)';

/** A recorder writes four times a second, unless the machine is busy. */
const MAX_LAG_MS = 30_000;
const POLL_MS = 100;
/** Stacks that have no names after so long stay without: some sites have no stack at all. */
const MAX_NAMES_MS = 5000;
const UNNAMED = `SELECT 1 AS found FROM site_part a JOIN process p ON p.id = a.process_id
  LEFT JOIN main.site s ON s.id = a.site_id WHERE s.stack_id IS NULL AND p.pid = ? LIMIT 1`;
/** Of a recording that does not say how far it is. */
const SETTLE_MS = 1000;

const NOTES = `
--sites takes lines from the recording of the process: single blocks are known if it was made with --events, and those of
objects with --trace-python-allocators. What Python keeps in a free list, some tuples, lists, dicts, floats and frames, has
the line that first asked for its block.`;

export function addSitesOptions(command: Command): Command {
  return command
    .option('--sites', 'also the line that allocated, of a process traced with --trace-python-allocators')
    .option('--capture <FILE>', 'the capture or snapshot to take that from (default: the running recording)')
    .addHelpText('after', NOTES);
}

/**
 * `readAtNs`: CLOCK_MONOTONIC while the process stood still.
 * @throws UserError if there is no capture that knows single blocks of the process.
 */
export async function capturedSites(
  pid: number,
  heap: HeapColumns,
  readAtNs: bigint,
  options: SitesOptions,
  output: Output,
): Promise<CapturedSites> {
  const running = captureOf(pid);
  const path = options.capture === undefined ? running : resolve(options.capture);
  if (path === null)
    throw new UserError(`process ${pid} is not being traced: give a capture of it with --capture, or trace it`);
  if (path === running && !(await isWritten(path, pid, readAtNs)))
    output.err('the recording is behind: what it has not written yet counts as before tracing\n');
  const isNow = path === running;
  const known = read(path, (db) => sitesOf(db, { path, pid, isNow, readAtNs }, heap, output));
  if (known !== null) return known;
  if (path !== running)
    throw new UserError(
      `${path} does not know its single blocks: record with --events, or give a snapshot taken with --traces`,
    );
  return await withSnapshot(pid, (snapshot) => {
    const sites = read(snapshot, (db) => sitesOf(db, { path: snapshot, pid, isNow: true, readAtNs }, heap, output));
    if (sites === null) throw new UserError(`the snapshot of process ${pid} does not know its blocks`);
    output.err(
      'the lines are those of a snapshot taken a moment later: record with --events to have them of the same\n',
    );
    return sites;
  });
}

function read<T>(path: string, work: (db: Db) => T): T {
  try {
    const db = openReader(path);
    try {
      return db.transaction(() => work(db));
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof StoreError) throw new UserError(`Failed to read capture ${path}: ${error.message}`);
    throw error;
  }
}

/**
 * Waits until the capture holds what happened before that time, and for the names of stacks, which come later. False: the
 * recorder is too slow.
 */
export async function isWritten(
  path: string,
  pid: number,
  readAtNs: bigint,
  maxLagMs = MAX_LAG_MS,
  maxNamesMs = MAX_NAMES_MS,
): Promise<boolean> {
  let namesMs = 0;
  for (let waitedMs = 0; waitedMs <= maxLagMs; waitedMs += POLL_MS) {
    const [startNs, endNs, isUnnamed] = read(
      path,
      (db) =>
        [
          numberOf(db, 'clock_start_ns'),
          numberOf(db, 'interval_end_ns'),
          db.get(UNNAMED, [pid]) !== undefined,
        ] as const,
    );
    if (startNs === null || endNs === null) {
      await setTimeout(SETTLE_MS);
      return true;
    }
    if (startNs + endNs >= Number(readAtNs)) {
      if (!isUnnamed || namesMs >= maxNamesMs) return true;
      namesMs += POLL_MS;
    }
    await setTimeout(POLL_MS);
  }
  return false;
}

function metaOf(db: Db, key: string): string | null {
  return db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', [key])?.value ?? null;
}

function numberOf(db: Db, key: string): number | null {
  const value = metaOf(db, key);
  return value === null ? null : Number(value);
}

interface Asked {
  path: string;
  pid: number;
  /** It goes up to the moment at which the objects were read. */
  isNow: boolean;
  readAtNs: bigint;
}

/** Null: the capture does not know its blocks. */
function sitesOf(
  db: Db,
  { path, pid, isNow, readAtNs }: Asked,
  heap: HeapColumns,
  output: Output,
): CapturedSites | null {
  const image = db.get<{ id: number; origin: string }>(
    'SELECT id, origin FROM process WHERE pid = ? ORDER BY id DESC LIMIT 1',
    [pid],
  );
  if (image === undefined) throw new UserError(`process ${pid} is not in ${path}`);
  const startNs = numberOf(db, 'clock_start_ns');
  const blocks = liveBlocks(db, startNs === null ? undefined : Number(readAtNs) - startNs);
  if (blocks === null) return null;
  const hasObjects = isObjectAllocatorTraced(db);
  if (!hasObjects)
    output.err(`${path} was recorded without --trace-python-allocators: only objects above 512 bytes have a line\n`);
  const own = blocks.filter(({ process_id }) => process_id === image.id).map(asBlock);
  const stacks = new Stacks(new Reader(db));
  const isStatic = staticMemory(pid);
  if (!isNow)
    output.err(
      `${path} is of an earlier moment: what was allocated after it has no line, or that of a block before it\n`,
    );
  const early = image.origin === 'fork' ? BEFORE_FORK : BEFORE;
  const unknown = !hasObjects ? NOT_RECORDED : isNow ? early : NOT_THEN;
  const sites = objectSites(heap, own, {
    lineOf: (stack) => lineText(stacks.place(stack)),
    withoutBlock: (address) => (isStatic(address) ? STATIC : unknown),
  });
  return { ...sites, stackLines: (object) => stackLines(stacks, sites.stackOf(object)) };
}

function asBlock({ address, bytes, stack_id }: LiveBlock) {
  return { address: Number(address), bytes: Number(bytes), stack: stack_id };
}

function isObjectAllocatorTraced(db: Db): boolean {
  return db.get("SELECT 1 AS found FROM site WHERE allocator LIKE 'pymalloc%' LIMIT 1") !== undefined;
}

/** `/srv/app.py:12 (load)` */
function lineText(frame: FrameRow | undefined): string {
  if (frame === undefined) return UNKNOWN_LINE;
  const place = frameLocation(frame);
  return `${place === '' ? '???' : place}${frame.function === null ? '' : ` (${frame.function})`}`;
}

/** Of Python lines, if there are any. */
function stackLines(stacks: Stacks, stack: number | null): string[] {
  const innermost = stacks.node(stack);
  if (innermost === undefined) return [];
  const place = placeOf(innermost);
  const frames = framesOf(place);
  const isNative = place.frame.language === 'native';
  return frames.filter(({ language }) => isNative || language !== 'native').map(lineText);
}

/** The blocks of a recording that keeps no single events, as it writes them into a snapshot. */
async function withSnapshot<T>(pid: number, work: (path: string) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-sites-'));
  try {
    const path = join(folder, 'snapshot.db');
    const { register } = await import('../commands/snapshot.ts');
    const program = new Command().exitOverride();
    const silent = { out: () => {}, err: () => {}, isTTY: false, columns: 80, color: false };
    register(program, silent);
    await program.parseAsync(['snapshot', '--traces', '-o', path, `${pid}`], { from: 'user' });
    return work(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
