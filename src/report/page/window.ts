/**
 * What the leaf entries of a temporal page are worth in a range of time, by the same rules as `--from` and `--to`:
 * leaks are what was allocated in the range and not freed by its end; the high watermark of a process is what it held at
 * its largest moment in the range, blocks from before included.
 *
 *     held at the peak  =  allocated − freed in the intervals before that of the peak  +  gained in that one up to it
 */
import { type Columns, decodeColumns, type Numbers } from './decode.ts';
import type { FlamegraphData, LeafValueName, PageView, TimeColumnName } from './format.ts';
import { convert } from './predict.ts';

export type TimeColumns = Record<TimeColumnName, Numbers>;

/** A range of whole intervals, `to` exclusive. */
export interface Range {
  from: number;
  to: number;
}

export type WindowValues = Record<LeafValueName, Float64Array>;

export class TimeWindow {
  readonly #columns: TimeColumns;
  /** Process of each leaf entry. */
  readonly #processes: Uint32Array;
  /** Of each process, in intervals; Infinity: not seen to end. */
  readonly #ends: number[];

  constructor(columns: TimeColumns, processes: Uint32Array, ends: number[]) {
    this.#columns = columns;
    this.#processes = processes;
    this.#ends = ends;
  }

  /** The interval of each process's high watermark in the range; -1: it had ended. */
  peaks({ from, to }: Range): { interval: number; bytes: number }[] {
    const { peak_interval: intervals, peak_process: processes, peak_bytes: bytes } = this.#columns;
    // Who does nothing in the range holds all the time what it held at its beginning.
    const peaks = this.#ends.map((end) => ({ interval: end < from ? -1 : from, bytes: -1 }));
    for (let i = firstAt(intervals, from); i < intervals.length && intervals[i]! < to; i++) {
      const peak = peaks[processes[i]!]!;
      if (bytes[i]! >= peak.bytes) peaks[processes[i]!] = { interval: intervals[i]!, bytes: bytes[i]! };
    }
    return peaks;
  }

  values(range: Range): WindowValues {
    const count = this.#processes.length;
    const values = () => new Float64Array(count);
    const samples = { bytes: values(), allocations: values() };
    const result: WindowValues = {
      leaf_high_watermark_bytes: values(),
      leaf_high_watermark_allocations: values(),
      leaf_leaks_bytes: values(),
      leaf_leaks_allocations: values(),
      leaf_temporary_allocations_bytes: values(),
      leaf_temporary_allocations_allocations: values(),
      leaf_allocations_bytes: values(),
      leaf_allocations_allocations: values(),
      leaf_v8_samples_bytes: samples.bytes,
      leaf_v8_samples_allocations: samples.allocations,
    };
    const peaks = this.peaks(range).map(({ interval }) => interval);
    this.#addAllocated(range, peaks, result);
    this.#subtractFreed(range, peaks, result);
    return result;
  }

  #addAllocated({ from, to }: Range, peaks: number[], sums: WindowValues): void {
    const { allocated_interval, allocated_entry, allocated_count, allocated_bytes } = this.#columns;
    const { brief_count, brief_bytes, ungained_count, ungained_bytes } = this.#columns;
    const peak = sumsOf(sums, 'high_watermark');
    const leaks = sumsOf(sums, 'leaks');
    const all = sumsOf(sums, 'allocations');
    const samples = sumsOf(sums, 'v8_samples');
    const entries = this.#processes.length;
    for (let i = 0; i < allocated_interval.length; i++) {
      const interval = allocated_interval[i]!;
      if (interval >= to) continue;
      const entry = allocated_entry[i]!;
      const count = allocated_count[i]!;
      const bytes = allocated_bytes[i]!;
      if (entry >= entries) {
        if (interval < from) continue;
        samples.allocations[entry - entries]! += count;
        samples.bytes[entry - entries]! += bytes;
        continue;
      }
      const kept = count - brief_count[i]!;
      const keptBytes = bytes - brief_bytes[i]!;
      if (interval >= from) {
        all.allocations[entry]! += count;
        all.bytes[entry]! += bytes;
        leaks.allocations[entry]! += kept;
        leaks.bytes[entry]! += keptBytes;
      }
      const peakInterval = peaks[this.#processes[entry]!]!;
      if (interval > peakInterval) continue;
      const isPeak = interval === peakInterval;
      peak.allocations[entry]! += isPeak ? kept - ungained_count[i]! : kept;
      peak.bytes[entry]! += isPeak ? keptBytes - ungained_bytes[i]! : keptBytes;
    }
  }

  #subtractFreed({ from, to }: Range, peaks: number[], sums: WindowValues): void {
    const { freed_interval, freed_entry, freed_age, freed_count, freed_bytes } = this.#columns;
    const peak = sumsOf(sums, 'high_watermark');
    const leaks = sumsOf(sums, 'leaks');
    for (let i = 0; i < freed_interval.length; i++) {
      const interval = freed_interval[i]!;
      if (interval >= to) continue;
      const entry = freed_entry[i]!;
      if (interval - freed_age[i]! >= from) {
        leaks.allocations[entry]! -= freed_count[i]!;
        leaks.bytes[entry]! -= freed_bytes[i]!;
      }
      if (interval < peaks[this.#processes[entry]!]!) {
        peak.allocations[entry]! -= freed_count[i]!;
        peak.bytes[entry]! -= freed_bytes[i]!;
      }
    }
  }
}

interface Sums {
  allocations: Float64Array;
  bytes: Float64Array;
}

function sumsOf(values: WindowValues, view: PageView): Sums {
  return { allocations: values[`leaf_${view}_allocations`], bytes: values[`leaf_${view}_bytes`] };
}

/** The first index of a sorted column whose value is at least `least`. */
function firstAt(sorted: Numbers, least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of a temporal page, whose `columns` are decoded already. */
export async function pageWindow(data: FlamegraphData, columns: Columns): Promise<TimeWindow> {
  const time = data.temporal!;
  const ends = data.processes.map(({ ended_ms }) => (ended_ms ?? Number.POSITIVE_INFINITY) / time.interval_ms);
  const processes = new Uint32Array(columns.leaf_thread.length);
  for (let i = 0; i < processes.length; i++) processes[i] = data.threads[columns.leaf_thread[i]!]!.process;
  const timeColumns = await decodeColumns<TimeColumns>(time);
  convert(timeColumns, 2 * processes.length, 1);
  return new TimeWindow(timeColumns, processes, ends);
}
