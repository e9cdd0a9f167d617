/** Reads a capture or a snapshot from its file. */
import { statSync } from 'node:fs';
import { readFacts } from '../report/facts.ts';
import { openReader } from '../store/db.ts';
import { Reader } from '../store/reader.ts';
import { metricsOf } from '../top/figures.ts';
import { readMetrics, readSnapshot } from '../top/read-snapshot.ts';
import type { SnapshotParts } from '../top/snapshot.ts';
import { StoreError, UserError } from '../util/errors.ts';
import { figuresOf, runtimeMetrics } from './figures.ts';
import { liveBlocks } from './live-blocks.ts';

export interface LoadOptions {
  /** Also the single blocks, if the file knows them. Default: true. */
  traces?: boolean;
  /** Default: true. */
  metrics?: boolean;
}

/**
 * What is live in a capture, also in one that is still being recorded, or in a snapshot.
 * @throws UserError if the file can't be read as one.
 */
export function loadParts(path: string, { traces = true, metrics = true }: LoadOptions = {}): SnapshotParts {
  const db = openReader(path);
  try {
    return db.transaction(() => {
      const source = new Reader(db);
      const facts = readFacts(source, path, 'complete');
      const kept = metrics ? readMetrics(source) : [];
      return readSnapshot(
        { source, facts },
        {
          timestamp: timestampOf(path, source),
          blocks: traces ? liveBlocks(db) : null,
          metrics: metrics && kept.length === 0 ? [...metricsOf(figuresOf(db)), ...runtimeMetrics(db)] : kept,
        },
      );
    });
  } catch (error) {
    if (error instanceof StoreError) throw new UserError(`Failed to read capture ${path}: ${error.message}`);
    throw error;
  } finally {
    db.close();
  }
}

/** When it was as the file says: when a snapshot was taken, when a capture ended or was last written to. */
function timestampOf(path: string, source: Reader): Date {
  const meta = new Map(source.all<{ key: string; value: string }>('meta').map(({ key, value }) => [key, value]));
  const time = new Date(meta.get('snapshot_at') ?? meta.get('ended_at') ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? lastWritten(path) : time;
}

function lastWritten(path: string): Date {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return new Date(Math.max(statSync(path).mtimeMs, log?.mtimeMs ?? 0));
}
