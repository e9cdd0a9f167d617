/** Copies what a capture, maybe one that is being recorded, holds at this moment into a snapshot. */
import { type Db, openReader } from '../store/db.ts';
import { type SnapshotFigures, writeSnapshot } from '../store/snapshot.ts';
import type { WriterOptions } from '../store/writer.ts';
import { metricsOf } from '../top/figures.ts';
import type { Metric } from '../top/metric.ts';
import { StoreError, UserError } from '../util/errors.ts';
import { figuresOf, runtimeMetrics } from './figures.ts';
import { liveBlocks } from './live-blocks.ts';

export interface TakeOptions extends WriterOptions {
  /** With the single live blocks. */
  traces: boolean;
  /** Further ones. */
  metrics: readonly Metric[];
  takenAt: Date;
}

/**
 * @throws UserError if the capture can't be read or does not know its blocks, or the file can't be made; StoreError if the
 * disk is full.
 */
export function takeSnapshot(capture: string, path: string, options: TakeOptions): void {
  const db = openReader(capture);
  try {
    db.transaction(() => {
      const blocks = options.traces ? blocksOf(db) : null;
      if (options.traces && blocks === null)
        throw new UserError(
          `The capture ${capture} does not know its single blocks: while it is being recorded, its recorder does and keeps ` +
            `them inside it, with mp snapshot --traces and no -o; or record with --events`,
        );
      const metrics = [...metricsOf(figuresOf(db)), ...runtimeMetrics(db), ...options.metrics];
      writeSnapshot(db, path, { takenAt: options.takenAt.toISOString(), metrics, blocks }, options);
    });
  } catch (error) {
    if (error instanceof StoreError && !error.isDiskFull)
      throw new UserError(`Failed to read capture ${capture}: ${error.message}`);
    throw error;
  } finally {
    db.close();
  }
}

/** Blocks with a site of their stack: any, as nothing else of it is asked for. */
function blocksOf(db: Db): SnapshotFigures['blocks'] {
  const blocks = liveBlocks(db);
  if (blocks === null) return null;
  const rows = db.all<{ id: number; process_id: number; stack_id: number }>(
    'SELECT id, process_id, stack_id FROM site WHERE stack_id IS NOT NULL',
  );
  const sites = new Map(rows.map(({ id, process_id, stack_id }) => [`${process_id} ${stack_id}`, id]));
  const byAddress = new Map([...blocks].reverse().map((block) => [`${block.process_id} ${block.address}`, block]));
  return [...byAddress.values()].map(({ process_id, address, bytes, stack_id }) => ({
    process_id,
    address,
    bytes,
    site_id: sites.get(`${process_id} ${stack_id}`) ?? null,
  }));
}
