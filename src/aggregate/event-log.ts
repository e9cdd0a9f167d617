/**
 * Events since the last commit, in columns: what a record says, before it is applied. The free of a realloc is that of the
 * old address at the moment when the realloc succeeded. A free that is passed on from one function to the next is one.
 *
 * They are cut into chunks, always between two records: what is said of the beginning and the end of a chunk is true when
 * just the events before it have been applied.
 */

import { FLAG_COMMITS_RELEASE, FLAG_MAP_FIXED, OPERATION } from '../model/abi.gen.ts';
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
  EVENTS_PER_CHUNK,
  type EventColumns,
} from '../model/events.ts';
import type { EventChunk } from '../model/live-state.ts';
import { grown } from './growable.ts';
import type { LiveBlocks } from './live.ts';
import type { Sites } from './sites.ts';
import { NOTHING_RELEASED, type Threads } from './threads.ts';

const HIGH = 2 ** 32;
/** No process has such addresses or sizes; what claims to is cut to this, so that numbers stay whole. */
const MAX_NUMBER = 2 ** 51;

const INITIAL = 1024;
/** A record is so many events, if nobody has come across a realloc. */
const EVENTS_PER_RECORD = 3;

/** What processes hold. */
export interface Heaps {
  heapOf(process: number): { readonly heapBytes: number };
}

export class EventLog implements EventColumns {
  count = 0;
  times = new Float64Array(INITIAL);
  operations = new Uint8Array(INITIAL);
  allocators = new Uint8Array(INITIAL);
  owners = new Uint32Array(INITIAL);
  addresses = new Float64Array(INITIAL);
  sizes = new Float64Array(INITIAL);

  readonly #sites: Sites;
  readonly #threads: Threads;
  readonly #heaps: Heaps;
  /** Reallocs that nobody has come across yet: address to thread, by its identity. */
  readonly #released = new Map<number, number>();
  readonly #perChunk: number;
  #chunks: EventChunk[] = [];
  /** The open chunk: its first event, … */
  #from = 0;
  #firstTick = 0;
  #lastNs = 0;
  #ends: number[] = [];
  /** … its number + 1, the processes that have touched their heaps, and the most that they held, by process. */
  #serial = 1;
  #touched: number[] = [];
  #serials = new Float64Array(64);
  #peaks = new Float64Array(64);

  constructor(sites: Sites, threads: Threads, heaps: Heaps, perChunk = EVENTS_PER_CHUNK) {
    this.#sites = sites;
    this.#threads = threads;
    this.#heaps = heaps;
    this.#perChunk = perChunk;
  }

  /** To be called with the open interval before a record is logged. */
  begin(openTick: number): void {
    const events = this.count - this.#from;
    if (events === 0) this.#firstTick = openTick;
    else if (events + EVENTS_PER_RECORD + this.#released.size > this.#perChunk) {
      this.#close();
      this.#firstTick = openTick;
    }
  }

