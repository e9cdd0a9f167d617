/**
 * What sites did in intervals of time, as a temporal page carries it: added up by the entries of its tree, and in wider
 * intervals than the capture's if there are too many of them. For ranges of whole intervals everything stays exact.
 *
 *     interval (10 ms)   0       1       2       3                   (20 ms)   0            1
 *     entry 7 allocated  2       1                                             3, 1 brief
 *             freed              1 of 0          1 of 0                                     1 of 0
 *     process peak       2       2       2       1                             2            2
 */
import type { AllocatedRow, FreedRow, Source } from './source.ts';

/** Rows of numbers, by entry, then by interval; see `PageTime` for what stands in them. */
export interface Intervals {
  /** In ticks. */
  width: number;
  /** interval, entry, allocations, bytes, brief allocations and bytes, gained allocations and bytes. */
  allocated: number[][];
  /** interval, entry, interval of the allocation, allocations, bytes. */
  freed: number[][];
  /** interval, process, bytes; by interval. */
  peaks: number[][];
}

export interface IntervalLimits {
  /** Rows of both kinds. */
  rows: number;
  intervals: number;
}

/** Who a row belongs to; undefined: to nobody who is shown. */
export interface Owners {
  entryOf(siteId: number): number | undefined;
  processOf(processId: number): number | undefined;
  processOfEntry(entry: number): number;
}

/** Fewer intervals than this are of no use, however many rows they take. */
const LEAST_INTERVALS = 50;

/** `width`: of the capture's intervals, in ticks; `ticks`: how many there are in all. */
export function readIntervals(
  source: Source,
  owners: Owners,
  { width, ticks }: { width: number; ticks: number },
  limits: IntervalLimits,
): Intervals {
  const rows = {
    allocated: [...source.iterate('intervals_allocated')],
    freed: [...source.iterate('intervals_freed')],
    peaks: [...source.iterate('interval_peaks')],
  };
  for (let wide = width; ; wide *= 2) {
    if (ticks / wide > limits.intervals) continue;
    const folded = new Fold(owners, wide).add(rows);
    if (folded.allocated.length + folded.freed.length <= limits.rows || ticks / wide < 2 * LEAST_INTERVALS)
      return folded;
  }
}

interface Rows {
  allocated: AllocatedRow[];
  freed: FreedRow[];
  peaks: { tick: number; process_id: number; bytes: number }[];
}

const PROCESSES = 2 ** 20;

/** Adds up rows of intervals that lie in one of `width`. */
class Fold {
  readonly #owners: Owners;
  readonly #width: number;
  readonly #peaks = new Map<number, { tick: number; row: number[] }>();
  readonly #allocated = new Map<string, number[]>();
  readonly #freed = new Map<string, number[]>();

  constructor(owners: Owners, width: number) {
    this.#owners = owners;
    this.#width = width;
  }

  add({ allocated, freed, peaks }: Rows): Intervals {
    for (const peak of peaks) this.#addPeak(peak);
    for (const row of allocated) this.#addAllocated(row);
    for (const row of freed) this.#addFreed(row);
    const sorted = (rows: Iterable<number[]>) =>
      [...rows].filter((row) => row.some((n, i) => i > 1 && n !== 0)).sort((a, b) => a[1]! - b[1]! || a[0]! - b[0]!);
    return {
      width: this.#width,
      allocated: sorted(this.#allocated.values()),
      freed: sorted(this.#freed.values()).filter((row) => row[3] !== 0 || row[4] !== 0),
      peaks: [...this.#peaks.values()].map(({ row }) => row).sort((a, b) => a[0]! - b[0]!),
    };
  }

  /** The largest of the interval, and of equal ones the latest. */
  #addPeak({ tick, process_id, bytes }: Rows['peaks'][number]): void {
    const process = this.#owners.processOf(process_id);
    if (process === undefined) return;
    const interval = this.#intervalOf(tick);
    const key = interval * PROCESSES + process;
    const known = this.#peaks.get(key);
    if (known === undefined || bytes >= known.row[2]!) this.#peaks.set(key, { tick, row: [interval, process, bytes] });
  }

  #addAllocated(row: AllocatedRow): void {
    const entry = this.#owners.entryOf(row.site_id);
    if (entry === undefined) return;
    const interval = this.#intervalOf(row.tick);
    const sum = sumOf(this.#allocated, [interval, entry], 6);
    const peak = this.#peakTick(interval, entry);
    sum[2]! += row.allocations;
    sum[3]! += row.bytes;
    sum[4]! += row.brief_allocations;
    sum[5]! += row.brief_bytes;
    if (row.tick < peak) {
      sum[6]! += row.allocations - row.brief_allocations;
      sum[7]! += row.bytes - row.brief_bytes;
    } else if (row.tick === peak) {
      sum[6]! += row.peak_allocations;
      sum[7]! += row.peak_bytes;
    }
  }

  #addFreed(row: FreedRow): void {
    const entry = this.#owners.entryOf(row.site_id);
    if (entry === undefined) return;
    const [interval, from] = [this.#intervalOf(row.tick), this.#intervalOf(row.from_tick)];
    const isBefore = row.tick < this.#peakTick(interval, entry);
    if (isBefore || from === interval) {
      const sum = sumOf(this.#allocated, [interval, entry], 6);
      sum[4]! += from === interval ? row.allocations : 0;
      sum[5]! += from === interval ? row.bytes : 0;
      sum[6]! -= isBefore ? row.allocations : 0;
      sum[7]! -= isBefore ? row.bytes : 0;
    }
    if (from === interval) return;
    const sum = sumOf(this.#freed, [interval, entry, from], 2);
    sum[3]! += row.allocations;
    sum[4]! += row.bytes;
  }

  #intervalOf(tick: number): number {
    return Math.floor(tick / this.#width);
  }

  /** Of the process in the interval; -1 if it did nothing in it. */
  #peakTick(interval: number, entry: number): number {
    return this.#peaks.get(interval * PROCESSES + this.#owners.processOfEntry(entry))?.tick ?? -1;
  }
}

function sumOf(sums: Map<string, number[]>, key: number[], numbers: number): number[] {
  const name = key.join();
  let sum = sums.get(name);
  if (sum === undefined) {
    sum = [...key, ...new Array<number>(numbers).fill(0)];
    sums.set(name, sum);
  }
  return sum;
}
