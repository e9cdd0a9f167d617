/**
 * Snapshots inside a capture: rows of the counters of all sites at one moment, written by the recorder, and read as a
 * capture of its own that is made in memory.
 */
import type { BlockColumns } from '../model/blocks.ts';
import { UserError } from '../util/errors.ts';
import { copyRows, copyTable, inserter } from './copy-table.ts';
import type { Db } from './db.ts';
import { packBlocks, unpackBlocks } from './packed-blocks.ts';

export interface Figure {
  name: string;
  value: number;
  /** As in `metric.format`. */
  format: string;
}

export interface InnerSnapshot {
  timeNs: number;
  /** ISO 8601. */
  takenAt: string;
  reason: string;
  metrics: Iterable<Figure>;
  /** `processes` and `sites` are rows of the capture. Null: without. */
  blocks: BlockColumns | null;
}

/** Those of `site` that change, but for temporary allocations. */
const COUNTERS = [
  'allocations',
  'allocated_bytes',
  'deallocations',
  'deallocated_bytes',
  'peak_allocations',
  'peak_bytes',
  'live_allocations',
  'live_bytes',
];

const PUT_SNAPSHOT = `
  INSERT INTO snapshot (time_ns, taken_at, reason, live_allocations, live_bytes, traces)
  SELECT ?, ?, ?, coalesce(sum(live_allocations), 0), coalesce(sum(live_bytes), 0), ? FROM site`;

const PUT_SITES = `
  INSERT INTO snapshot_site SELECT ?, id, ${COUNTERS.join(', ')} FROM site WHERE allocations > 0 ORDER BY id`;

const PUT_METRIC = 'INSERT OR REPLACE INTO snapshot_metric (snapshot_id, name, value, format) VALUES (?, ?, ?, ?)';

const PUT_BLOCKS = 'INSERT INTO snapshot_block (snapshot_id, part, data) VALUES (?, ?, ?)';

/** V8's heaps as they were last looked at. */
const V8_HEAPS = `
  SELECT sum(v8_heap_bytes) AS bytes FROM (
    SELECT v8_heap_bytes, max(time_ns) FROM resident WHERE v8_heap_bytes IS NOT NULL GROUP BY process_id)`;

/** Inside a transaction. @returns its id. */
export function putSnapshot(db: Db, { timeNs, takenAt, reason, metrics, blocks }: InnerSnapshot): number {
  db.run(PUT_SNAPSHOT, [Math.round(timeNs), takenAt, reason, blocks === null ? 0 : 1]);
  const { id } = db.get<{ id: number }>('SELECT max(id) AS id FROM snapshot')!;
  db.run(PUT_SITES, [id]);
  putMetrics(db, id, metrics);
  const { bytes } = db.get<{ bytes: number | null }>(V8_HEAPS)!;
  if (bytes !== null) putMetrics(db, id, [{ name: 'v8.heap.resident', value: bytes, format: 'size' }]);
  let part = 0;
  if (blocks !== null) for (const data of packBlocks(blocks)) db.run(PUT_BLOCKS, [id, part++, data]);
  return id;
}

export function putMetrics(db: Db, id: number, metrics: Iterable<Figure>): void {
  for (const { name, value, format } of metrics) db.run(PUT_METRIC, [id, name, value, format]);
}

interface SnapshotRow {
  time_ns: number;
  taken_at: string;
  traces: number;
}

const WHOLE = ['thread', 'module', 'frame', 'stack', 'loss'];
const META_LEFT_OUT = "key NOT IN ('interval_ns', 'interval_end_ns', 'status', 'ended_at', 'takes_snapshots')";

/**
 * Fills `target`, an empty capture, with snapshot `id` of `source`, which must be in a transaction.
 * @throws UserError if there is no such snapshot; StoreError if the capture is damaged.
 */
export function extractSnapshot(source: Db, id: number, target: Db): void {
  const snapshot = rowOf(source, id);
  for (const table of WHOLE) copyTable(source, target, table);
  copyTable(source, target, 'process', 'started_ns <= ?', [snapshot.time_ns]);
  target.run('UPDATE process SET ended_ns = NULL, exit_code = NULL, exit_signal = NULL WHERE ended_ns > ?', [
    snapshot.time_ns,
  ]);
  for (const table of ['memory', 'resident']) copyTable(source, target, table, 'time_ns <= ?', [snapshot.time_ns]);
  copySites(source, id, target);
  const figures = ['name', 'value', 'format'];
  const ofSnapshot = `SELECT ${figures.join(', ')} FROM snapshot_metric WHERE snapshot_id = ?`;
  copyRows(source, target, 'metric', figures, ofSnapshot, [id]);
  copyBlocks(source, id, target);
  copyTable(source, target, 'meta', META_LEFT_OUT);
  const own = { status: 'complete', ended_at: snapshot.taken_at, snapshot_at: snapshot.taken_at, snapshot: String(id) };
  const facts = snapshot.traces === 1 ? { ...own, traces: '1' } : own;
  for (const [key, value] of Object.entries(facts))
    target.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', [key, value]);
}

function rowOf(source: Db, id: number): SnapshotRow {
  const isKnown = source.get("SELECT 1 FROM main.sqlite_schema WHERE name = 'snapshot'") !== undefined;
  const row = isKnown ? source.get<SnapshotRow>('SELECT * FROM snapshot WHERE id = ?', [id]) : undefined;
  if (row !== undefined) return row;
  const { count, last } = isKnown
    ? source.get<{ count: number; last: number }>('SELECT count(*) AS count, max(id) AS last FROM snapshot')!
    : { count: 0, last: 0 };
  const has = count === 0 ? 'it has none' : count === 1 ? `it has @${last}` : `it has @1 to @${last}`;
  throw new UserError(`The capture ${source.path} has no snapshot @${id}: ${has} (mp info lists them)`);
}

function copySites(source: Db, id: number, target: Db): void {
  const kept = ['id', 'process_id', 'thread_id', 'allocator', 'stack_id'];
  const temporaries = ['temporary_allocations', 'temporary_bytes'];
  const columns = [...kept.map((name) => `s.${name}`), ...COUNTERS.map((name) => `n.${name}`)];
  const select = `SELECT ${[...columns, ...temporaries.map((name) => `0 AS ${name}`)].join(', ')}
    FROM snapshot_site n JOIN main.site s ON s.id = n.site_id WHERE n.snapshot_id = ?`;
  copyRows(source, target, 'site', [...kept, ...COUNTERS, ...temporaries], select, [id]);
}

function copyBlocks(source: Db, id: number, target: Db): void {
  const blocks = inserter(target, 'block', ['process_id', 'address', 'bytes', 'site_id']);
  const parts = 'SELECT data FROM snapshot_block WHERE snapshot_id = ? ORDER BY part';
  for (const { data } of source.iterate<{ data: Uint8Array }>(parts, [id])) {
    for (const { process_id, address, bytes, site_id } of unpackBlocks(data))
      blocks.add(process_id, address, bytes, site_id);
  }
  blocks.finish();
}
