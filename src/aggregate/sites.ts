/**
 * Sites: everything that one stack did in one thread through one allocator function, with its counters.
 *
 * A site is two cache lines of 64 bytes, doubles and 32-bit words side by side in one buffer, so that an event touches one
 * line of the block table and these, of which the processor fetches the second along with the first:
 *
 *     double  0 live bytes   1 peak bytes   2 allocations   3 allocated bytes   4 deallocations
 *     word   10 live blocks  11 peak blocks    12 generation  13 allocator, CHANGED    14 thread    15 stack
 *     double  8-12, word 26-30: of the open interval, see intervals.ts
 *
 * Freed bytes are not kept: they are allocated minus live. What `peak` and `generation` mean is in high-watermark.ts.
 * The hash table that finds a site holds numbers of sites only and compares with the keys in their lines. So it is small,
 * and a look-up that succeeds has fetched the line that comes next anyway.
 */

import { grown } from './growable.ts';

/** Of a site, in `doubles` at site * SITE_DOUBLES. */
export const SITE_DOUBLES = 16;
export const LIVE_BYTES = 0;
export const PEAK_BYTES = 1;
export const ALLOCATIONS = 2;
export const ALLOCATED_BYTES = 3;
export const DEALLOCATIONS = 4;
/** When the interval began. */
export const START_ALLOCATIONS = 8;
export const START_ALLOCATED_BYTES = 9;
export const START_BYTES = 10;
/** At the high watermark of the interval. */
export const KEPT_BYTES = 11;
/** Freed of what was allocated in the interval. */
export const BRIEF_BYTES = 12;

/** Of a site, in `words` at site * SITE_WORDS. */
export const SITE_WORDS = 32;
export const LIVE_ALLOCATIONS = 10;
export const PEAK_ALLOCATIONS = 11;
export const GENERATION = 12;
const ALLOCATOR = 13;
const THREAD = 14;
const STACK = 15;
/** The interval that the rest is about: its tick + 1. */
export const INTERVAL = 26;
export const START_BLOCKS = 27;
export const KEPT_BLOCKS = 28;
export const INTERVAL_GENERATION = 29;
export const BRIEF_BLOCKS = 30;

/** In the word ALLOCATOR: the counters have changed since the last commit. */
const CHANGED = 0x100;

const INITIAL = 256;

export class Sites {
  size = 0;
  doubles = new Float64Array(INITIAL * SITE_DOUBLES);
  words = new Uint32Array(this.doubles.buffer);
  /** Site + 1 by hash; 0: free place. */
  #table = new Uint32Array(INITIAL * 2);

  /** Site of the triple; equal to `size` before the call if it is new. */
  add(thread: number, allocator: number, stack: number): number {
    const table = this.#table;
    const { words } = this;
    const mask = table.length - 1;
    let place = hash(thread, allocator, stack) & mask;
    for (;;) {
      const site = table[place]! - 1;
      if (site < 0) break;
      const at = site * SITE_WORDS;
      const isSame = words[at + STACK] === stack && words[at + THREAD] === thread;
      if (isSame && (words[at + ALLOCATOR]! & 0xff) === allocator) return site;
      place = (place + 1) & mask;
    }
    table[place] = this.size + 1;
    return this.#make(thread, allocator, stack);
  }

  threadOf(site: number): number {
    return this.words[site * SITE_WORDS + THREAD]!;
  }

  allocatorOf(site: number): number {
    return this.words[site * SITE_WORDS + ALLOCATOR]! & 0xff;
  }

  stackOf(site: number): number {
    return this.words[site * SITE_WORDS + STACK]!;
  }

  /** Marks the site as changed. Returns false if it was. */
  markChanged(site: number): boolean {
    const at = site * SITE_WORDS + ALLOCATOR;
    const word = this.words[at]!;
    if ((word & CHANGED) !== 0) return false;
    this.words[at] = word | CHANGED;
    return true;
  }

  isChanged(site: number): boolean {
    return (this.words[site * SITE_WORDS + ALLOCATOR]! & CHANGED) !== 0;
  }

  markCommitted(site: number): void {
    this.words[site * SITE_WORDS + ALLOCATOR]! &= 0xff;
  }

  #make(thread: number, allocator: number, stack: number): number {
    const site = this.size++;
    if (this.size * SITE_DOUBLES > this.doubles.length) {
      this.doubles = grown(this.doubles, this.size * SITE_DOUBLES);
      this.words = new Uint32Array(this.doubles.buffer);
    }
    const at = site * SITE_WORDS;
    this.words[at + THREAD] = thread;
    this.words[at + ALLOCATOR] = allocator;
    this.words[at + STACK] = stack;
    if (this.size * 2 > this.#table.length) this.#growTable();
    return site;
  }

  #growTable(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let site = 0; site < this.size; site++) {
      let place = hash(this.threadOf(site), this.allocatorOf(site), this.stackOf(site)) & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = site + 1;
    }
    this.#table = table;
  }
}

function hash(thread: number, allocator: number, stack: number): number {
  const mixed = Math.imul(stack, 0x9e3779b1) ^ Math.imul(thread * 256 + allocator, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
