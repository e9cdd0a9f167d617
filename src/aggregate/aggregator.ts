/**
 * Turns batches into accounts: applies records one by one, in the order in which they happened, to the live blocks and to
 * the counters of sites and processes. Deterministic: time comes from the records.
 *
 * Three moments of one realloc, with a second thread in between:
 *
 *     thread 1  RELEASE  A                  A leaves the address table; its bytes still count
 *     thread 2  ALLOCATE A                  may be given the address already: a different block
 *     thread 1  ALLOCATE B, COMMITS_RELEASE the old block is freed, then B is allocated: the peak never holds both
 *
 * COMMIT ends it without a new block, CANCEL (realloc failed) puts the old block back. If the end of a realloc was never
 * seen, the block stays live.
 */

import {
  FLAG_COMMITS_RELEASE,
  FLAG_INTERNAL,
  FLAG_MAP_FIXED,
  FLAG_SHARES_PARENT,
  OPERATION,
  RANGED_ALLOCATORS,
  RECORD_WORDS,
} from '../model/abi.gen.ts';
import {
  type Accounts,
  type LiveSites,
  type ProcessChanges,
  type SiteSum,
  TEMPORARY_THRESHOLDS,
} from '../model/accounts.ts';
import type { LiveStateVisitor } from '../model/live-state.ts';
import type { Batch, Losses, ModuleInfo, ResidentInfo, ThreadInfo } from '../model/types.ts';
import { EventLog } from './event-log.ts';
import { StackTree } from './intern.ts';
import { Intervals } from './intervals.ts';
import { MAX_BLOCK_BYTES } from './live.ts';
import { visitLiveState } from './live-state.ts';
import type { ProcessAccount } from './process-account.ts';
import { Processes } from './processes.ts';
import { type Cut, pageEnd } from './ranges.ts';
import {
  ALLOCATED_BYTES,
  ALLOCATIONS,
  DEALLOCATIONS,
  LIVE_ALLOCATIONS,
  LIVE_BYTES,
  SITE_DOUBLES,
  SITE_WORDS,
  Sites,
} from './sites.ts';
import { StackStatuses } from './stack-statuses.ts';
import { Temporaries } from './temporary.ts';
import { NOTHING_RELEASED, RELEASED_UNKNOWN, Threads } from './threads.ts';

const HIGH = 2 ** 32;
const NO_THREAD = -1;
/** TCACHE_MAX_BINS * TCACHE_FILL_COUNT of glibc before 2.42: 64 sizes, 7 blocks each. */
const MAX_CACHED_BLOCKS = 64 * 7;

const IS_RANGED = Uint8Array.from({ length: 256 }, (_, allocator) => (RANGED_ALLOCATORS.has(allocator) ? 1 : 0));

/** The others are of a thread. */
function isOfProcess(operation: number): boolean {
  return (operation >= OPERATION.PROCESS_BEGIN && operation <= OPERATION.RSS) || operation === OPERATION.RESIDENT;
}

export interface AggregatorOptions {
  /** Keep what is needed to answer for ranges of time. */
  withIntervals?: boolean;
  /** See Intervals. */
  rowsPerTick?: number;
  /** Keep every event for the next commit. */
  withEvents?: boolean;
  eventsPerChunk?: number;
  /** Of temporary allocations only those count that are born in this interval or later, … */
  firstBirth?: number;
  /** … and freed after at most this many other allocations. */
  farthest?: number;
}

export class Aggregator implements Accounts {
  readonly tree = new StackTree();
  newModules: ModuleInfo[] = [];
  /** Null: only sums over the whole capture are kept. */
  readonly intervals: Intervals | null;
  /** Null: single events are not kept. */
  readonly events: EventLog | null;
  readonly sites = new Sites();
  readonly processes = new Processes(this.sites);
  readonly threads = new Threads();
  /** Without intervals: when a block is born that is allocated now. */
  birth = 0;
  readonly #temporaries = new Temporaries();
  readonly #firstBirth: number;
  readonly #farthest: number;
  readonly #statuses = new StackStatuses();
  #unmatchedFrees = 0;
  #inheritedBlocks = 0;
  #invalidRecords = 0;
  /** Of the batch at hand. */
  #residents: ResidentInfo[] = [];
  /** Time of the record at hand. A field, because a double passed from call to call is allocated at each of them. */
  #nowNs = 0;

