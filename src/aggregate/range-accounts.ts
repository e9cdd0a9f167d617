/**
 * What happened in a range of time, from single events. Only chunks of events are replayed that something depends on:
 *
 *     chunks      0   1   2   3   4   5   6   7   8   9
 *     states          S           S           S
 *     range             |---------------------------|
 *     replayed        ↳ 1   2       ↳ 4         ↳ 7   8   9
 *                           begin     peak              end
 *
 *     the begin    from the last state before it; what was live then, and what was allocated up to then
 *     peaks        the chunk in which a process held most, as the file knows
 *     ends         of processes: what is live then is not known later, and was not freed
 *     the end      what is live then, of that what was born in the range, and what was allocated up to then
 *
 * A state says of a block in which interval it was born. If that is where the range begins, what was live a little later
 * decides; so a few chunks more are replayed there, until no interval is open that was open at the begin.
 *
 * Without states all is replayed from the first chunk on.
 */
import type { EventColumns } from '../model/events.ts';
import type { RangeRows } from '../model/intervals.ts';
import type { EventSource } from '../model/live-state.ts';
import { Births } from './births.ts';
import { neededChunks, nextStart } from './needed-chunks.ts';
import { type Owners, Replay } from './replay.ts';
import { type NumbersOfSites, rowsOf, SiteNumbers } from './site-numbers.ts';

/** [fromNs, toNs) */
export interface AccountedRange {
  fromNs: number;
  /** Infinity: to the end. */
  toNs: number;
}

interface Peak {
  bytes: number;
  timeNs: number;
  parts: Map<number, [blocks: number, bytes: number]>;
}

/** Called before a chunk is read and when all are: so many of so many are done. */
export type Progress = (done: number, of: number) => void;

export class RangeAccounts {
  readonly #source: EventSource;
  readonly #owners: Owners;
  readonly #range: AccountedRange;
  readonly #births: Births;
  readonly #first: number;
  #replay: Replay;
  #isIn = false;
  readonly #before = new SiteNumbers();
  readonly #leaks = new SiteNumbers();
  readonly #peaks = new Map<number, Peak>();

  constructor(source: EventSource, owners: Owners, range: AccountedRange) {
    this.#source = source;
    this.#owners = owners;
    this.#range = range;
    this.#first = chunkAt(source, range.fromNs);
    this.#births = new Births(source.chunks, this.#first);
    this.#replay = this.#newReplay();
  }