  /** To be called before the heap of a process changes. */
  touch(process: number, heapBytes: number): void {
    if (this.#serials[process] !== this.#serial) this.#touchFirst(process, heapBytes);
    else if (heapBytes > this.#peaks[process]!) this.#peaks[process] = heapBytes;
  }

  #touchFirst(process: number, heapBytes: number): void {
    this.#serials = grown(this.#serials, process + 1);
    this.#peaks = grown(this.#peaks, process + 1);
    this.#serials[process] = this.#serial;
    this.#peaks[process] = heapBytes;
    this.#touched.push(process);
  }

  /** All events, in chunks; a new one begins. */
  get chunks(): readonly EventChunk[] {
    this.#close();
    return this.#chunks;
  }

  #close(): void {
    if (this.count === this.#from) return;
    const peaks = this.#touched.map((process) => {
      const bytes = Math.max(this.#peaks[process]!, this.#heaps.heapOf(process).heapBytes);
      return [process, bytes] as const;
    });
    const [from, to, ends] = [this.#from, this.count, this.#ends];
    this.#chunks.push({ from, to, firstTick: this.#firstTick, lastNs: this.#lastNs, peaks, ends });
    this.#from = this.count;
    this.#lastNs = 0;
    this.#touched = [];
    this.#ends = [];
    this.#serial++;
  }

  /** True if it holds the address of a realloc that is under way, and nobody has come across it. */
  hides(thread: number, address: number): boolean {
    return this.#released.get(address) === thread;
  }

  /** A record of a thread that is about to be applied. */
  log(blocks: LiveBlocks, thread: number, records: Uint32Array, at: number, timeNs: number): void {
    const head = records[at]!;
    const [allocator, flags] = [(head >>> 8) & 0xff, head >>> 16];
    const address = records[at + 3]! + records[at + 4]! * HIGH;
    const size = records[at + 5]! + records[at + 6]! * HIGH;
    switch (head & 0xff) {
      case OPERATION.ALLOCATE: {
        if ((flags & FLAG_COMMITS_RELEASE) !== 0) this.#commit(thread, allocator, timeNs);
        this.#expose(address, timeNs);
        const operation = (flags & FLAG_MAP_FIXED) !== 0 ? EVENT_ALLOCATE_FIXED : EVENT_ALLOCATE;
        this.#add(timeNs, operation, allocator, this.#sites.add(thread, allocator, records[at + 2]!), address, size);
        break;
      }
      case OPERATION.FREE:
        if (this.#isPassedOn(blocks, thread, records[at + 3]! | 0, records[at + 4]!)) break;
        this.#expose(address, timeNs);
        this.#add(timeNs, EVENT_FREE, allocator, thread, address, 0);
        break;
      case OPERATION.UNMAP:
        this.#add(timeNs, EVENT_UNMAP, allocator, thread, address, size);
        break;
      case OPERATION.RELEASE:
        this.#cancel(thread, timeNs);
        this.#expose(address, timeNs);
        this.#released.set(address, this.#threads.identities[thread]!);
        break;
      case OPERATION.COMMIT:
        this.#commit(thread, allocator, timeNs);
        break;
      case OPERATION.CANCEL:
        this.#cancel(thread, timeNs);
        break;
      case OPERATION.SAMPLE: {
        const site = this.#sites.add(thread, allocator, records[at + 2]!);
        this.#add(timeNs, EVENT_SAMPLE, allocator, site, 0, size);
      }
    }
  }

  /** The addresses of a process are about to be dropped. */
  logEnd(process: number, timeNs: number): void {
    for (const [address, identity] of this.#released)
      if (this.#threads.processOf(identity) === process) this.#expose(address, timeNs);
    this.#add(timeNs, EVENT_END, 0, process, 0, 0);
    this.#ends.push(process);
  }

  /** Says of a realloc that has not ended that it has begun. */
  #expose(address: number, timeNs: number): void {
    if (this.#released.size === 0) return;
    const thread = this.#released.get(address);
    if (thread === undefined) return;
    this.#released.delete(address);
    this.#add(timeNs, EVENT_RELEASE, 0, thread, address, 0);
  }

  #commit(thread: number, allocator: number, timeNs: number): void {
    const address = this.#releasedAddress(thread);
    if (address === null) return;
    const operation = this.#forget(thread, address) ? EVENT_FREE : EVENT_COMMIT;
    this.#add(timeNs, operation, allocator, thread, address, 0);
  }

  #cancel(thread: number, timeNs: number): void {
    const address = this.#releasedAddress(thread);
    if (address !== null && !this.#forget(thread, address)) this.#add(timeNs, EVENT_CANCEL, 0, thread, address, 0);
  }

  #releasedAddress(thread: number): number | null {
    const { identities, releasedSites, releasedLow, releasedHigh } = this.#threads;
    const identity = identities[thread]!;
    if (releasedSites[identity] === NOTHING_RELEASED) return null;
    return (releasedLow[identity]! >>> 0) + releasedHigh[identity]! * HIGH;
  }

  /** Ends a realloc of the thread. False if it was exposed. */
  #forget(thread: number, address: number): boolean {
    if (this.#released.get(address) !== this.#threads.identities[thread]!) return false;
    return this.#released.delete(address);
  }

  #isPassedOn(blocks: LiveBlocks, thread: number, low: number, high: number): boolean {
    if (blocks.has(low, high)) return false;
    return this.#threads.hasReleased(thread, low, high) || this.#threads.hasFreed(thread, low, high);
  }

  #add(timeNs: number, operation: number, allocator: number, owner: number, address: number, size: number): void {
    const at = this.count++;
    if (at === this.times.length) this.#grow(this.count);
    if (timeNs > this.#lastNs) this.#lastNs = timeNs;
    this.times[at] = timeNs;
    this.operations[at] = operation;
    this.allocators[at] = allocator;
    this.owners[at] = owner;
    this.addresses[at] = Math.min(address, MAX_NUMBER);
    this.sizes[at] = Math.min(size, MAX_NUMBER);
  }

  clear(): void {
    this.count = 0;
    this.#from = 0;
    this.#chunks = [];
  }

  #grow(length: number): void {
    this.times = grown(this.times, length);
    this.operations = grown(this.operations, length);
    this.allocators = grown(this.allocators, length);
    this.owners = grown(this.owners, length);
    this.addresses = grown(this.addresses, length);
    this.sizes = grown(this.sizes, length);
  }
}