  constructor(options: AggregatorOptions = {}) {
    const { withIntervals = true, rowsPerTick, withEvents = false, eventsPerChunk } = options;
    this.events = withEvents ? new EventLog(this.sites, this.threads, this.processes, eventsPerChunk) : null;
    this.intervals = withIntervals ? new Intervals(this.sites, rowsPerTick) : null;
    this.#firstBirth = options.firstBirth ?? 0;
    this.#farthest = options.farthest ?? TEMPORARY_THRESHOLDS - 1;
  }

  /** Nothing that has not been applied happened before this time. */
  passTime(timeNs: number): void {
    this.intervals?.advance(timeNs);
  }

  /** Applies a batch: first what is new in it, then its records. */
  apply(batch: Batch): void {
    for (const info of batch.processes) this.processes.add(info);
    for (const warning of batch.warnings) this.processes.warn(warning);
    for (const info of batch.threads) this.#addThread(info);
    for (const info of batch.stacks) this.#statuses.add(info);
    this.newModules.push(...batch.modules);
    this.#residents = batch.residents;
    this.#applyRecords(batch.records, batch.count, batch.baseTimeNs);
    for (const end of batch.ends) this.processes.end(end);
  }

  // ---- what the store reads ----------------------------------------------------------------------------------------

  get losses(): Losses {
    return {
      ...this.#statuses.losses,
      unmatched_free: this.#unmatchedFrees,
      inherited: this.#inheritedBlocks,
      event_invalid: this.#invalidRecords,
    };
  }

  changes(): Iterable<ProcessChanges> {
    return this.processes.changes();
  }

  committed(): void {
    this.newModules = [];
    this.intervals?.committed();
    this.events?.clear();
    this.processes.committed();
  }

  threadOf(site: number): number {
    return this.sites.threadOf(site);
  }

  processOfThread(thread: number): number {
    return this.threads.processOf(thread);
  }

  allocatorOf(site: number): number {
    return this.sites.allocatorOf(site);
  }

  stackOf(site: number): number {
    return this.sites.stackOf(site);
  }

  addTo(site: number, sum: SiteSum): void {
    const { doubles, words } = this.sites;
    const heap = this.processes.heapOf(this.processOfThread(this.threadOf(site)));
    const at = site * SITE_DOUBLES;
    sum.allocations += doubles[at + ALLOCATIONS]!;
    sum.allocatedBytes += doubles[at + ALLOCATED_BYTES]!;
    sum.deallocations += doubles[at + DEALLOCATIONS]!;
    sum.liveAllocations += words[site * SITE_WORDS + LIVE_ALLOCATIONS]!;
    sum.liveBytes += doubles[at + LIVE_BYTES]!;
    sum.peakAllocations += heap.peakAllocationsOf(this.sites, site);
    sum.peakBytes += heap.peakBytesOf(this.sites, site);
    this.#temporaries.addTo(site, sum);
  }

  /** Its temporary allocations: see Temporaries.of. */
  temporariesOf(site: number): Iterable<[distance: number, blocks: number, bytes: number]> {
    return this.#temporaries.of(site);
  }

  get stateSize(): number {
    return this.sites.size + this.processes.liveCount;
  }

  visitState(visitor: LiveStateVisitor): void {
    visitLiveState(this, visitor);
  }

  /** Present state of a process, null before its first sign of life. */
  process(index: number): Readonly<Pick<ProcessAccount, 'heap' | 'unmatchedFrees'>> | null {
    return this.processes.find(index) ?? null;
  }

  /** Sites so far: they are numbered 0 … siteCount - 1. */
  get siteCount(): number {
    return this.sites.size;
  }