  rows(onProgress?: Progress): RangeRows {
    const last = chunkAt(this.#source, this.#range.toNs);
    const needed = neededChunks(this.#source.chunks, this.#first, last, this.#births.knownFrom);
    const total = needed.filter(Boolean).length;
    let done = 0;
    for (let at = 0; at < needed.length; at++) {
      at = this.#jump(at, needed);
      if (at === needed.length) break;
      if (needed[at]) onProgress?.(done++, total);
      if (!this.#replayChunk(this.#source.read(at), at)) break;
    }
    onProgress?.(total, total);
    if (!this.#isIn) this.#begin();
    this.#collectPeaks();
    this.#replay.visitLive((_process, _address, bytes, site, birth) => this.#addLeak(bytes, site, birth));
    return rowsOf(this.#numbers());
  }

  /** On to the chunk from which the next one that is needed can be reached. */
  #jump(at: number, needed: boolean[]): number {
    const state = nextStart(this.#source, needed, at);
    if (state === at || state === needed.length) return state;
    if (this.#isIn && !this.#births.areKnown) {
      // A realloc that is under way hides which block has its address: it is waited for.
      if (this.#replay.hasReleased) {
        needed[at] = true;
        return at;
      }
      this.#births.keep(this.#replay);
    }
    if (this.#isIn) this.#collectPeaks();
    this.#replay = this.#newReplay();
    this.#replay.load((visitor) => this.#source.visitState(state, visitor), this.#births.birthOf(state));
    if (this.#isIn) this.#replay.beginRange();
    return state;
  }

  #newReplay(): Replay {
    const replay = new Replay(this.#owners);
    replay.onEnd = (_process, _address, bytes, site, birth) => this.#addLeak(bytes, site, birth);
    return replay;
  }

  /** False: the range ends in it. */
  #replayChunk(events: EventColumns, at: number): boolean {
    let from = 0;
    if (!this.#isIn) {
      from = at < this.#first ? events.count : firstAt(events, 0, this.#range.fromNs);
      this.#replay.apply(events, 0, from);
      if (from === events.count) return true;
      this.#begin();
    }
    const to = firstAt(events, from, this.#range.toNs);
    this.#replay.apply(events, from, to);
    return to === events.count;
  }

  #begin(): void {
    this.#isIn = true;
    this.#replay.beginRange();
    this.#replay.visitSites((site, _process, counters) => this.#before.addCounters(site, counters));
  }

  #addLeak(bytes: number, site: number, birth: number): void {
    if (birth === 1) this.#leaks.addLive(site, 1, bytes);
  }

  /** Of what has been replayed without a gap. Of two moments alike the later counts. */
  #collectPeaks(): void {
    const higher = new Map<number, Peak>();
    for (const [process, bytes, timeNs] of this.#replay.peaks()) {
      if (bytes < (this.#peaks.get(process)?.bytes ?? 0)) continue;
      const peak = { bytes, timeNs, parts: new Map() };
      higher.set(process, peak);
      this.#peaks.set(process, peak);
    }
    this.#replay.visitPeaks((site, process, blocks, bytes) => {
      const parts = higher.get(process)?.parts;
      if (parts === undefined || (blocks === 0 && bytes === 0)) return;
      const [otherBlocks, otherBytes] = parts.get(site) ?? [0, 0];
      parts.set(site, [otherBlocks + blocks, otherBytes + bytes]);
    });
  }

  #numbers(): NumbersOfSites {
    const after = new SiteNumbers();
    const processOf = new Map<number, number>();
    this.#replay.visitSites((site, process, counters) => {
      processOf.set(site, process);
      after.addCounters(site, counters);
    });
    return { before: this.#before, after, leaks: this.#leaks, peaks: this.#peaks, processOf };
  }
}

/** Temporary allocations of a range: see RangeRows. All of it is replayed. */
export function temporariesOf(
  source: EventSource,
  owners: Owners,
  { fromNs, toNs }: AccountedRange,
  threshold: number,
  onProgress?: Progress,
): number[][] {
  const replay = new Replay(owners, threshold);
  const first = chunkAt(source, fromNs);
  const last = chunkAt(source, toNs);
  let at = first;
  while (at > 0 && !source.hasState(at)) at--;
  if (source.chunks.length > at && source.hasState(at))
    replay.load(
      (visitor) => source.visitState(at, visitor),
      () => 0,
    );
  let isIn = false;
  for (let begin = at; at < source.chunks.length; at++) {
    onProgress?.(at - begin, last - begin);
    const events = source.read(at);
    const from = isIn ? 0 : firstAt(events, 0, fromNs);
    if (!isIn) replay.apply(events, 0, from);
    if (!isIn && from < events.count) {
      isIn = true;
      replay.beginRange();
    }
    const to = firstAt(events, from, toNs);
    replay.apply(events, from, to);
    if (to < events.count) break;
  }
  onProgress?.(1, 1);
  return [...replay.temporaries()];
}

/** The first chunk that has an event of this time or later, or has to be read to know. */
function chunkAt({ chunks }: EventSource, timeNs: number): number {
  const at = chunks.findIndex((chunk) => chunk === null || chunk.lastNs >= timeNs);
  return at < 0 ? Math.max(0, chunks.length - 1) : at;
}

/** Index of the first event from `from` on that is of this time or later. */
function firstAt({ times, count }: EventColumns, from: number, timeNs: number): number {
  for (let i = from; i < count; i++) if (times[i]! >= timeNs) return i;
  return count;
}
