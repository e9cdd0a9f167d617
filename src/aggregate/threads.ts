/**
 * What is known of every thread: its process, how many allocations it has made, and the block that its realloc has
 * released and not yet freed.
 *
 * An index that is added again belongs to another thread from then on, the former one has ended (see addon/thread_rows.h).
 *
 * A renamed thread has several indices, and a block may be freed under another name than it was allocated under. So counts
 * and releases belong to the thread's first index, its identity.
 */

import type { ThreadInfo } from '../model/types.ts';
import { grown } from './growable.ts';

/** Instead of the site of a released block. */
export const NOTHING_RELEASED = -1;
export const RELEASED_UNKNOWN = -2;

const NO_PROCESS = -1;
/** Allocations: more than any that are counted between those of a temporary block. */
const LONG_AGO = 2 ** 20;
const INITIAL = 64;

export class Threads {
  processes = new Int32Array(INITIAL).fill(NO_PROCESS);
  tids = new Uint32Array(INITIAL);
  identities = new Uint32Array(INITIAL);
  /** Allocations made, modulo 2^32, by identity. */
  sequences = new Uint32Array(INITIAL);
  /** Unmatched frees in a row, and the sequence at which the row stands, by identity. */
  unmatchedCounts = new Uint32Array(INITIAL);
  unmatchedSequences = new Uint32Array(INITIAL);
  /** The released block by identity: site or one of the constants above, address, size, sequence, birth. */
  releasedSites = new Int32Array(INITIAL).fill(NOTHING_RELEASED);
  releasedLow = new Int32Array(INITIAL);
  releasedHigh = new Uint32Array(INITIAL);
  releasedBytes = new Float64Array(INITIAL);
  releasedSequences = new Uint32Array(INITIAL);
  releasedBirths = new Uint32Array(INITIAL);
  /** Address of the last free, by identity. */
  freedLow = new Int32Array(INITIAL);
  freedHigh = new Uint32Array(INITIAL);

  /** Adds a thread; `identity` is the first index of the same thread, or its own. */
  add({ index, process, tid }: ThreadInfo, identity: number): void {
    this.#grow(index + 1);
    // blocks of the former thread count as allocated long ago
    if (this.processes[index] === process && identity === index)
      this.sequences[identity] = this.sequences[this.identities[index]!]!;
    this.processes[index] = process;
    this.tids[index] = tid;
    this.identities[index] = identity;
  }

  /** What the thread has allocated is not temporary, whoever frees it. */
  end(thread: number): void {
    const identity = this.identities[thread]!;
    this.sequences[identity]! += LONG_AGO;
    this.freedLow[identity] = 0;
    this.freedHigh[identity] = 0;
  }

  /** Index of the thread's process, -1 if there is no such thread. */
  processOf(thread: number): number {
    return thread < this.processes.length ? this.processes[thread]! : NO_PROCESS;
  }

  /** True if the thread is inside a realloc of this address. */
  hasReleased(thread: number, low: number, high: number): boolean {
    const identity = this.identities[thread]!;
    return (
      this.releasedSites[identity] !== NOTHING_RELEASED &&
      this.releasedLow[identity] === low &&
      this.releasedHigh[identity] === high
    );
  }

  /** Tells of every realloc that is under way and whose block is known, by the thread's identity. */
  visitReleased(visitor: (thread: number, address: number, bytes: number, site: number, birth: number) => void): void {
    for (let identity = 0; identity < this.releasedSites.length; identity++) {
      const site = this.releasedSites[identity]!;
      if (site < 0) continue;
      const address = (this.releasedLow[identity]! >>> 0) + this.releasedHigh[identity]! * 2 ** 32;
      visitor(identity, address, this.releasedBytes[identity]!, site, this.releasedBirths[identity]!);
    }
  }

  /** One that was told of by `visitReleased`. */
  restoreReleased(thread: number, address: number, bytes: number, site: number, birth: number): void {
    const identity = this.identities[thread]!;
    this.releasedSites[identity] = site;
    this.releasedLow[identity] = address | 0;
    this.releasedHigh[identity] = Math.floor(address / 2 ** 32);
    this.releasedBytes[identity] = bytes;
    this.releasedSequences[identity] = 0;
    this.releasedBirths[identity] = birth;
  }

  /** True if the thread's last free was of this address. */
  hasFreed(thread: number, low: number, high: number): boolean {
    const identity = this.identities[thread]!;
    return this.freedLow[identity] === low && this.freedHigh[identity] === high;
  }

  setFreed(thread: number, low: number, high: number): void {
    const identity = this.identities[thread]!;
    this.freedLow[identity] = low;
    this.freedHigh[identity] = high;
  }

  /** Notes an unmatched free. */
  addUnmatched(thread: number): void {
    const identity = this.identities[thread]!;
    const sequence = this.sequences[identity]!;
    if (this.unmatchedSequences[identity] !== sequence) this.unmatchedCounts[identity] = 0;
    this.unmatchedSequences[identity] = sequence;
    this.unmatchedCounts[identity]!++;
  }

  /** How many unmatched frees the thread has made since its last allocation. */
  lastUnmatched(thread: number): number {
    const identity = this.identities[thread]!;
    return this.unmatchedSequences[identity] === this.sequences[identity] ? this.unmatchedCounts[identity]! : 0;
  }

  #grow(length: number): void {
    this.processes = grown(this.processes, length, NO_PROCESS);
    this.tids = grown(this.tids, length);
    this.identities = grown(this.identities, length);
    this.sequences = grown(this.sequences, length);
    this.unmatchedCounts = grown(this.unmatchedCounts, length);
    this.unmatchedSequences = grown(this.unmatchedSequences, length);
    this.releasedSites = grown(this.releasedSites, length, NOTHING_RELEASED);
    this.releasedLow = grown(this.releasedLow, length);
    this.releasedHigh = grown(this.releasedHigh, length);
    this.releasedBytes = grown(this.releasedBytes, length);
    this.releasedSequences = grown(this.releasedSequences, length);
    this.releasedBirths = grown(this.releasedBirths, length);
    this.freedLow = grown(this.freedLow, length);
    this.freedHigh = grown(this.freedHigh, length);
  }
}
