/**
 * Blocks that a forked child got from its parent. They are no allocations of the child, but freeing them there is nothing
 * to wonder about, while freeing any other unknown address is an unmatched free.
 *
 * A fork copies the parent's addresses (8 bytes each) and shares what the parent had inherited itself. Most children call
 * exec next and never look one up, so the copy is sorted when the first address is asked for.
 */

import type { Range } from './ranges.ts';

interface Snapshot {
  addresses: Float64Array;
  isSorted: boolean;
  ranges: Range[];
}

export class Inherited {
  readonly #snapshots: readonly Snapshot[];
  /** Blocks and mappings inherited and not freed here. */
  count: number;

  constructor(addresses: Float64Array, ranges: Range[], parent: Inherited | null) {
    this.#snapshots = [{ addresses, isSorted: false, ranges }, ...(parent === null ? [] : parent.#snapshots)];
    this.count = addresses.length + ranges.length + (parent?.count ?? 0);
  }

  /** Frees the block at `address` if it is an inherited one, else returns false. */
  free(address: number): boolean {
    if (!this.#snapshots.some((snapshot) => contains(snapshot, address))) return false;
    if (this.count > 0) this.count--;
    return true;
  }

  /** True if [start, end) meets an inherited mapping. */
  touches(start: number, end: number): boolean {
    return this.#snapshots.some(({ ranges }) => ranges.some((range) => range.start < end && start < range.end));
  }
}

function contains(snapshot: Snapshot, address: number): boolean {
  const { addresses } = snapshot;
  if (!snapshot.isSorted) {
    addresses.sort();
    snapshot.isSorted = true;
  }
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (addresses[middle]! < address) low = middle + 1;
    else high = middle;
  }
  return addresses[low] === address;
}
