/**
 * Ten logarithmic bins out of the size classes of a capture, with the bounds and counts that memray's `stats` has:
 *
 *     sizes          1 ×5  2 ×3  1024 ×2          low = ln 1, high = ln 1024, step = (high - low) / 10 = ln 2
 *     bin of a size  floor((ln size - low) / step), the largest in the last; 0 is in the first
 *     end of bin i   trunc(exp(low + step * (i + 1))): 2, 4, 7, … 511, 1024; only the last is inclusive
 *     beginning      the end of the bin before; that of the first is 0
 *
 * Larger sizes are known by classes. An end that would cut a class in which something was counted moves to the nearer end
 * of it, so that every count is exact.
 */
import type { SizeClassRow } from './source.ts';

export interface Bin {
  min_bytes: number;
  /**
   * Inclusive. Less than `min_bytes` where bins are narrower than a byte. In the last bin, as in memray's, it may be one less
   * than the largest size, by the rounding of exp and ln.
   */
  max_bytes: number;
  count: number;
}

const BIN_COUNT = 10;

/** `classes` by size, not overlapping. Ten bins without gaps; none if nothing was counted. */
export function sizeHistogram(classes: SizeClassRow[]): Bin[] {
  const used = classes.filter((row) => row.allocations > 0);
  const largest = used.at(-1)?.max_bytes;
  if (largest === undefined) return [];
  const scale = scaleOf(used.find((row) => row.max_bytes > 0)?.min_bytes ?? 0, largest);
  const ends = Array.from({ length: BIN_COUNT }, (_, bin) => Math.trunc(edge(scale, bin + 1)));
  const counts = new Array<number>(BIN_COUNT).fill(0);
  for (const row of used) counts[placeClass(row, scale, ends)]! += row.allocations;
  // An end may have moved beyond those that follow.
  for (let bin = 1; bin < BIN_COUNT; bin++) ends[bin] = Math.max(ends[bin]!, ends[bin - 1]!);
  return counts.map((count, bin) => ({
    min_bytes: bin === 0 ? 0 : ends[bin - 1]!,
    max_bytes: ends[bin]! - (bin === BIN_COUNT - 1 ? 0 : 1),
    count,
  }));
}

export interface SizeRange {
  min_bytes: number;
  max_bytes: number;
}

/** Bounds of the smallest and of the largest class; null if nothing was counted. */
export function sizeRange(classes: SizeClassRow[]): SizeRange | null {
  const used = classes.filter((row) => row.allocations > 0);
  const [first, last] = [used[0], used.at(-1)];
  return first && last ? { min_bytes: first.min_bytes, max_bytes: last.max_bytes } : null;
}

interface Scale {
  low: number;
  step: number;
}

function scaleOf(smallest: number, largest: number): Scale {
  const high = Math.log(Math.max(largest, 1));
  let low = Math.log(Math.max(smallest, 1));
  if (low === high) low /= 2;
  return { low, step: (high - low) / BIN_COUNT };
}

/** Where bin `bin` begins. */
const edge = ({ low, step }: Scale, bin: number): number => Math.exp(low + step * bin);

function binOf(size: number, { low, step }: Scale): number {
  if (size === 0) return 0;
  if (step === 0) return BIN_COUNT - 1;
  // As Python divides: the quotient itself may be rounded up to the next whole number.
  const above = Math.log(size) - low;
  return Math.max(0, Math.min(Math.round((above - (above % step)) / step), BIN_COUNT - 1));
}

/** The bin of a class; ends in the middle of it move. */
function placeClass({ min_bytes, max_bytes }: SizeClassRow, scale: Scale, ends: number[]): number {
  let bin = binOf(min_bytes, scale);
  const last = binOf(max_bytes, scale);
  for (let cut = bin; cut < last; cut++) {
    const at = edge(scale, cut + 1);
    const isNearerBegin = at / Math.max(min_bytes, 1) < (max_bytes + 1) / at;
    ends[cut] = isNearerBegin ? min_bytes : max_bytes + 1;
    if (isNearerBegin) bin = cut + 1;
  }
  // Without its fraction an end may be in the last byte of a class.
  if (min_bytes < max_bytes && bin < BIN_COUNT - 1) ends[bin] = Math.max(ends[bin]!, max_bytes + 1);
  return bin;
}
