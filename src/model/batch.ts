/** The beginning of batches that do not come from the addon: of those made of single events, or by hand. */
import type { Batch } from './types.ts';

/** Without records, and nothing is new. Each has lists of its own. */
export function emptyBatch(): Batch {
  const nothing = { processes: [], ends: [], warnings: [], threads: [], modules: [], stacks: [], symbols: [] };
  return { records: new Uint32Array(0), count: 0, baseTimeNs: 0, ...nothing, residents: [] };
}
