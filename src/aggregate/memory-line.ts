/**
 * The time line of one process. A point is a state of the heap and the moment at which that state began:
 *
 *     events (ms)     0 +10   3 +10   8 +10   12 -5   14 +1            500 -20
 *     points                          8: 30           14: 26 (written when 500 is seen, or by a commit before)
 *
 * The first event after 10 ms writes down the state that it ends, so that a line drawn in steps is never off by more than
 * 10 ms, however long nothing happens. Commits add the present and the exact peak. Points wait here for the next commit.
 */

import type { MemoryPoint } from '../model/accounts.ts';
import { grown } from './growable.ts';
import type { HighWatermark } from './high-watermark.ts';

const INTERVAL_NS = 10e6;
const POINT = 4;
const UNKNOWN = -1;

export class MemoryLine {
  /** A point is due at the first event at or after this time. */
  dueNs = 0;
  #rssBytes = UNKNOWN;
  #points = new Float64Array(0);
  #count = 0;
  #lastNs = -1;
  #lastHeapBytes = 0;
  #peakNs = -1;
  #peakBytes = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Writes down the state of the heap, if it is a new one. To be called before an event at or after `dueNs`. */
  sample(heap: HighWatermark, timeNs: number): void {
    this.dueNs = timeNs + INTERVAL_NS;
    if (heap.changedNs > this.#lastNs || heap.heapBytes !== this.#lastHeapBytes) this.#add(heap, heap.changedNs);
  }

  /** Takes note of the resident set, which all later points carry. */
  setRss(heap: HighWatermark, bytes: number, timeNs: number): void {
    if (bytes === this.#rssBytes) return;
    if (timeNs >= this.dueNs) this.sample(heap, timeNs);
    this.#rssBytes = bytes;
    if (timeNs >= this.#lastNs + INTERVAL_NS) this.#add(heap, timeNs);
  }

  /** Adds the peak and the present, unless they are points already. To be called before each commit. */
  complete(heap: HighWatermark): void {
    if (heap.peakNs !== this.#peakNs || heap.peakBytes !== this.#peakBytes) {
      this.#peakNs = heap.peakNs;
      this.#peakBytes = heap.peakBytes;
      if (!heap.isAtPeak) this.#push(heap.peakNs, heap.peakBytes, heap.peakAllocations);
    }
    if (heap.changedNs > this.#lastNs || heap.heapBytes !== this.#lastHeapBytes) this.#add(heap, heap.changedNs);
  }

  /** Adds a last point. */
  end(heap: HighWatermark, timeNs: number): void {
    this.complete(heap);
    if (timeNs > this.#lastNs) this.#add(heap, timeNs);
  }

  *points(): Generator<MemoryPoint> {
    for (let at = 0; at < this.#count * POINT; at += POINT) {
      const rss = this.#points[at + 3]!;
      yield {
        timeNs: this.#points[at]!,
        heapBytes: this.#points[at + 1]!,
        liveAllocations: this.#points[at + 2]!,
        rssBytes: rss === UNKNOWN ? null : rss,
      };
    }
  }

  clear(): void {
    this.#count = 0;
    this.#points = new Float64Array(0);
  }

  #add(heap: HighWatermark, timeNs: number): void {
    this.#push(timeNs, heap.heapBytes, heap.liveAllocations);
    this.#lastNs = timeNs;
    this.#lastHeapBytes = heap.heapBytes;
  }

  #push(timeNs: number, heapBytes: number, liveAllocations: number): void {
    const at = this.#count++ * POINT;
    if (at === this.#points.length) this.#points = grown(this.#points, Math.max(at + POINT, 8 * POINT));
    this.#points[at] = timeNs;
    this.#points[at + 1] = heapBytes;
    this.#points[at + 2] = liveAllocations;
    this.#points[at + 3] = this.#rssBytes;
  }
}
