/**
 * Temporary allocations: blocks freed, by the thread that allocated them, after exactly d other allocations of that
 * thread, d = 0 … 16.
 *
 *     a = malloc; free(a)                        d = 0
 *     a = malloc; b = malloc; free(a)            d = 1
 *     a = malloc; a = realloc(a)                 d = 0 for the block of malloc: its free precedes realloc's allocation
 *
 * Those that were freed later are one more class, of which it is up to the caller how far it goes.
 *
 * Most sites have none: a site gets its counters, 18 x (blocks, bytes), with its first one.
 */

import { type SiteSum, TEMPORARY_THRESHOLDS } from '../model/accounts.ts';
import { grown } from './growable.ts';

const ROW = (TEMPORARY_THRESHOLDS + 1) * 2;

export class Temporaries {
  /** Row of a site + 1; 0: none. */
  #rowOf = new Uint32Array(256);
  #rows = new Float64Array(16 * ROW);
  #count = 0;

  /** Counts a block of `site` freed after `distance` other allocations. */
  add(site: number, distance: number, bytes: number): void {
    if (site >= this.#rowOf.length) this.#rowOf = grown(this.#rowOf, site + 1);
    let row = this.#rowOf[site]!;
    if (row === 0) {
      row = ++this.#count;
      this.#rowOf[site] = row;
      this.#rows = grown(this.#rows, row * ROW);
    }
    const at = (row - 1) * ROW + Math.min(distance, TEMPORARY_THRESHOLDS) * 2;
    this.#rows[at]! += 1;
    this.#rows[at + 1]! += bytes;
  }

  /** Adds the counters of `site` to `sum`. */
  addTo(site: number, sum: SiteSum): void {
    const row = this.#rowOf[site] ?? 0;
    if (row === 0) return;
    const at = (row - 1) * ROW;
    for (let distance = 0; distance < TEMPORARY_THRESHOLDS; distance++) {
      sum.temporaryAllocations[distance]! += this.#rows[at + distance * 2]!;
      sum.temporaryBytes[distance]! += this.#rows[at + distance * 2 + 1]!;
    }
  }

  /** Blocks and bytes of `site` in each class that has any; the last class is TEMPORARY_THRESHOLDS. */
  *of(site: number): Generator<[distance: number, blocks: number, bytes: number]> {
    const row = this.#rowOf[site] ?? 0;
    if (row === 0) return;
    const at = (row - 1) * ROW;
    for (let distance = 0; distance <= TEMPORARY_THRESHOLDS; distance++) {
      const blocks = this.#rows[at + distance * 2]!;
      if (blocks > 0) yield [distance, blocks, this.#rows[at + distance * 2 + 1]!];
    }
  }
}
