/** What sites did up to the begin of a range and up to its end, and the rows that follow from it. */
import type { RangeRows } from '../model/intervals.ts';
import type { SiteCounters } from './live-state.ts';

const NOTHING: Readonly<SiteCounters> = { allocations: 0, allocatedBytes: 0, liveBlocks: 0, liveBytes: 0 };

/** Sums by site of the capture. */
export class SiteNumbers {
  readonly #sums = new Map<number, SiteCounters>();

  addCounters(site: number, counters: SiteCounters): void {
    const sum = this.#sum(site);
    sum.allocations += counters.allocations;
    sum.allocatedBytes += counters.allocatedBytes;
    sum.liveBlocks += counters.liveBlocks;
    sum.liveBytes += counters.liveBytes;
  }

  addLive(site: number, blocks: number, bytes: number): void {
    const sum = this.#sum(site);
    sum.liveBlocks += blocks;
    sum.liveBytes += bytes;
  }

  of(site: number): Readonly<SiteCounters> {
    return this.#sums.get(site) ?? NOTHING;
  }

  get sites(): Iterable<number> {
    return this.#sums.keys();
  }

  #sum(site: number): SiteCounters {
    let sum = this.#sums.get(site);
    if (sum === undefined) {
      sum = { ...NOTHING };
      this.#sums.set(site, sum);
    }
    return sum;
  }
}

export interface NumbersOfSites {
  /** Up to the begin of the range, and up to its end. */
  before: SiteNumbers;
  after: SiteNumbers;
  /** Of what is live at the end, what was born in the range. */
  leaks: SiteNumbers;
  /** High watermarks of processes, and what their sites held then. */
  peaks: Map<number, { bytes: number; timeNs: number; parts: Map<number, [blocks: number, bytes: number]> }>;
  processOf: Map<number, number>;
}

/** As of an aggregator with two intervals: tick 0 is what was before the range, tick 1 the range. */
export function rowsOf({ before, after, leaks, peaks, processOf }: NumbersOfSites): RangeRows {
  const rows: RangeRows = { sites: [], frees: [], peaks: [] };
  const active = new Set<number>();
  for (const site of after.sites) {
    const process = processOf.get(site)!;
    const [old, now, leaked] = [before.of(site), after.of(site), leaks.of(site)];
    const blocks = now.allocations - old.allocations;
    const bytes = now.allocatedBytes - old.allocatedBytes;
    const freedBlocks = old.liveBlocks - (now.liveBlocks - leaked.liveBlocks);
    const freedBytes = old.liveBytes - (now.liveBytes - leaked.liveBytes);
    const [peakBlocks, peakBytes] = peaks.get(process)?.parts.get(site) ?? [0, 0];
    const brief = [blocks - leaked.liveBlocks, bytes - leaked.liveBytes] as const;
    const peak = [peakBlocks - old.liveBlocks, peakBytes - old.liveBytes] as const;
    if (old.liveBlocks !== 0 || old.liveBytes !== 0)
      rows.sites.push([0, site, old.liveBlocks, old.liveBytes, 0, 0, 0, 0]);
    if ([blocks, bytes, ...brief, ...peak].some((number) => number !== 0))
      rows.sites.push([1, site, blocks, bytes, ...brief, ...peak]);
    if (freedBlocks !== 0 || freedBytes !== 0) rows.frees.push([1, site, 0, freedBlocks, freedBytes]);
    if ([blocks, freedBlocks, freedBytes, ...brief].some((number) => number !== 0)) active.add(process);
  }
  for (const process of active) {
    const { bytes, timeNs } = peaks.get(process)!;
    rows.peaks.push([1, process, bytes, Math.max(0, timeNs)]);
  }
  return rows;
}
