/**
 * Copies a capture as it is at one moment into a file of its own: everything but single events and what is known by time of
 * sites, with the figures that were taken and, if they are given, the live blocks.
 */
import { rmSync } from 'node:fs';
import type { LiveBlock } from '../model/blocks.ts';
import { copyTable, inserter } from './copy-table.ts';
import { type Db, hasTable } from './db.ts';
import { createCapture, type WriterOptions } from './writer.ts';

export interface SnapshotFigures {
  /** ISO 8601. */
  takenAt: string;
  metrics: Iterable<{ name: string; value: number; format: string }>;
  /** Null: taken without. */
  blocks: Iterable<Pick<LiveBlock, 'process_id' | 'address' | 'bytes'> & { site_id: number | null }> | null;
}

const TABLES = [
  'process',
  'thread',
  'module',
  'frame',
  'stack',
  'site',
  'memory',
  'resident',
  'temporary',
  'size_histogram',
  'loss',
];
const LEFT_OUT = ['interval_ns', 'interval_end_ns', 'status', 'ended_at', 'snapshot_at', 'traces', 'takes_snapshots'];

/**
 * `source` must be in a transaction. A file that could not be written to its end is removed.
 * @throws UserError if `path` exists and `force` is not set, or can't be created; StoreError if the disk is full.
 */
export function writeSnapshot(source: Db, path: string, figures: SnapshotFigures, options: WriterOptions = {}): void {
  writeCapture(path, options, (target) => {
    for (const table of TABLES) if (hasTable(source, table)) copyTable(source, target, table);
    writeMeta(source, target, figures);
    const metrics = inserter(target, 'metric', ['name', 'value', 'format']);
    for (const { name, value, format } of figures.metrics) metrics.add(name, value, format);
    metrics.finish();
    const blocks = inserter(target, 'block', ['process_id', 'address', 'bytes', 'site_id']);
    for (const { process_id, address, bytes, site_id } of figures.blocks ?? [])
      blocks.add(process_id, address, bytes, site_id);
    blocks.finish();
  });
}

/** Makes a capture that is complete when `fill` is done, or none. @throws as `writeSnapshot`, and what `fill` throws. */
export function writeCapture(path: string, options: WriterOptions, fill: (db: Db) => void): void {
  const db = createCapture(path, options);
  let isComplete = false;
  try {
    db.transaction(() => fill(db));
    db.exec('PRAGMA journal_mode = DELETE');
    isComplete = true;
  } finally {
    db.close();
    if (!isComplete) for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  }
}

function writeMeta(source: Db, target: Db, { takenAt, blocks }: SnapshotFigures): void {
  const known = source.all<{ key: string; value: string }>('SELECT key, value FROM meta');
  const own = {
    status: 'complete',
    ended_at: takenAt,
    snapshot_at: takenAt,
    ...(blocks === null ? {} : { traces: '1' }),
  };
  const kept = known.filter(({ key }) => !LEFT_OUT.includes(key)).map(({ key, value }) => [key, value] as const);
  target.run("DELETE FROM meta WHERE key <> 'format_version'");
  for (const [key, value] of [...kept, ...Object.entries(own)])
    target.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', [key, value]);
}
