/**
 * What was freed in the open interval, by site and interval of birth.
 *
 *     free of 8 bytes of site 3, born at tick 5    (3, 5) -> 1 block, 8 bytes
 *     free of 4 bytes of site 3, born at tick 5    (3, 5) -> 2 blocks, 12 bytes
 *
 * Open addressing; a list of the places that are taken makes emptying cost as much as there are cells.
 *
 *     word 0 site + 1; 0: free place   1 birth   2 blocks   double 2 bytes
 */

import { grown } from './growable.ts';

const CELL_WORDS = 6;
const CELL_DOUBLES = 3;
const INITIAL = 128;

export class FreedCells {
  count = 0;
  #doubles = new Float64Array(INITIAL * CELL_DOUBLES);
  #words = new Int32Array(this.#doubles.buffer);
  #mask = INITIAL - 1;
  #places = new Uint32Array(INITIAL);

  add(site: number, birth: number, blocks: number, bytes: number): void {
    const place = this.#place(site, birth);
    const words = this.#words;
    const at = place * CELL_WORDS;
    if (words[at] === 0) {
      words[at] = site + 1;
      words[at + 1] = birth;
      this.#places[this.count++] = place;
    }
    words[at + 2]! += blocks;
    this.#doubles[place * CELL_DOUBLES + 2]! += bytes;
    if (this.count * 2 > this.#mask) this.#grow();
  }

  /** Tells of every cell, in the order in which they were first counted in, and forgets them. */
  drain(visit: (site: number, birth: number, blocks: number, bytes: number) => void): void {
    const words = this.#words;
    for (let i = 0; i < this.count; i++) {
      const place = this.#places[i]!;
      const at = place * CELL_WORDS;
      visit(words[at]! - 1, words[at + 1]!, words[at + 2]!, this.#doubles[place * CELL_DOUBLES + 2]!);
      words.fill(0, at, at + CELL_WORDS);
    }
    this.count = 0;
  }

  /** Place of the cell, or the free one where it belongs. */
  #place(site: number, birth: number): number {
    const words = this.#words;
    let place = hash(site, birth) & this.#mask;
    for (;;) {
      const at = place * CELL_WORDS;
      if (words[at] === 0 || (words[at] === site + 1 && words[at + 1] === birth)) return place;
      place = (place + 1) & this.#mask;
    }
  }

  #grow(): void {
    const old = this.#words;
    const size = (this.#mask + 1) * 2;
    this.#doubles = new Float64Array(size * CELL_DOUBLES);
    this.#words = new Int32Array(this.#doubles.buffer);
    this.#mask = size - 1;
    this.#places = grown(this.#places, size);
    for (let i = 0; i < this.count; i++) {
      const from = this.#places[i]! * CELL_WORDS;
      const place = this.#place(old[from]! - 1, old[from + 1]!);
      this.#words.set(old.subarray(from, from + CELL_WORDS), place * CELL_WORDS);
      this.#places[i] = place;
    }
  }
}

function hash(site: number, birth: number): number {
  const mixed = Math.imul(site, 0x9e3779b1) ^ Math.imul(birth, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
