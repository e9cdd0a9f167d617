/**
 * Numbers triples of 32-bit integers: each distinct triple gets the next number, from 0.
 *
 *     add(7, 1, 3) = 0      add(7, 1, 4) = 1      add(7, 1, 3) = 0
 *
 * Open addressing in one Uint32Array; an entry is (a, b, c, number + 1), 0 in the last word marks a free place. One entry
 * is a quarter of a cache line, so a look-up rarely costs more than one miss.
 */

const ENTRY_WORDS = 4;
const INITIAL_BITS = 8;

export class TripleIndex {
  #size = 0;
  #table = new Uint32Array(ENTRY_WORDS << INITIAL_BITS);
  #shift = 32 - INITIAL_BITS;
  #mask = (1 << INITIAL_BITS) - 1;

  get size(): number {
    return this.#size;
  }

  /** Number of the triple, which is `size` before the call if it is new. */
  add(a: number, b: number, c: number): number {
    const table = this.#table;
    let place = hash(a, b, c) >>> this.#shift;
    for (;;) {
      const entry = place * ENTRY_WORDS;
      const number = table[entry + 3]!;
      if (number === 0) break;
      if (table[entry] === a && table[entry + 1] === b && table[entry + 2] === c) return number - 1;
      place = (place + 1) & this.#mask;
    }
    const entry = place * ENTRY_WORDS;
    table[entry] = a;
    table[entry + 1] = b;
    table[entry + 2] = c;
    table[entry + 3] = ++this.#size;
    const number = this.#size - 1;
    if (this.#size * 2 > this.#mask) this.#grow();
    return number;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    this.#shift--;
    this.#mask = this.#mask * 2 + 1;
    for (let from = 0; from < old.length; from += ENTRY_WORDS) {
      if (old[from + 3] === 0) continue;
      let place = hash(old[from]!, old[from + 1]!, old[from + 2]!) >>> this.#shift;
      while (this.#table[place * ENTRY_WORDS + 3] !== 0) place = (place + 1) & this.#mask;
      for (let word = 0; word < ENTRY_WORDS; word++) this.#table[place * ENTRY_WORDS + word] = old[from + word]!;
    }
  }
}

function hash(a: number, b: number, c: number): number {
  const mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
}
