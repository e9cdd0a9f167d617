/**
 * Does the accounts once more, from single events, and so to the byte at any instant: they go through an aggregator as when
 * they were recorded. A block is born in the range that is asked for (1) or before it (0).
 *
 * A site of the capture stands in for its stack, so each has a site here as well.
 */

import { FLAG_MAP_FIXED, OPERATION, RECORD_WORDS } from '../model/abi.gen.ts';
import { emptyBatch } from '../model/batch.ts';
import {
  EVENT_ALLOCATE,
  EVENT_ALLOCATE_FIXED,
  EVENT_CANCEL,
  EVENT_COMMIT,
  EVENT_END,
  EVENT_FREE,
  EVENT_RELEASE,
  EVENT_SAMPLE,
  EVENT_UNMAP,
  type EventColumns,
  isOfSite,
} from '../model/events.ts';
import type { LiveStateVisitor } from '../model/live-state.ts';
import type { ThreadInfo } from '../model/types.ts';
import { Aggregator } from './aggregator.ts';
import { type BirthOf, countersOf, LiveStateLoader, type SiteCounters } from './live-state.ts';

const HIGH = 2 ** 32;
const BATCH = 8192;
/** By so much times may step back in one batch. */
const SLACK_NS = 1e9;

const OPERATION_OF: Record<number, number> = {
  [EVENT_ALLOCATE]: OPERATION.ALLOCATE,
  [EVENT_FREE]: OPERATION.FREE,
  [EVENT_UNMAP]: OPERATION.UNMAP,
  [EVENT_ALLOCATE_FIXED]: OPERATION.ALLOCATE | (FLAG_MAP_FIXED << 16),
  [EVENT_COMMIT]: OPERATION.COMMIT,
  [EVENT_RELEASE]: OPERATION.RELEASE,
  [EVENT_CANCEL]: OPERATION.CANCEL,
  [EVENT_END]: OPERATION.PROCESS_END,
  [EVENT_SAMPLE]: OPERATION.SAMPLE,
};

/** Whose the sites of a capture are. */
export interface Owners {
  /** All of the capture, in the order in which they were seen. */
  threads: ThreadInfo[];
  /** The thread of a site; undefined: the site is in no report. */
  threadOf(site: number): number | undefined;
}

/** A block, or what is left of a mapping; `site` is the capture's. */
export type LiveVisitor = (process: number, address: number, bytes: number, site: number, birth: number) => void;

export class Replay {
  readonly #aggregator: Aggregator;
  readonly #owners: Owners;
  readonly #records = new Uint32Array(BATCH * RECORD_WORDS);
  #count = 0;
  #baseNs = 0;
  /** Told of all that a process held at its end, which is not freed any more. */
  onEnd: LiveVisitor | null = null;

  /** @param threshold temporary allocations count up to so many others in between */
  constructor(owners: Owners, threshold = 0) {
    this.#owners = owners;
    this.#aggregator = new Aggregator({ withIntervals: false, firstBirth: 1, farthest: threshold });
    this.#aggregator.apply({ ...emptyBatch(), threads: owners.threads });
  }

