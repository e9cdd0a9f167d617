/**
 * Which sites may leak: those whose memory never goes back to what it was. A site that fills and empties a buffer has a
 * low floor; one that leaks has a floor that rises from one stretch of time to the next:
 *
 *     live bytes    8 2 9 | 3 8 4 | 9 2 7       floors 2 3 2: no candidate
 *     live bytes    8 2 9 | 9 4 8 | 9 7 12      floors 2 4 7: a candidate, it rose RISES times in a row
 */
import type { LiveData } from './live-data.ts';

const STRETCH_NS = 3e9;
const RISES = 2;

export class LeakWatch {
  #floors = new Float64Array(0);
  #lowest = new Float64Array(0);
  #rises = new Uint8Array(0);
  #stretchNs = Number.NEGATIVE_INFINITY;

  /** To be called at every look; time is that of the capture. */
  look({ live, siteCount, durationNs }: LiveData): void {
    if (live.bytes.length > this.#lowest.length) this.#grow(live.bytes.length);
    const isNext = durationNs >= this.#stretchNs + STRETCH_NS;
    for (let site = 1; site <= siteCount; site++) {
      const bytes = live.bytes[site]!;
      if (bytes < this.#lowest[site]!) this.#lowest[site] = bytes;
      if (!isNext) continue;
      const floor = this.#lowest[site]!;
      this.#rises[site] = floor > this.#floors[site]! ? Math.min(this.#rises[site]! + 1, RISES) : 0;
      // At first every floor is a rise from nothing.
      if (this.#floors[site] === -1) this.#rises[site] = 0;
      this.#floors[site] = floor;
      this.#lowest[site] = bytes;
    }
    if (isNext) this.#stretchNs = durationNs;
  }

  isCandidate(site: number): boolean {
    return this.#rises[site]! >= RISES;
  }

  #grow(length: number): void {
    const from = this.#floors.length;
    const longer = (old: Float64Array, fill: number) => {
      const array = new Float64Array(length).fill(fill, from);
      array.set(old);
      return array;
    };
    this.#floors = longer(this.#floors, -1);
    this.#lowest = longer(this.#lowest, Number.POSITIVE_INFINITY);
    const rises = new Uint8Array(length);
    rises.set(this.#rises);
    this.#rises = rises;
  }
}
