/**
 * What sites did in intervals of time, from which every question about a range of them is answered to the byte.
 *
 *     tick            0                    1                2
 *     events          A +10  A +5  A -10   B +7  A -5       A +1
 *     closed with 0   A: 2 blocks, 15 bytes, of them 1 block, 10 bytes freed at once; at the peak A had 2, 15 more than
 *                     at the beginning
 *     closed with 1   B: 1, 7; A freed 1 block, 5 bytes that were born at 0; at the peak (12) B had 7 more
 *
 *     leaks of [0, 2) are what was born in it, 15 + 7, less what of that was freed in it, 10 + 5: B's 7. The high watermark
 *     of [1, 2) is what was live at 1 and what changed up to the moment of the peak.
 *
 * An allocation costs a look at the second line of its site: the counters when the interval began are kept there, and what
 * was allocated is the difference when it closes. A free of a block from an earlier interval is counted in a cell of its own.
 * The peak of the interval, and what each site held then, is found as in high-watermark.ts.
 *
 * Events count in the interval in which they are applied: the order of records, not their time, decides in the rare case
 * that one was reported late.
 */

import { type ClosedIntervals, TICK_NS } from '../model/intervals.ts';
import { FreedCells } from './freed-cells.ts';
import { grown } from './growable.ts';
import type { HighWatermark } from './high-watermark.ts';
import { RowBuffer } from './row-buffer.ts';
import {
  ALLOCATED_BYTES,
  ALLOCATIONS,
  BRIEF_BLOCKS,
  BRIEF_BYTES,
  INTERVAL,
  INTERVAL_GENERATION,
  KEPT_BLOCKS,
  KEPT_BYTES,
  LIVE_ALLOCATIONS,
  LIVE_BYTES,
  SITE_DOUBLES,
  SITE_WORDS,
  type Sites,
  START_ALLOCATED_BYTES,
  START_ALLOCATIONS,
  START_BLOCKS,
  START_BYTES,
} from './sites.ts';

/** 20,000 rows a second are a twentieth of the writer's time. After more, by five seconds' worth, intervals get wider. */
const ROWS_PER_TICK = 200;
const BURST_TICKS = 500;
const NOTHING_KEPT = 0;

/** The high watermark of one process in the open interval. */
export class IntervalPeak {
  /** The interval that the rest is about. */
  tick = -1;
  bytes = 0;
  timeNs = 0;
  generation = 0;
}

/** What is needed of a process. */
export interface IntervalAccount {
  readonly index: number;
  readonly heap: HighWatermark;
  readonly intervalPeak: IntervalPeak;
}

export class Intervals implements ClosedIntervals {
  widthTicks = 1;
  /** Where the open interval begins. A block that is allocated now was born here. */
  openTick = 0;
  /** When it ends. */
  endNs = TICK_NS;
  #endTick = 1;
  readonly sites = new RowBuffer(8);
  readonly frees = new RowBuffer(5);
  readonly peaks = new RowBuffer(4);
  readonly #sites: Sites;
  readonly #rowsPerTick: number;
  #allowedRows: number;
  readonly #freed = new FreedCells();
  /** Sites of the open interval, and whose they are. */
  #active = new Uint32Array(64);
  readonly #accountOf: IntervalAccount[] = [];
  #count = 0;
  #touched: IntervalAccount[] = [];
  #generation = NOTHING_KEPT;

  /** @param rowsPerTick what may be written in the long run */
  constructor(sites: Sites, rowsPerTick = ROWS_PER_TICK) {
    this.#sites = sites;
    this.#rowsPerTick = rowsPerTick;
    this.#allowedRows = rowsPerTick * BURST_TICKS;
  }

  /** Goes on to the interval of this time, if it lies behind the open one. */
  advance(timeNs: number): void {
    if (timeNs < this.endNs) return;
    const closedTick = this.#endTick;
    this.#write();
    const tick = Math.floor(timeNs / TICK_NS);
    // An interval that has just become wider would begin in the one that was closed.
    this.#open(Math.max(closedTick, tick - (tick % this.widthTicks)));
  }

  widen(): void {
    this.widthTicks *= 2;
    this.#open(this.openTick);
  }

  close(): void {
    const closedTick = this.#endTick;
    this.#write();
    this.#open(closedTick);
  }

