/**
 * Which row of `site` every site of the aggregator belongs to.
 *
 * The aggregator tells stacks apart by their return addresses, a capture by their symbolized frames: two calls on one line
 * are two sites and one row, whose numbers are sums. And a stack without symbols yet has no frames at all:
 *
 *     site 0  thread 1, malloc, addresses 10 20    ->  row 0 (thread 1, malloc, no stack)
 *     site 1  thread 1, malloc, addresses 10 24    ->  row 0 as well
 *     symbols of 20 and 24 arrive: both are parse > read
 *     site 0, site 1                               ->  row 1 (thread 1, malloc, parse > read); row 0 is empty: deleted
 *
 * So a row is a list of sites, and its numbers are added up anew when one of them has changed.
 */

import { type Accounts, type SiteSum, TEMPORARY_THRESHOLDS } from '../model/accounts.ts';
import { TripleIndex } from '../model/triple-index.ts';

const NUMBERS = 8;
const TEMPORARIES = 7;

/** What a row belongs to. `node` 0: no stack. */
export interface RowKey {
  thread: number;
  allocator: number;
  node: number;
}

export class SiteRows {
  readonly #index = new TripleIndex();
  readonly #keys: RowKey[] = [];
  /** Sites leave the rows without stack, thousands at a time: those are sets. */
  readonly #members: (number[] | Set<number>)[] = [];
  readonly #rowOf: number[] = [];
  /** Numbers last written, NUMBERS in a row; NaN if it has to be written. */
  #written = new Float64Array(0);
  readonly #numbers = new Float64Array(NUMBERS);
  readonly #changed = new Set<number>();
  /** Of the last `sum`: temporary allocations are not those that were last written. */
  areTemporariesChanged = false;

  /** True if the site has a row. */
  has(site: number): boolean {
    return this.#rowOf[site] !== undefined;
  }

  /** Puts a site into the row of `key`, out of the one it was in. */
  assign(site: number, key: RowKey): void {
    const before = this.#rowOf[site];
    const row = this.#index.add(key.thread, key.allocator, key.node);
    if (row === before) return;
    if (before !== undefined) {
      const left = this.#members[before];
      if (!(left instanceof Set)) throw new Error(`site ${site} can't leave a row with a stack`);
      left.delete(site);
      this.#changed.add(before);
    }
    this.#keys[row] = key;
    this.#members[row] ??= key.node === 0 ? new Set() : [];
    const members = this.#members[row];
    if (members instanceof Set) members.add(site);
    else members.push(site);
    this.#rowOf[site] = row;
    this.#changed.add(row);
  }

  /** The row of a site that has one. */
  rowOf(site: number): number {
    return this.#rowOf[site]!;
  }

  /** The numbers of a site with a row may have changed. */
  touch(site: number): void {
    this.#changed.add(this.#rowOf[site]!);
  }

  /** Rows to look at in this commit. */
  get changed(): Iterable<number> {
    return this.#changed;
  }

  keyOf(row: number): RowKey {
    return this.#keys[row]!;
  }

  isEmpty(row: number): boolean {
    const members = this.#members[row]!;
    return members instanceof Set && members.size === 0;
  }

  /** Adds up the row. Returns false if it is as it was last written. */
  sum(row: number, accounts: Accounts, sum: SiteSum): boolean {
    clear(sum);
    for (const site of this.#members[row]!) accounts.addTo(site, sum);
    numbersOf(sum, this.#numbers);
    const at = row * NUMBERS;
    if (at >= this.#written.length) this.#grow(at + NUMBERS);
    const temporaries = this.#numbers[TEMPORARIES]!;
    // None need to be written to a new row that has none.
    this.areTemporariesChanged = temporaries !== (this.#written[at + TEMPORARIES]! || 0);
    if (this.#isWritten(at)) return false;
    this.#written.set(this.#numbers, at);
    return true;
  }

  #isWritten(at: number): boolean {
    for (let index = 0; index < NUMBERS; index++) {
      if (this.#numbers[index] !== this.#written[at + index]) return false;
    }
    return true;
  }

  forget(row: number): void {
    this.#written.fill(Number.NaN, row * NUMBERS, (row + 1) * NUMBERS);
  }

  committed(): void {
    this.#changed.clear();
  }

  failed(): void {
    for (const row of this.#changed) this.forget(row);
  }

  #grow(length: number): void {
    const larger = new Float64Array(Math.max(length, this.#written.length * 2)).fill(Number.NaN);
    larger.set(this.#written);
    this.#written = larger;
  }
}

export function emptySum(): SiteSum {
  return {
    allocations: 0,
    allocatedBytes: 0,
    deallocations: 0,
    liveAllocations: 0,
    liveBytes: 0,
    peakAllocations: 0,
    peakBytes: 0,
    temporaryAllocations: new Float64Array(TEMPORARY_THRESHOLDS),
    temporaryBytes: new Float64Array(TEMPORARY_THRESHOLDS),
  };
}

function clear(sum: SiteSum): void {
  sum.allocations = 0;
  sum.allocatedBytes = 0;
  sum.deallocations = 0;
  sum.liveAllocations = 0;
  sum.liveBytes = 0;
  sum.peakAllocations = 0;
  sum.peakBytes = 0;
  sum.temporaryAllocations.fill(0);
  sum.temporaryBytes.fill(0);
}

/** What tells one state of a row from another. Temporaries are told by their sum: of one distance they only grow. */
function numbersOf(sum: SiteSum, into: Float64Array): void {
  into[0] = sum.allocations;
  into[1] = sum.allocatedBytes;
  into[2] = sum.deallocations;
  into[3] = sum.liveAllocations;
  into[4] = sum.liveBytes;
  into[5] = sum.peakAllocations;
  into[6] = sum.peakBytes;
  let temporaries = 0;
  for (let distance = 0; distance < TEMPORARY_THRESHOLDS; distance++)
    temporaries += sum.temporaryAllocations[distance]!;
  into[TEMPORARIES] = temporaries;
}
