/**
 * The heap of one process, its exact peak, and what every site held at that moment, in constant time per event.
 *
 * Copying all sites whenever a new maximum is reached would cost sites x events. Instead a peak is numbered when it is
 * left, and a site keeps its value for that number when it changes for the first time afterwards:
 *
 *     event        heap  generation   site A: live, peak, generation    site B
 *     allocate A10  10       1               10   0  1                   0  0  0
 *     allocate B5   15       1               10   0  1                   5  0  1
 *     free B5       10       2  <- 15 left   10   0  1                   0  5  2      B keeps 5 before it changes
 *     allocate A1   11       2               11  10  2                   0  5  2      A keeps 10 before it changes
 *
 * The peak part of a site is then: its kept value if its generation is the current one; else its live value, which has
 * not changed since. While the heap stands at a new maximum (heap >= peak), the peak is now and every part is the live
 * value. Reading changes nothing, so peaks can be read at any time.
 *
 * A maximum reached twice: the peak is left only when the heap falls, and it is numbered again if the heap then equals
 * the old maximum, so that the later moment counts.
 */

import {
  ALLOCATED_BYTES,
  ALLOCATIONS,
  DEALLOCATIONS,
  GENERATION,
  LIVE_ALLOCATIONS,
  LIVE_BYTES,
  PEAK_ALLOCATIONS,
  PEAK_BYTES,
  SITE_DOUBLES,
  SITE_WORDS,
  type Sites,
} from './sites.ts';

export class HighWatermark {
  heapBytes = 0;
  liveAllocations = 0;
  /** Time of the last event that changed the heap; -1: none has. Set by the caller, after the change. */
  changedNs = -1;
  #peakBytes = 0;
  #peakAllocations = 0;
  #peakNs = -1;
  #generation = 1;
  #committedGeneration = 0;

  /** Adds a block to a site. */
  allocate(sites: Sites, site: number, bytes: number): void {
    const { doubles, words } = sites;
    this.#keep(sites, site);
    const at = site * SITE_DOUBLES;
    doubles[at + LIVE_BYTES]! += bytes;
    doubles[at + ALLOCATIONS]! += 1;
    doubles[at + ALLOCATED_BYTES]! += bytes;
    words[site * SITE_WORDS + LIVE_ALLOCATIONS]! += 1;
    this.heapBytes += bytes;
    this.liveAllocations += 1;
  }

  /** Takes `bytes` from a block: that ends it (`blocks` = -1), leaves one piece (0) or two (1). */
  shrink(sites: Sites, site: number, bytes: number, blocks: -1 | 0 | 1): void {
    const { doubles, words } = sites;
    if (this.isAtPeak) this.#leavePeak();
    this.#keep(sites, site);
    const at = site * SITE_DOUBLES;
    doubles[at + LIVE_BYTES]! -= bytes;
    if (blocks < 0) doubles[at + DEALLOCATIONS]! += 1;
    words[site * SITE_WORDS + LIVE_ALLOCATIONS]! += blocks;
    this.heapBytes -= bytes;
    this.liveAllocations += blocks;
  }

  get isAtPeak(): boolean {
    return this.heapBytes >= this.#peakBytes;
  }

  get peakBytes(): number {
    return this.isAtPeak ? this.heapBytes : this.#peakBytes;
  }

  get peakAllocations(): number {
    return this.isAtPeak ? this.liveAllocations : this.#peakAllocations;
  }

  /** When the peak was reached: the last event before the heap fell. */
  get peakNs(): number {
    return this.isAtPeak ? this.changedNs : this.#peakNs;
  }

  /** The site's part of the peak. */
  peakBytesOf({ doubles, words }: Sites, site: number): number {
    return doubles[site * SITE_DOUBLES + (this.#hasKept(words, site) ? PEAK_BYTES : LIVE_BYTES)]!;
  }

  peakAllocationsOf({ words }: Sites, site: number): number {
    return words[site * SITE_WORDS + (this.#hasKept(words, site) ? PEAK_ALLOCATIONS : LIVE_ALLOCATIONS)]!;
  }

  /** True if the site holds what it held at the peak. */
  isSettled(sites: Sites, site: number): boolean {
    return (
      this.peakBytesOf(sites, site) === sites.doubles[site * SITE_DOUBLES + LIVE_BYTES] &&
      this.peakAllocationsOf(sites, site) === sites.words[site * SITE_WORDS + LIVE_ALLOCATIONS]
    );
  }

  /** False if no site's part of the peak can have changed since the last `committed`. */
  get hasPeakMoved(): boolean {
    return this.isAtPeak || this.#generation !== this.#committedGeneration;
  }

  /** From now on the high watermark is that of what follows, and of this moment. */
  restart(): void {
    this.#peakBytes = 0;
  }

  committed(): void {
    this.#committedGeneration = this.#generation;
  }

  #leavePeak(): void {
    this.#peakBytes = this.heapBytes;
    this.#peakAllocations = this.liveAllocations;
    this.#peakNs = this.changedNs;
    this.#generation = (this.#generation + 1) >>> 0;
  }

  #hasKept(words: Uint32Array, site: number): boolean {
    return !this.isAtPeak && words[site * SITE_WORDS + GENERATION] === this.#generation;
  }

  #keep({ doubles, words }: Sites, site: number): void {
    const at = site * SITE_WORDS;
    if (words[at + GENERATION] === this.#generation) return;
    doubles[site * SITE_DOUBLES + PEAK_BYTES] = doubles[site * SITE_DOUBLES + LIVE_BYTES]!;
    words[at + PEAK_ALLOCATIONS] = words[at + LIVE_ALLOCATIONS]!;
    words[at + GENERATION] = this.#generation;
  }
}