  #open(tick: number): void {
    this.openTick = tick;
    this.#endTick = (Math.floor(tick / this.widthTicks) + 1) * this.widthTicks;
    this.endNs = this.#endTick * TICK_NS;
  }

  committed(): void {
    this.sites.clear();
    this.frees.clear();
    this.peaks.clear();
  }

  /** To be called before a site allocates. */
  touch(account: IntervalAccount, site: number): void {
    if (account.intervalPeak.tick !== this.openTick) this.#beginProcess(account);
    this.#keep(account, site);
  }

  /** To be called before a block, or part of one, that was born at `birth` is taken from a site. */
  free(account: IntervalAccount, site: number, bytes: number, blocks: number, birth: number): void {
    const { heap, intervalPeak: peak } = account;
    if (peak.tick !== this.openTick) this.#beginProcess(account);
    if (heap.heapBytes >= peak.bytes) this.#leave(heap, peak);
    this.#keep(account, site);
    if (birth === this.openTick) {
      this.#sites.doubles[site * SITE_DOUBLES + BRIEF_BYTES]! += bytes;
      this.#sites.words[site * SITE_WORDS + BRIEF_BLOCKS]! += blocks;
    } else {
      this.#freed.add(site, birth & -this.widthTicks, blocks, bytes);
    }
  }

  #beginProcess(account: IntervalAccount): void {
    const { heap, intervalPeak: peak } = account;
    peak.tick = this.openTick;
    peak.bytes = heap.heapBytes;
    this.#leave(heap, peak);
    this.#touched.push(account);
  }

  #leave(heap: HighWatermark, peak: IntervalPeak): void {
    peak.bytes = heap.heapBytes;
    peak.timeNs = Math.max(heap.changedNs, this.openTick * TICK_NS);
    this.#generation = (this.#generation + 1) >>> 0 || 1;
    peak.generation = this.#generation;
  }

  /** Keeps what the site holds, unless it has changed since the peak was left. */
  #keep(account: IntervalAccount, site: number): void {
    const { doubles, words } = this.#sites;
    const at = site * SITE_WORDS;
    if (words[at + INTERVAL] !== this.openTick + 1) this.#begin(account, site);
    const { generation } = account.intervalPeak;
    if (words[at + INTERVAL_GENERATION] === generation) return;
    words[at + INTERVAL_GENERATION] = generation;
    words[at + KEPT_BLOCKS] = words[at + LIVE_ALLOCATIONS]!;
    doubles[site * SITE_DOUBLES + KEPT_BYTES] = doubles[site * SITE_DOUBLES + LIVE_BYTES]!;
  }

  #begin(account: IntervalAccount, site: number): void {
    const { doubles, words } = this.#sites;
    const [double, word] = [site * SITE_DOUBLES, site * SITE_WORDS];
    words[word + INTERVAL] = this.openTick + 1;
    doubles[double + START_ALLOCATIONS] = doubles[double + ALLOCATIONS]!;
    doubles[double + START_ALLOCATED_BYTES] = doubles[double + ALLOCATED_BYTES]!;
    doubles[double + START_BYTES] = doubles[double + LIVE_BYTES]!;
    doubles[double + BRIEF_BYTES] = 0;
    words[word + START_BLOCKS] = words[word + LIVE_ALLOCATIONS]!;
    words[word + BRIEF_BLOCKS] = 0;
    words[word + INTERVAL_GENERATION] = NOTHING_KEPT;
    this.#active = grown(this.#active, this.#count + 1);
    this.#active[this.#count] = site;
    this.#accountOf[this.#count++] = account;
  }

  #write(): void {
    const before = this.sites.count + this.frees.count;
    const tick = this.openTick;
    for (let i = 0; i < this.#count; i++) this.#writeSite(this.#accountOf[i]!, this.#active[i]!);
    for (const { index, heap, intervalPeak: peak } of this.#touched) {
      if (heap.heapBytes >= peak.bytes) this.#leave(heap, peak);
      this.peaks.push(tick, index, peak.bytes, peak.timeNs);
    }
    this.#freed.drain((site, birth, blocks, bytes) => this.frees.push(tick, site, birth, blocks, bytes));
    this.#count = 0;
    this.#touched = [];
    this.#limit(this.sites.count + this.frees.count - before);
  }

  /** `rows` are those of the interval that is being closed. */
  #limit(rows: number): void {
    const most = this.#rowsPerTick * BURST_TICKS;
    const earned = (this.#endTick - this.openTick) * this.#rowsPerTick;
    this.#allowedRows = Math.min(most, this.#allowedRows + earned - rows);
    if (this.#allowedRows >= 0) return;
    this.widen();
    this.#allowedRows = most;
  }

  #writeSite({ heap, intervalPeak: peak }: IntervalAccount, site: number): void {
    const { doubles, words } = this.#sites;
    const [double, word] = [site * SITE_DOUBLES, site * SITE_WORDS];
    const isKept = heap.heapBytes < peak.bytes && words[word + INTERVAL_GENERATION] === peak.generation;
    const peakBytes = doubles[double + (isKept ? KEPT_BYTES : LIVE_BYTES)]! - doubles[double + START_BYTES]!;
    const peakBlocks = words[word + (isKept ? KEPT_BLOCKS : LIVE_ALLOCATIONS)]! - words[word + START_BLOCKS]!;
    const allocations = doubles[double + ALLOCATIONS]! - doubles[double + START_ALLOCATIONS]!;
    const bytes = doubles[double + ALLOCATED_BYTES]! - doubles[double + START_ALLOCATED_BYTES]!;
    // Of a mapping with a hole, one more block is left than there was: a number below 0.
    const briefBlocks = words[word + BRIEF_BLOCKS]! | 0;
    const briefBytes = doubles[double + BRIEF_BYTES]!;
    if (allocations === 0 && briefBlocks === 0 && briefBytes === 0 && peakBlocks === 0 && peakBytes === 0) return;
    this.sites.push(this.openTick, site, allocations, bytes, briefBlocks, briefBytes, peakBlocks, peakBytes);
  }
}
