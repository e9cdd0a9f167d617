/**
 * The heap of the selected processes over the time of the capture, in a bounded number of stretches. What a process has
 * holds until its next point; of each stretch the highest moment stays. When they run out they become twice as wide.
 */
import type { LiveData } from './live-data.ts';

const STRETCHES = 1024;
const FIRST_STRETCH_NS = 10e6;
const POINT_NUMBERS = 3;

export class LiveTimeline {
  highestBytes = 0;
  #stretchNs = FIRST_STRETCH_NS;
  readonly #highest = new Float64Array(STRETCHES);
  readonly #heaps = new Map<number, number>();
  #total = 0;
  #last = 0;
  #read = 0;
  #seen: number[] | null = null;

  /** Takes the points that are new in `data`. */
  follow(data: LiveData, isSelected: (process: number) => boolean): void {
    // The oldest were dropped: those that are left have all been seen.
    if (this.#seen !== null && this.#seen !== data.points) this.#read = 0;
    this.#seen = data.points;
    for (; this.#read < data.points.length; this.#read += POINT_NUMBERS) {
      const process = data.points[this.#read]!;
      if (isSelected(process)) this.#set(process, data.points[this.#read + 1]!, data.points[this.#read + 2]!);
    }
  }

  /** The highest heap in each of `count` equal parts of the time up to now. */
  columns(count: number, durationNs: number): number[] {
    while (durationNs >= STRETCHES * this.#stretchNs) this.#widen();
    const stretches = Math.max(this.#last + 1, Math.ceil(durationNs / this.#stretchNs));
    return Array.from({ length: count }, (_, i) => {
      const from = Math.floor((i * stretches) / count);
      const to = Math.max(from + 1, Math.floor(((i + 1) * stretches) / count));
      const known = this.#highest.subarray(from, Math.min(to, this.#last + 1));
      return known.reduce((most, bytes) => Math.max(most, bytes), to > this.#last + 1 ? this.#total : 0);
    });
  }

  #set(process: number, timeNs: number, heapBytes: number): void {
    this.#passTo(timeNs);
    this.#total += heapBytes - (this.#heaps.get(process) ?? 0);
    this.#heaps.set(process, heapBytes);
    this.#highest[this.#last] = Math.max(this.#highest[this.#last]!, this.#total);
    this.highestBytes = Math.max(this.highestBytes, this.#total);
  }

  /** The heap stays as it is until then. */
  #passTo(timeNs: number): void {
    while (timeNs >= STRETCHES * this.#stretchNs) this.#widen();
    const index = Math.floor(Math.max(0, timeNs) / this.#stretchNs);
    while (this.#last < index) this.#highest[++this.#last] = this.#total;
  }

  #widen(): void {
    const half = STRETCHES / 2;
    for (let i = 0; i < half; i++) this.#highest[i] = Math.max(this.#highest[2 * i]!, this.#highest[2 * i + 1]!);
    this.#highest.fill(0, half);
    this.#last = Math.floor(this.#last / 2);
    this.#stretchNs *= 2;
  }
}
