/** What events have left, told to a visitor, and taken over from one who tells: see model/live-state.ts. */
import type { LiveStateVisitor } from '../model/live-state.ts';
import type { Aggregator } from './aggregator.ts';
import {
  ALLOCATED_BYTES,
  ALLOCATIONS,
  LIVE_ALLOCATIONS,
  LIVE_BYTES,
  SITE_DOUBLES,
  SITE_WORDS,
  type Sites,
} from './sites.ts';

const HIGH = 2 ** 32;

export function visitLiveState(aggregator: Aggregator, visitor: LiveStateVisitor): void {
  visitSites(aggregator.sites, visitor);
  visitReleased(aggregator, visitor);
  for (const { index, blocks, mappings, expectedUnmaps } of aggregator.processes.all()) {
    blocks.visitInOrder((address, bytes, site, birth) => visitor.block(address, bytes, site, birth));
    mappings.visit((start, bytes, site, birth, end) => visitor.mapping(start, end, bytes, site, birth));
    expectedUnmaps.visit((start, end, expiresNs) => visitor.expected(index, start, end, expiresNs));
  }
}

function visitSites(sites: Sites, visitor: LiveStateVisitor): void {
  for (let site = 0; site < sites.size; site++) {
    const { allocations, allocatedBytes, liveBlocks, liveBytes } = countersOf(sites, site);
    visitor.site(site, sites.allocatorOf(site), allocations, allocatedBytes, liveBlocks, liveBytes);
  }
}

export interface SiteCounters {
  allocations: number;
  allocatedBytes: number;
  liveBlocks: number;
  liveBytes: number;
}

export function countersOf({ doubles, words }: Sites, site: number): SiteCounters {
  const at = site * SITE_DOUBLES;
  return {
    allocations: doubles[at + ALLOCATIONS]!,
    allocatedBytes: doubles[at + ALLOCATED_BYTES]!,
    liveBlocks: words[site * SITE_WORDS + LIVE_ALLOCATIONS]!,
    liveBytes: doubles[at + LIVE_BYTES]!,
  };
}

/** In the events a realloc that nobody has come across has not begun: its block is like any other. */
function visitReleased({ threads, events }: Aggregator, visitor: LiveStateVisitor): void {
  threads.visitReleased((thread, address, bytes, site, birth) => {
    if (events?.hides(thread, address) === true) visitor.block(address, bytes, site, birth);
    else visitor.released(thread, address, bytes, site, birth);
  });
}

/** Says when a block of a state was born, as the new owner of the state counts. */
export type BirthOf = (process: number, address: number, birth: number, isMapping: boolean) => number;

/** Fills an aggregator that has applied nothing but its threads. Sites stand in for their stacks. */
export class LiveStateLoader implements LiveStateVisitor {
  readonly #to: Aggregator;
  readonly #threadOf: (site: number) => number | undefined;
  readonly #birthOf: BirthOf;
  /** Of the aggregator, by site of the capture. */
  readonly #sites = new Map<number, number>();

  /** @param threadOf undefined: the site is in no report */
  constructor(to: Aggregator, threadOf: (site: number) => number | undefined, birthOf: BirthOf) {
    this.#to = to;
    this.#threadOf = threadOf;
    this.#birthOf = birthOf;
  }

  site(
    site: number,
    allocator: number,
    allocations: number,
    allocatedBytes: number,
    liveBlocks: number,
    liveBytes: number,
  ): void {
    const thread = this.#threadOf(site);
    if (thread === undefined) return;
    const { sites, processes } = this.#to;
    const own = sites.add(thread, allocator, site);
    this.#sites.set(site, own);
    const at = own * SITE_DOUBLES;
    sites.doubles[at + ALLOCATIONS] = allocations;
    sites.doubles[at + ALLOCATED_BYTES] = allocatedBytes;
    sites.doubles[at + LIVE_BYTES] = liveBytes;
    sites.words[own * SITE_WORDS + LIVE_ALLOCATIONS] = liveBlocks;
    const { heap } = processes.of(this.#processOf(own));
    heap.heapBytes += liveBytes;
    heap.liveAllocations += liveBlocks;
  }

  block(address: number, bytes: number, site: number, birth: number): void {
    const own = this.#sites.get(site);
    if (own === undefined) return;
    const process = this.#processOf(own);
    const born = this.#birthOf(process, address, birth, false);
    const { blocks } = this.#to.processes.of(process);
    blocks.put(address | 0, Math.floor(address / HIGH), bytes % HIGH, Math.floor(bytes / HIGH), own, 0, born);
  }

  mapping(address: number, end: number, bytes: number, site: number, birth: number): void {
    const own = this.#sites.get(site);
    if (own === undefined) return;
    const process = this.#processOf(own);
    const { mappings } = this.#to.processes.of(process);
    mappings.restore(address, end, bytes, own, this.#birthOf(process, address, birth, true));
  }

  released(thread: number, address: number, bytes: number, site: number, birth: number): void {
    const own = this.#sites.get(site);
    if (own === undefined || this.#to.processOfThread(thread) < 0) return;
    const born = this.#birthOf(this.#processOf(own), address, birth, false);
    this.#to.threads.restoreReleased(thread, address, bytes, own, born);
  }

  expected(process: number, start: number, end: number, expiresNs: number): void {
    this.#to.processes.find(process)?.expectedUnmaps.restore(start, end, expiresNs);
  }

  #processOf(own: number): number {
    return this.#to.processOfThread(this.#to.threadOf(own));
  }
}
