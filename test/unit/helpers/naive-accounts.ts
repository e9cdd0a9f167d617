/**
 * The accounting rules said again, as simply as possible and slowly: Maps, one entry per page of a mapping, and a copy of
 * every site's live numbers at each maximum. What Aggregator must agree with.
 */

import { ALLOCATOR, FLAG_COMMITS_RELEASE, FLAG_INTERNAL, FLAG_MAP_FIXED } from '../../../src/model/abi.gen.ts';

const PAGE = 4096;

export interface NaiveSite {
  process: number;
  allocations: number;
  allocatedBytes: number;
  deallocations: number;
  liveAllocations: number;
  liveBytes: number;
  peakAllocations: number;
  peakBytes: number;
  temporaries: [number, number][];
}

/** What one event did to a site. */
export interface Change {
  timeNs: number;
  /** When the block was allocated; that of an allocation is `timeNs`. */
  bornNs: number;
  site: NaiveSite;
  bytes: number;
  blocks: number;
  /** Of a whole block that its own thread freed: how many other allocations that had made; null of anything else. */
  distance: number | null;
}

interface Block {
  site: NaiveSite;
  bytes: number;
  bornNs: number;
  tid: string;
  sequence: number;
}

interface Mapping extends Block {
  start: number;
  wasCut: boolean;
}

class NaiveProcess {
  blocks = new Map<number, Block>();
  pages = new Map<number, Mapping>();
  expected = new Map<number, number[]>();
  inherited = new Set<number>();
  inheritedPages = new Set<number>();
  sites = new Set<NaiveSite>();
  heapBytes = 0;
  peakBytes = 0;
}

export class NaiveAccounts {
  readonly sites = new Map<string, NaiveSite>();
  unmatchedFrees = 0;
  readonly processes = new Map<number, NaiveProcess>();
  readonly changes: Change[] = [];
  readonly #clock: () => number;
  readonly #processOf = new Map<number, number>();
  readonly #tidOf = new Map<number, string>();
  readonly #sequences = new Map<string, number>();
  readonly #released = new Map<string, { address: number; block: Block | null }>();
  /** Address of the last free, by tid. */
  readonly #freed = new Map<string, number>();

  /** `clock` gives the time of the event at hand. */
  constructor(clock: () => number = () => 0) {
    this.#clock = clock;
  }

  process(index: number, parent: number | null = null): void {
    const process = new NaiveProcess();
    this.processes.set(index, process);
    const from = parent === null ? undefined : this.processes.get(parent);
    if (from === undefined) return;
    process.inherited = new Set([...from.blocks.keys(), ...from.inherited]);
    process.inheritedPages = new Set([...from.pages.keys(), ...from.inheritedPages]);
  }

  thread(index: number, process: number, tid: number): void {
    this.#processOf.set(index, process);
    this.#tidOf.set(index, `${process}/${tid}`);
  }