  /** What `visit` tells of stands for all events before. To be called before any are applied. */
  load(visit: (visitor: LiveStateVisitor) => void, birthOf: BirthOf): void {
    visit(new LiveStateLoader(this.#aggregator, (site) => this.#owners.threadOf(site), birthOf));
  }

  /** What is allocated from now on is of the range, and high watermarks are those from now on. */
  beginRange(): void {
    this.#flush();
    this.#aggregator.birth = 1;
    for (const { heap } of this.#aggregator.processes.all()) heap.restart();
  }

  /** Applies the events [from, to), the next in order. */
  apply(events: EventColumns, from = 0, to = events.count): void {
    for (let i = from; i < to; i++) {
      const timeNs = events.times[i]!;
      if (events.operations[i] === EVENT_END) this.#tellOfEnd(events.owners[i]!);
      const sinceBaseNs = timeNs - this.#baseNs;
      if (this.#count === BATCH || sinceBaseNs < 0 || sinceBaseNs >= HIGH) this.#flush();
      if (this.#count === 0) this.#baseNs = timeNs - SLACK_NS;
      this.#put(events, i, timeNs - this.#baseNs);
    }
    this.#flush();
  }

  #put({ operations, allocators, owners, addresses, sizes }: EventColumns, i: number, sinceBaseNs: number): void {
    const operation = operations[i]!;
    const [owner, address, size] = [owners[i]!, addresses[i]!, sizes[i]!];
    const hasSite = isOfSite(operation);
    const thread = hasSite ? this.#owners.threadOf(owner) : owner;
    if (thread === undefined) return;
    const records = this.#records;
    const at = this.#count++ * RECORD_WORDS;
    records[at] = OPERATION_OF[operation]! | (allocators[i]! << 8);
    records[at + 1] = thread;
    records[at + 2] = hasSite ? owner : 0;
    records[at + 3] = address % HIGH;
    records[at + 4] = address / HIGH;
    records[at + 5] = size % HIGH;
    records[at + 6] = size / HIGH;
    records[at + 7] = sinceBaseNs;
  }

  #flush(): void {
    const batch = { ...emptyBatch(), records: this.#records, count: this.#count, baseTimeNs: this.#baseNs };
    if (batch.count > 0) this.#aggregator.apply(batch);
    this.#count = 0;
  }

  #tellOfEnd(process: number): void {
    if (this.onEnd === null) return;
    this.#flush();
    this.#visitAddresses(process, this.onEnd);
  }

  // ---- what there is to say of this moment ---------------------------------------------------------------------------

  /** True if a realloc is under way whose block has left the table of addresses. */
  get hasReleased(): boolean {
    let has = false;
    this.visitReleased((process) => {
      has ||= this.#aggregator.processes.find(process)?.hasEnded === false;
    });
    return has;
  }

  /** Tells of everything that is live and whose process has not ended. */
  visitLive(visitor: LiveVisitor): void {
    for (const { index } of this.#aggregator.processes.all()) this.#visitAddresses(index, visitor);
    this.visitReleased(visitor);
  }

  /** Those of reallocs that are under way, whose addresses may be others' by now. */
  visitReleased(visitor: LiveVisitor): void {
    const { threads } = this.#aggregator;
    threads.visitReleased((thread, address, bytes, site, birth) =>
      visitor(threads.processOf(thread), address, bytes, this.#aggregator.stackOf(site), birth),
    );
  }

  /** The pieces of a mapping that hold a process's addresses, without blocks. */
  visitMappings(visitor: (process: number, start: number, end: number, birth: number) => void): void {
    for (const { index, mappings } of this.#aggregator.processes.all())
      mappings.visit((start, _bytes, _site, birth, end) => visitor(index, start, end, birth));
  }

  #visitAddresses(process: number, visitor: LiveVisitor): void {
    const account = this.#aggregator.processes.find(process);
    if (account === undefined) return;
    const tell = (address: number, bytes: number, site: number, birth: number) =>
      visitor(process, address, bytes, this.#aggregator.stackOf(site), birth);
    account.blocks.visit(tell);
    account.mappings.visit(tell);
  }

  /** What every site did since the first event; a site of the capture may come several times. */
  visitSites(visitor: (site: number, process: number, counters: SiteCounters) => void): void {
    const { sites } = this.#aggregator;
    for (let own = 0; own < sites.size; own++)
      visitor(sites.stackOf(own), this.#processOf(own), countersOf(sites, own));
  }

  /** The high watermark of every process, of 0 bytes too. */
  *peaks(): Generator<[process: number, bytes: number, timeNs: number]> {
    for (const { index, heap } of this.#aggregator.processes.all()) yield [index, heap.peakBytes, heap.peakNs];
  }

  /** What every site held at the high watermark of its process. */
  visitPeaks(visitor: (site: number, process: number, blocks: number, bytes: number) => void): void {
    const { sites, processes } = this.#aggregator;
    for (let own = 0; own < sites.size; own++) {
      const process = this.#processOf(own);
      const heap = processes.heapOf(process);
      visitor(sites.stackOf(own), process, heap.peakAllocationsOf(sites, own), heap.peakBytesOf(sites, own));
    }
  }

  /** Temporary allocations of the range: site, number of other allocations, blocks, bytes. */
  *temporaries(): Generator<number[]> {
    for (let site = 0; site < this.#aggregator.siteCount; site++)
      for (const row of this.#aggregator.temporariesOf(site)) yield [this.#aggregator.stackOf(site), ...row];
  }

  #processOf(own: number): number {
    return this.#aggregator.processOfThread(this.#aggregator.threadOf(own));
  }
}