  #addThread(info: ThreadInfo): void {
    const account = this.processes.of(info.process);
    this.threads.add(info, account.identityOf(info));
    account.threads.push(info);
    this.processes.list(account);
  }

  // ---- records -----------------------------------------------------------------------------------------------------

  #applyRecords(records: Uint32Array, count: number, baseTimeNs: number): void {
    for (let at = 0; at < count * RECORD_WORDS; at += RECORD_WORDS) {
      const operation = records[at]! & 0xff;
      this.#nowNs = baseTimeNs + records[at + 7]!;
      if (this.intervals !== null && this.#nowNs >= this.intervals.endNs) this.intervals.advance(this.#nowNs);
      if (isOfProcess(operation)) {
        this.#applyToProcess(operation, records, at);
        continue;
      }
      const thread = records[at + 1]!;
      const process = this.threads.processOf(thread);
      if (process < 0) {
        this.#invalidRecords++;
        continue;
      }
      const account = this.processes.of(process);
      if (this.events !== null) {
        this.events.begin(this.#birth);
        this.events.log(account.blocks, thread, records, at, this.#nowNs);
      }
      if (operation === OPERATION.ALLOCATE) this.#allocate(account, thread, records, at);
      else if (operation === OPERATION.FREE) this.#free(account, thread, records[at + 3]! | 0, records[at + 4]!);
      else this.#applyRarely(operation, account, thread, records, at);
    }
  }

  #applyRarely(operation: number, account: ProcessAccount, thread: number, records: Uint32Array, at: number): void {
    switch (operation) {
      case OPERATION.RELEASE:
        this.#release(account, thread, records[at + 3]! | 0, records[at + 4]!);
        break;
      case OPERATION.COMMIT:
        this.#commitRelease(account, thread);
        break;
      case OPERATION.CANCEL:
        this.#cancelRelease(account, thread);
        break;
      case OPERATION.UNMAP:
        this.#unmap(account, thread, records, at);
        break;
      case OPERATION.SAMPLE:
        this.#sample(account, thread, records, at);
        break;
      case OPERATION.THREAD_END:
        this.#endThread(account, thread);
        break;
      default:
        this.#invalidRecords++;
    }
  }

  #applyToProcess(operation: number, records: Uint32Array, at: number): void {
    const account = this.processes.of(records[at + 1]!);
    switch (operation) {
      case OPERATION.PROCESS_BEGIN:
        this.#beginProcess(account, records[at]! >>> 16);
        break;
      case OPERATION.PROCESS_END:
        this.events?.begin(this.#birth);
        this.events?.logEnd(account.index, this.#nowNs);
        account.dropAddresses(this.#nowNs);
        break;
      case OPERATION.RSS:
        account.line.setRss(account.heap, records[at + 5]! + records[at + 6]! * HIGH, this.#nowNs);
        break;
      case OPERATION.RESIDENT:
        this.#addResident(account, this.#residents[records[at + 5]!]);
        break;
      default:
        this.#invalidRecords++;
        return;
    }
    this.processes.list(account);
  }

  #addResident(account: ProcessAccount, info: ResidentInfo | undefined): void {
    if (info === undefined) {
      this.#invalidRecords++;
      return;
    }
    const live = info.v8HeapBytes === null ? null : this.#liveSites(account);
    account.resident.add({ ...info, timeNs: this.#nowNs, live });
  }

  #liveSites(account: ProcessAccount): LiveSites {
    const live = { sites: [] as number[], bytes: [] as number[] };
    for (let site = 0; site < this.sites.size; site++) {
      const bytes = this.sites.doubles[site * SITE_DOUBLES + LIVE_BYTES]!;
      if (bytes === 0 || IS_RANGED[this.allocatorOf(site)] === 1) continue;
      if (this.processOfThread(this.threadOf(site)) !== account.index) continue;
      live.sites.push(site);
      live.bytes.push(bytes);
    }
    return live;
  }

  #beginProcess(account: ProcessAccount, flags: number): void {
    const { known } = account;
    if (known === null || known.origin !== 'fork' || known.parent === null) return;
    if ((flags & FLAG_SHARES_PARENT) !== 0) return;
    const parent = this.processes.find(known.parent);
    if (parent !== undefined) this.#inheritedBlocks += account.inheritFrom(parent).count;
  }

  // ---- blocks ------------------------------------------------------------------------------------------------------

  #allocate(account: ProcessAccount, thread: number, records: Uint32Array, at: number): void {
    const head = records[at]!;
    const allocator = (head >>> 8) & 0xff;
    if (((head >>> 16) & FLAG_COMMITS_RELEASE) !== 0) this.#commitRelease(account, thread);

    const stack = records[at + 2]!;
    this.#statuses.count(stack);
    const site = this.sites.add(thread, allocator, stack);
    let sizeLow = records[at + 5]!;
    let sizeHigh = records[at + 6]!;
    if (IS_RANGED[allocator] === 1) {
      this.#map(account, thread, site, records, at);
    } else {
      if (sizeHigh > 0xffff) {
        sizeLow = MAX_BLOCK_BYTES % HIGH;
        sizeHigh = 0xffff;
      }
      const sequence = ++this.threads.sequences[this.threads.identities[thread]!]!;
      const { blocks } = account;
      const [low, high] = [records[at + 3]! | 0, records[at + 4]!];
      const replaced = blocks.put(low, high, sizeLow, sizeHigh, site, sequence, this.#birth);
      if (replaced >= 0) {
        this.#end(account, replaced, blocks.takenBytes, blocks.takenSequence, blocks.takenBirth, NO_THREAD);
      }
      this.#add(account, site, sizeLow + sizeHigh * HIGH);
    }
    account.histogramOf(allocator).add(sizeLow, sizeHigh, sizeLow + sizeHigh * HIGH);
  }

  /** Counts in its site, and nowhere else. */
  #sample(account: ProcessAccount, thread: number, records: Uint32Array, at: number): void {
    const stack = records[at + 2]!;
    this.#statuses.count(stack);
    const site = this.sites.add(thread, (records[at]! >>> 8) & 0xff, stack);
    this.intervals?.touch(account, site);
    const { doubles } = this.sites;
    doubles[site * SITE_DOUBLES + ALLOCATIONS]! += 1;
    doubles[site * SITE_DOUBLES + ALLOCATED_BYTES]! += records[at + 5]! + records[at + 6]! * HIGH;
    this.#markChanged(account, site);
  }

  #free(account: ProcessAccount, thread: number, low: number, high: number): void {
    const { blocks } = account;
    const site = blocks.take(low, high);
    if (site >= 0) this.#end(account, site, blocks.takenBytes, blocks.takenSequence, blocks.takenBirth, thread);
    // realloc(p, 0) of glibc calls free: the block ends once, with the realloc. operator delete of jemalloc passes on to
    // free: the block ends once, with the operator.
    else if (!this.threads.hasReleased(thread, low, high) && !this.threads.hasFreed(thread, low, high))
      this.#freeUnknown(account, thread, (low >>> 0) + high * HIGH);
    this.threads.setFreed(thread, low, high);
  }

  #release(account: ProcessAccount, thread: number, low: number, high: number): void {
    const threads = this.threads;
    const identity = threads.identities[thread]!;
    // The end of an earlier realloc was lost or is still to come further out (a signal handler): its block is live.
    this.#cancelRelease(account, thread);
    const site = account.blocks.take(low, high);
    threads.releasedSites[identity] = site < 0 ? RELEASED_UNKNOWN : site;
    threads.releasedLow[identity] = low;
    threads.releasedHigh[identity] = high;
    threads.releasedBytes[identity] = account.blocks.takenBytes;
    threads.releasedSequences[identity] = account.blocks.takenSequence;
    threads.releasedBirths[identity] = account.blocks.takenBirth;
  }

  #commitRelease(account: ProcessAccount, thread: number): void {
    const threads = this.threads;
    const identity = threads.identities[thread]!;
    const site = threads.releasedSites[identity]!;
    threads.releasedSites[identity] = NOTHING_RELEASED;
    if (site >= 0) {
      const [bytes, sequence] = [threads.releasedBytes[identity]!, threads.releasedSequences[identity]!];
      this.#end(account, site, bytes, sequence, threads.releasedBirths[identity]!, thread);
    } else if (site === RELEASED_UNKNOWN) {
      this.#freeUnknown(
        account,
        thread,
        (threads.releasedLow[identity]! >>> 0) + threads.releasedHigh[identity]! * HIGH,
      );
    }
  }

  #cancelRelease(account: ProcessAccount, thread: number): void {
    const threads = this.threads;
    const identity = threads.identities[thread]!;
    const site = threads.releasedSites[identity]!;
    threads.releasedSites[identity] = NOTHING_RELEASED;
    if (site < 0) return;
    const low = threads.releasedLow[identity]!;
    const high = threads.releasedHigh[identity]!;
    const bytes = threads.releasedBytes[identity]!;
    const sequence = threads.releasedSequences[identity]!;
    const birth = threads.releasedBirths[identity]!;
    // A block that has got the address since is the newer one, so this one must have ended.
    if (account.blocks.has(low, high)) this.#end(account, site, bytes, sequence, birth, NO_THREAD);
    else account.blocks.put(low, high, bytes % HIGH, Math.floor(bytes / HIGH), site, sequence, birth);
  }

  #freeUnknown(account: ProcessAccount, thread: number, address: number): void {
    if (account.inherited?.free(address) === true) return;
    this.#countUnmatched(account);
    this.threads.addUnmatched(thread);
  }

  /**
   * When a thread ends, glibc empties the thread's cache of freed blocks by calling its own free once more for each
   * (malloc/malloc.c, tcache_thread_shutdown). These frees end no block: they are taken off the count.
   */
  #endThread(account: ProcessAccount, thread: number): void {
    const cached = Math.min(this.threads.lastUnmatched(thread), MAX_CACHED_BLOCKS);
    account.unmatchedFrees -= cached;
    this.#unmatchedFrees -= cached;
    account.forgetThread(this.threads.tids[thread]!);
    this.threads.end(thread);
  }

  #countUnmatched(account: ProcessAccount): void {
    account.unmatchedFrees++;
    this.#unmatchedFrees++;
  }

  // ---- mappings ----------------------------------------------------------------------------------------------------

  #map(account: ProcessAccount, thread: number, site: number, records: Uint32Array, at: number): void {
    const isFixed = ((records[at]! >>> 16) & FLAG_MAP_FIXED) !== 0;
    const start = records[at + 3]! + records[at + 4]! * HIGH;
    const bytes = records[at + 5]! + records[at + 6]! * HIGH;
    account.mappings.cut(start, pageEnd(start, bytes), (cut) => {
      this.#applyCut(account, cut, isFixed ? thread : NO_THREAD);
      if (!isFixed) account.expectedUnmaps.add(cut.start, cut.end, this.#nowNs);
    });
    const sequence = ++this.threads.sequences[this.threads.identities[thread]!]!;
    account.mappings.add(start, bytes, site, sequence, this.#birth);
    this.#add(account, site, bytes);
  }

  #unmap(account: ProcessAccount, thread: number, records: Uint32Array, at: number): void {
    const start = records[at + 3]! + records[at + 4]! * HIGH;
    const bytes = records[at + 5]! + records[at + 6]! * HIGH;
    if (bytes === 0) return;
    const end = pageEnd(start, bytes);
    const rest = account.expectedUnmaps.cancel(start, end, this.#nowNs);
    let isKnown = rest.length !== 1 || rest[0]!.start !== start || rest[0]!.end !== end;
    for (const range of rest) {
      const met = account.mappings.cut(range.start, range.end, (cut) => this.#applyCut(account, cut, thread));
      isKnown ||= met;
    }
    if (isKnown || ((records[at]! >>> 16) & FLAG_INTERNAL) !== 0) return;
    if (account.inherited?.touches(start, end) !== true) this.#countUnmatched(account);
  }

  #applyCut(account: ProcessAccount, cut: Cut, thread: number): void {
    if (cut.isWhole) this.#end(account, cut.site, cut.bytes, cut.sequence, cut.birth, thread);
    else this.#shrink(account, cut.site, cut.bytes, cut.blocks, cut.birth);
  }

  // ---- counters ----------------------------------------------------------------------------------------------------

  /** Interval in which a block that is allocated now is born. */
  get #birth(): number {
    return this.intervals === null ? this.birth : this.intervals.openTick;
  }

  #add(account: ProcessAccount, site: number, bytes: number): void {
    this.#touch(account, site);
    this.intervals?.touch(account, site);
    account.heap.allocate(this.sites, site, bytes);
    account.heap.changedNs = this.#nowNs;
  }

  #shrink(account: ProcessAccount, site: number, bytes: number, blocks: -1 | 0 | 1, birth: number): void {
    this.#touch(account, site);
    this.intervals?.free(account, site, bytes, -blocks, birth);
    account.heap.shrink(this.sites, site, bytes, blocks);
    account.heap.changedNs = this.#nowNs;
  }

  /** Ends a block that `thread` freed; NO_THREAD: nobody was seen to. */
  #end(account: ProcessAccount, site: number, bytes: number, sequence: number, birth: number, thread: number): void {
    this.#shrink(account, site, bytes, -1, birth);
    if (thread === NO_THREAD) return;
    const { identities, sequences } = this.threads;
    const identity = identities[thread]!;
    const distance = (sequences[identity]! - sequence) >>> 0;
    if (distance > this.#farthest || birth < this.#firstBirth) return;
    if (identities[this.sites.threadOf(site)] === identity) this.#temporaries.add(site, distance, bytes);
  }

  #touch(account: ProcessAccount, site: number): void {
    this.events?.touch(account.index, account.heap.heapBytes);
    if (this.#nowNs >= account.line.dueNs) account.line.sample(account.heap, this.#nowNs);
    this.#markChanged(account, site);
  }

  #markChanged(account: ProcessAccount, site: number): void {
    if (!this.sites.markChanged(site)) return;
    account.changedSites.push(site);
    this.processes.list(account);
  }
}