  allocate(
    thread: number,
    address: number,
    bytes: number,
    allocator: number,
    stack: number,
    flags: number,
    timeNs: number,
  ) {
    if ((flags & FLAG_COMMITS_RELEASE) !== 0) this.commit(thread);
    const process = this.#process(thread);
    const tid = this.#tidOf.get(thread)!;
    const site = this.#site(thread, allocator, stack);
    if (allocator === ALLOCATOR.MMAP || allocator === ALLOCATOR.MREMAP) {
      const isFixed = (flags & FLAG_MAP_FIXED) !== 0;
      const [first, last] = pagesOf(address, bytes);
      for (let page = first; page <= last; page++) {
        if (isFixed || !process.pages.has(page)) continue;
        process.expected.set(page, [...(process.expected.get(page) ?? []), timeNs + 1e9]);
      }
      this.#unmapRun(process, first, last, isFixed ? tid : null);
      const mapping = {
        site,
        bytes,
        bornNs: this.#clock(),
        tid,
        sequence: this.#nextSequence(tid),
        start: address,
        wasCut: false,
      };
      for (let page = first; page <= last; page++) process.pages.set(page, mapping);
    } else {
      const sequence = this.#nextSequence(tid);
      const older = process.blocks.get(address);
      process.blocks.set(address, { site, bytes, bornNs: this.#clock(), tid, sequence });
      if (older !== undefined) this.#endBlock(process, older, null);
    }
    site.allocations++;
    site.allocatedBytes += bytes;
    this.#change(process, site, bytes, 1, this.#clock());
  }

  free(thread: number, address: number): void {
    const process = this.#process(thread);
    const block = process.blocks.get(address);
    process.blocks.delete(address);
    const tid = this.#tidOf.get(thread)!;
    const wasLast = this.#freed.get(tid) === address;
    this.#freed.set(tid, address);
    if (block === undefined && (wasLast || this.#released.get(tid)?.address === address)) return;
    this.#freeBlock(process, address, block ?? null, tid);
  }

  release(thread: number, address: number): void {
    this.cancel(thread);
    const process = this.#process(thread);
    this.#released.set(this.#tidOf.get(thread)!, { address, block: process.blocks.get(address) ?? null });
    process.blocks.delete(address);
  }

  commit(thread: number): void {
    const tid = this.#tidOf.get(thread)!;
    const released = this.#released.get(tid);
    this.#released.delete(tid);
    if (released !== undefined) this.#freeBlock(this.#process(thread), released.address, released.block, tid);
  }

  cancel(thread: number): void {
    const process = this.#process(thread);
    const tid = this.#tidOf.get(thread)!;
    const released = this.#released.get(tid);
    this.#released.delete(tid);
    if (released === undefined || released.block === null) return;
    if (process.blocks.has(released.address)) this.#endBlock(process, released.block, null);
    else process.blocks.set(released.address, released.block);
  }

  unmap(thread: number, address: number, bytes: number, flags: number, timeNs: number): void {
    const process = this.#process(thread);
    const [first, last] = pagesOf(address, bytes);
    let isKnown = false;
    let from = first;
    for (let page = first; page <= last; page++) {
      const open = (process.expected.get(page) ?? []).filter((expiresNs) => expiresNs >= timeNs);
      const isExpected = open.shift() !== undefined;
      if (process.inheritedPages.has(page)) isKnown = true;
      process.expected.set(page, open);
      if (!isExpected) continue;
      isKnown = true;
      this.#unmapRun(process, from, page - 1, this.#tidOf.get(thread)!);
      from = page + 1;
    }
    if (this.#unmapRun(process, from, last, this.#tidOf.get(thread)!)) isKnown = true;
    if (!isKnown && (flags & FLAG_INTERNAL) === 0) this.unmatchedFrees++;
  }

  end(index: number): void {
    const process = this.processes.get(index)!;
    process.blocks.clear();
    process.pages.clear();
    process.expected.clear();
    process.inherited.clear();
    process.inheritedPages.clear();
  }

  /** Frees the pages first … last; returns whether one was mapped. */
  #unmapRun(process: NaiveProcess, first: number, last: number, tid: string | null): boolean {
    const touched = new Set<Mapping>();
    for (let page = first; page <= last; page++) {
      const mapping = process.pages.get(page);
      if (mapping !== undefined) touched.add(mapping);
    }
    for (const mapping of touched) {
      const before = runsOf(process, mapping);
      for (let page = first; page <= last; page++) if (process.pages.get(page) === mapping) process.pages.delete(page);
      const after = runsOf(process, mapping);
      const bytes = before.bytes - after.bytes;
      const ended = before.runs.filter(([from, to]) => first <= from && to <= last).length;
      if (after.runs.length === 0 && !mapping.wasCut) {
        this.#endBlock(process, { ...mapping, bytes }, tid);
      } else {
        mapping.site.deallocations += ended;
        this.#change(process, mapping.site, -bytes, after.runs.length - before.runs.length, mapping.bornNs);
      }
      mapping.wasCut = true;
    }
    return touched.size > 0;
  }

  #freeBlock(process: NaiveProcess, address: number, block: Block | null, tid: string): void {
    if (block !== null) this.#endBlock(process, block, tid);
    else if (!process.inherited.has(address)) this.unmatchedFrees++;
  }

  #endBlock(process: NaiveProcess, { site, bytes, bornNs, tid: owner, sequence }: Block, tid: string | null): void {
    site.deallocations++;
    const distance = owner === tid ? this.#sequences.get(owner)! - sequence : null;
    this.#change(process, site, -bytes, -1, bornNs, distance);
    if (distance === null || distance > 16) return;
    site.temporaries[distance]![0] += 1;
    site.temporaries[distance]![1] += bytes;
  }

  #change(
    process: NaiveProcess,
    site: NaiveSite,
    bytes: number,
    blocks: number,
    bornNs: number,
    distance: number | null = null,
  ): void {
    this.changes.push({ timeNs: this.#clock(), bornNs, site, bytes, blocks, distance });
    site.liveBytes += bytes;
    site.liveAllocations += blocks;
    process.heapBytes += bytes;
    process.sites.add(site);
    if (process.heapBytes < process.peakBytes) return;
    process.peakBytes = process.heapBytes;
    for (const one of process.sites) {
      one.peakBytes = one.liveBytes;
      one.peakAllocations = one.liveAllocations;
    }
  }

  #process(thread: number): NaiveProcess {
    return this.processes.get(this.#processOf.get(thread)!)!;
  }

  #nextSequence(tid: string): number {
    const next = (this.#sequences.get(tid) ?? 0) + 1;
    this.#sequences.set(tid, next);
    return next;
  }

  #site(thread: number, allocator: number, stack: number): NaiveSite {
    const key = `${thread}/${allocator}/${stack}`;
    const known = this.sites.get(key);
    if (known !== undefined) return known;
    const site: NaiveSite = {
      process: this.#processOf.get(thread)!,
      allocations: 0,
      allocatedBytes: 0,
      deallocations: 0,
      liveAllocations: 0,
      liveBytes: 0,
      peakAllocations: 0,
      peakBytes: 0,
      temporaries: Array.from({ length: 17 }, () => [0, 0]),
    };
    this.sites.set(key, site);
    return site;
  }
}

function pagesOf(address: number, bytes: number): [number, number] {
  return [address / PAGE, address / PAGE + Math.ceil(bytes / PAGE) - 1];
}

/** The runs of pages that are left of a mapping, and the requested bytes in them. */
function runsOf(process: NaiveProcess, mapping: Mapping): { runs: [number, number][]; bytes: number } {
  const runs: [number, number][] = [];
  let bytes = 0;
  const [first, last] = pagesOf(mapping.start, mapping.bytes);
  for (let page = first; page <= last; page++) {
    if (process.pages.get(page) !== mapping) continue;
    bytes += Math.min(PAGE, mapping.bytes - (page - first) * PAGE);
    const run = runs.at(-1);
    if (run !== undefined && run[1] === page - 1) run[1] = page;
    else runs.push([page, page]);
  }
  return { runs, bytes };
}
