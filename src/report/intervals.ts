/**
 * What sites did in intervals of time, as a temporal page carries it: added up by the entries of its tree, and in wider
 * intervals than the capture's if there are too many of them. For ranges of whole intervals everything stays exact.
 *
 *     interval (10 ms)   0       1       2       3                   (20 ms)   0            1
 *     entry 7 allocated  2       1                                             3, 1 brief
 *             freed              1 of 0          1 of 0                                     1 of 0
 *     process peak       2       2       2       1                             2            2
 */
import type { Source } from './source.ts';

/** Rows of numbers, by entry, then by interval; see `PageTime` for what stands in them. */
export interface Intervals {
  /** In ticks. Rows begin with the tick that their interval begins with. */
  width: number;
  /** tick, entry, allocations, bytes, brief allocations and bytes, gained allocations and bytes. */
  allocated: number[][];
  /** tick, entry, tick of the allocation, allocations, bytes. */
  freed: number[][];
  /** tick, process, bytes; by tick. */
  peaks: number[][];
}

export interface IntervalLimits {
  /** Rows of both kinds, about. */
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

const SAMPLED_ROWS = 20_000;

/** `width`: of the capture's intervals, in ticks; `ticks`: how many there are in all. */
export function readIntervals(
  source: Source,
  owners: Owners,
  { width, ticks }: { width: number; ticks: number },
  limits: IntervalLimits,
): Intervals {
  const rows = { width: 1, ...readRows(source, owners) };
  // Which width is wide enough is found out with some of the entries: all of them take seconds each time.
  const part = Math.max(1, Math.floor((rows.allocated.length + rows.freed.length) / SAMPLED_ROWS));
  const some = {
    ...rows,
    allocated: rows.allocated.filter((row) => row[1]! % part === 0),
    freed: rows.freed.filter((row) => row[1]! % part === 0),
  };
  let wide = width;
  for (let folded = some; ticks / wide > limits.intervals || ticks / wide >= 2 * LEAST_INTERVALS; wide *= 2) {
    folded = new Fold(owners, wide).add(folded);
    if (ticks / wide <= limits.intervals && (folded.allocated.length + folded.freed.length) * part <= limits.rows)
      break;
  }
  return new Fold(owners, wide).add(rows);
}

/** What belongs to somebody, as it stands in the capture. */
function readRows(source: Source, owners: Owners): Omit<Intervals, 'width'> {
  const rows: Omit<Intervals, 'width'> = { allocated: [], freed: [], peaks: [] };
  for (const row of source.iterate('intervals_allocated')) {
    const entry = owners.entryOf(row.site_id);
    const gained = [row.peak_allocations, row.peak_bytes];
    const counts = [row.allocations, row.bytes, row.brief_allocations, row.brief_bytes, ...gained];
    if (entry !== undefined) rows.allocated.push([row.tick, entry, ...counts]);
  }
  for (const row of source.iterate('intervals_freed')) {
    const entry = owners.entryOf(row.site_id);
    if (entry !== undefined) rows.freed.push([row.tick, entry, row.from_tick, row.allocations, row.bytes]);
  }
  for (const row of source.iterate('interval_peaks')) {
    const process = owners.processOf(row.process_id);
    if (process !== undefined) rows.peaks.push([row.tick, process, row.bytes]);
  }
  return rows;
}

/** Of keys that are made of several numbers. */
const ENTRIES = 2 ** 22;
const PROCESSES = 2 ** 20;

/** Adds up rows of intervals that lie in one of `width`. */
class Fold {
  readonly #owners: Owners;
  readonly #width: number;
  readonly #peaks = new Map<number, { tick: number; row: number[] }>();
  readonly #allocated = new Map<number, number[]>();
  readonly #freed = new Map<string, number[]>();

  constructor(owners: Owners, width: number) {
    this.#owners = owners;
    this.#width = width;
  }

  add({ allocated, freed, peaks }: Intervals): Intervals {
    for (const peak of peaks) this.#addPeak(peak);
    for (const row of allocated) this.#addAllocated(row);
    for (const row of freed) this.#addFreed(row);
    const sorted = (rows: Iterable<number[]>, from: number) =>
      [...rows]
        .filter((row) => row.some((n, i) => i >= from && n !== 0))
        .sort((a, b) => a[1]! - b[1]! || a[0]! - b[0]!);
    return {
      width: this.#width,
      allocated: sorted(this.#allocated.values(), 2),
      freed: sorted(this.#freed.values(), 3),
      peaks: [...this.#peaks.values()].map(({ row }) => row).sort((a, b) => a[0]! - b[0]!),
    };
  }

  /** The largest of the interval, and of equal ones the latest. */
  #addPeak([tick, process, bytes]: number[]): void {
    const begin = this.#beginOf(tick!);
    const key = begin * PROCESSES + process!;
    const known = this.#peaks.get(key);
    if (known === undefined || bytes! >= known.row[2]!) {
      this.#peaks.set(key, { tick: tick!, row: [begin, process!, bytes!] });
    }
  }

  #addAllocated(row: number[]): void {
    const [tick, entry] = row as [number, number];
    const begin = this.#beginOf(tick);
    const sum = this.#sumOf(begin, entry);
    const peak = this.#peakTick(begin, entry);
    for (let i = 2; i < 6; i++) sum[i]! += row[i]!;
    if (tick < peak) {
      sum[6]! += row[2]! - row[4]!;
      sum[7]! += row[3]! - row[5]!;
    } else if (tick === peak) {
      sum[6]! += row[6]!;
      sum[7]! += row[7]!;
    }
  }

  #addFreed([tick, entry, fromTick, blocks, bytes]: number[]): void {
    const [begin, from] = [this.#beginOf(tick!), this.#beginOf(fromTick!)];
    const isBefore = tick! < this.#peakTick(begin, entry!);
    if (isBefore || from === begin) {
      const sum = this.#sumOf(begin, entry!);
      sum[4]! += from === begin ? blocks! : 0;
      sum[5]! += from === begin ? bytes! : 0;
      sum[6]! -= isBefore ? blocks! : 0;
      sum[7]! -= isBefore ? bytes! : 0;
    }
    if (from === begin) return;
    const key = `${begin} ${from} ${entry}`;
    const sum = this.#freed.get(key);
    if (sum === undefined) this.#freed.set(key, [begin, entry!, from, blocks!, bytes!]);
    else {
      sum[3]! += blocks!;
      sum[4]! += bytes!;
    }
  }

  #sumOf(begin: number, entry: number): number[] {
    const key = begin * ENTRIES + entry;
    let sum = this.#allocated.get(key);
    if (sum === undefined) {
      sum = [begin, entry, 0, 0, 0, 0, 0, 0];
      this.#allocated.set(key, sum);
    }
    return sum;
  }

  /** Where the interval begins. */
  #beginOf(tick: number): number {
    return tick - (tick % this.#width);
  }

  /** Of the process in the interval; -1 if it did nothing in it. */
  #peakTick(begin: number, entry: number): number {
    return this.#peaks.get(begin * PROCESSES + this.#owners.processOfEntry(entry))?.tick ?? -1;
  }
}
