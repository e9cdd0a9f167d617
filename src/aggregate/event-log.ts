/**
 * Events since the last commit, in columns: what a record says, before it is applied. The free of a realloc is that of the
 * old address at the moment when the realloc succeeded. A free that is passed on from one function to the next is one.
 */

import { FLAG_COMMITS_RELEASE, OPERATION } from '../model/abi.gen.ts';
import { EVENT_ALLOCATE, EVENT_FREE, type EventColumns } from '../model/events.ts';
import { grown } from './growable.ts';
import type { LiveBlocks } from './live.ts';
import type { Sites } from './sites.ts';
import { NOTHING_RELEASED, type Threads } from './threads.ts';

const HIGH = 2 ** 32;
/** No process has such addresses or sizes; what claims to is cut to this, so that numbers stay whole. */
const MAX_NUMBER = 2 ** 51;

const INITIAL = 1024;

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

  constructor(sites: Sites, threads: Threads) {
    this.#sites = sites;
    this.#threads = threads;
  }

  log(blocks: LiveBlocks, thread: number, records: Uint32Array, at: number, timeNs: number): void {
    const head = records[at]!;
    const allocator = (head >>> 8) & 0xff;
    const address = records[at + 3]! + records[at + 4]! * HIGH;
    const size = records[at + 5]! + records[at + 6]! * HIGH;
    switch (head & 0xff) {
      case OPERATION.ALLOCATE: {
        if (((head >>> 16) & FLAG_COMMITS_RELEASE) !== 0) this.#logRelease(thread, allocator, timeNs);
        const site = this.#sites.add(thread, allocator, records[at + 2]!);
        this.#add(timeNs, EVENT_ALLOCATE, allocator, site, address, size);
        break;
      }
      case OPERATION.COMMIT:
        this.#logRelease(thread, allocator, timeNs);
        break;
      case OPERATION.UNMAP:
        this.#add(timeNs, EVENT_FREE, allocator, thread, address, size);
        break;
      case OPERATION.FREE:
        if (!this.#isPassedOn(blocks, thread, records[at + 3]! | 0, records[at + 4]!))
          this.#add(timeNs, EVENT_FREE, allocator, thread, address, 0);
    }
  }

  #logRelease(thread: number, allocator: number, timeNs: number): void {
    const identity = this.#threads.identities[thread]!;
    if (this.#threads.releasedSites[identity] === NOTHING_RELEASED) return;
    const address = (this.#threads.releasedLow[identity]! >>> 0) + this.#threads.releasedHigh[identity]! * HIGH;
    this.#add(timeNs, EVENT_FREE, allocator, thread, address, 0);
  }

  #isPassedOn(blocks: LiveBlocks, thread: number, low: number, high: number): boolean {
    if (blocks.has(low, high)) return false;
    return this.#threads.hasReleased(thread, low, high) || this.#threads.hasFreed(thread, low, high);
  }

  #add(timeNs: number, operation: number, allocator: number, owner: number, address: number, size: number): void {
    const at = this.count++;
    if (at === this.times.length) this.#grow(this.count);
    this.times[at] = timeNs;
    this.operations[at] = operation;
    this.allocators[at] = allocator;
    this.owners[at] = owner;
    this.addresses[at] = Math.min(address, MAX_NUMBER);
    this.sizes[at] = Math.min(size, MAX_NUMBER);
  }

  clear(): void {
    this.count = 0;
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
