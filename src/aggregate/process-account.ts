/** Everything that is kept of one process image, and what of it changed since the last commit. */

import type { MemoryPoint, ProcessChanges, ResidentPoint, SiteIndex, SizeCount } from '../model/accounts.ts';
import type { ProcessEnd, ProcessIndex, ProcessInfo, ThreadInfo } from '../model/types.ts';
import { ExpectedUnmaps } from './expected-unmaps.ts';
import type { HighWatermark } from './high-watermark.ts';
import { Histogram } from './histogram.ts';
import { Inherited } from './inherited.ts';
import type { IntervalPeak } from './intervals.ts';
import { LiveBlocks } from './live.ts';
import { MemoryLine } from './memory-line.ts';
import { Mappings } from './ranges.ts';
import { ResidentLine } from './resident-line.ts';
import type { Sites } from './sites.ts';

export class ProcessAccount implements ProcessChanges {
  readonly index: ProcessIndex;
  readonly heap: HighWatermark;
  readonly intervalPeak: IntervalPeak;
  readonly line = new MemoryLine();
  readonly resident = new ResidentLine();
  blocks = new LiveBlocks();
  mappings = new Mappings();
  expectedUnmaps = new ExpectedUnmaps();
  inherited: Inherited | null = null;
  unmatchedFrees = 0;
  hasEnded = false;
  /** Listed for the next commit. */
  isListed = false;

  /** Set with the first ProcessInfo; without one the process stays out of the capture. */
  known: ProcessInfo | null = null;
  info: ProcessInfo | null = null;
  end: ProcessEnd | null = null;
  readonly threads: ThreadInfo[] = [];
  readonly changedSites: number[] = [];
  /**
   * Sites that, when they were last written, did not hold what they had held at the peak. Of all others the part of a
   * later peak is what they hold, and was written, as long as they don't change.
   */
  #unsettledSites: number[] = [];
  #histograms: (Histogram | undefined)[] = [];
  readonly #sites: Sites;
  readonly #identities = new Map<number, number>();

  constructor(index: ProcessIndex, sites: Sites, heap: HighWatermark, intervalPeak: IntervalPeak) {
    this.index = index;
    this.#sites = sites;
    this.heap = heap;
    this.intervalPeak = intervalPeak;
  }

  /** First thread index that was seen with this tid. */
  identityOf({ tid, index }: ThreadInfo): number {
    const known = this.#identities.get(tid);
    if (known !== undefined) return known;
    this.#identities.set(tid, index);
    return index;
  }

  /** The tid may be given to another thread. */
  forgetThread(tid: number): void {
    this.#identities.delete(tid);
  }

  histogramOf(allocator: number): Histogram {
    const known = this.#histograms[allocator];
    if (known !== undefined) return known;
    const histogram = new Histogram(allocator);
    this.#histograms[allocator] = histogram;
    return histogram;
  }

  /** Takes over what a fork copies. */
  inheritFrom(parent: ProcessAccount): Inherited {
    this.inherited = new Inherited(parent.blocks.addresses(), parent.mappings.ranges(), parent.inherited);
    return this.inherited;
  }

  /** The image is gone: what is live stays so in the counters; the addresses are dropped. */
  dropAddresses(timeNs: number): void {
    this.hasEnded = true;
    this.line.end(this.heap, timeNs);
    this.blocks = new LiveBlocks();
    this.mappings = new Mappings();
    this.expectedUnmaps = new ExpectedUnmaps();
    this.inherited = null;
    this.#identities.clear();
  }

  get points(): Iterable<MemoryPoint> {
    return this.line.points();
  }

  get sizes(): Iterable<SizeCount> {
    return this.#sizes();
  }

  get residents(): readonly ResidentPoint[] | null {
    return this.resident.hasChanged ? this.resident.points : null;
  }

  *#sizes(): Generator<SizeCount> {
    for (const histogram of this.#histograms) if (histogram !== undefined) yield* histogram.counts();
  }

  visitSites(visit: (site: SiteIndex) => void): void {
    for (const site of this.changedSites) visit(site);
    if (!this.heap.hasPeakMoved) return;
    for (const site of this.#unsettledSites) if (!this.#sites.isChanged(site)) visit(site);
  }

  committed(): void {
    const sites = this.#sites;
    const unchanged = this.#unsettledSites.filter((site) => !sites.isChanged(site));
    this.#unsettledSites = [...unchanged, ...this.changedSites].filter((site) => !this.heap.isSettled(sites, site));
    for (const site of this.changedSites) sites.markCommitted(site);
    this.changedSites.length = 0;
    this.heap.committed();
    this.line.clear();
    this.resident.hasChanged = false;
    for (const histogram of this.#histograms) histogram?.clear();
    this.info = null;
    this.end = null;
    this.threads.length = 0;
    this.isListed = false;
  }
}
