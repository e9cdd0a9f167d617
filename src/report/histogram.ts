/**
 * Ten logarithmic bins out of the finer size classes of a capture. An edge that would cut a class moves to the nearer
 * end of it, so that every count is exact:
 *
 *     classes          [1,1] ×5   [2,2] ×3   [1024,1151] ×2
 *     even edges       1, 2.02, 4.1, … 570, 1152
 *     bins             1 ≤ size < 2.02 …, last bin 570 ≤ size ≤ 1151
 */
import type { SizeClassRow } from './source.ts';

export interface Bin {
  min_bytes: number;
  /** Inclusive. */
  max_bytes: number;
  count: number;
}

const BIN_COUNT = 10;

/** `classes` by size, not overlapping. At most ten bins without gaps; fewer if there are fewer distinct sizes. */
export function sizeHistogram(classes: SizeClassRow[]): Bin[] {
  const used = classes.filter((row) => row.allocations > 0);
  const [first] = used;
  if (first === undefined) return [];
  const end = used.at(-1)!.max_bytes + 1;
  const edges = binEdges(first.min_bytes, end, used);
  const bins = edges.slice(0, -1).map((min, i) => ({ min_bytes: min, max_bytes: edges[i + 1]! - 1, count: 0 }));
  let at = 0;
  for (const row of used) {
    while (row.min_bytes > bins[at]!.max_bytes) at++;
    bins[at]!.count += row.allocations;
  }
  return bins;
}

/** Beginnings of the bins, then the end of the last. */
function binEdges(begin: number, end: number, classes: SizeClassRow[]): number[] {
  // Sizes from 0 on need log(size + 1): it is even enough above and has no pole.
  const low = Math.log(begin + 1);
  const step = (Math.log(end + 1) - low) / BIN_COUNT;
  const edges = [begin];
  for (let i = 1; i < BIN_COUNT; i++) {
    const edge = snapped(Math.ceil(Math.exp(low + i * step) - 1), classes);
    if (edge > edges.at(-1)! && edge < end) edges.push(edge);
  }
  return [...edges, end];
}

function snapped(edge: number, classes: SizeClassRow[]): number {
  const cut = classes.find((row) => row.min_bytes < edge && edge <= row.max_bytes);
  if (cut === undefined) return edge;
  const after = cut.max_bytes + 1;
  return edge / Math.max(cut.min_bytes, 1) < after / edge ? cut.min_bytes : after;
}
