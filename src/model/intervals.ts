/**
 * The grid of time on which sites are recorded. Times on it are ticks since the capture began; an interval is a power of
 * two of them, and begins at a multiple of its width.
 */

/** Width of a tick, and of an interval at first, in nanoseconds. */
export const TICK_NS = 10e6;

/** What closed intervals have left to be written, as rows of numbers. A later row never changes an earlier one. */
export interface ClosedIntervals {
  /** Of the interval that is open, in ticks. */
  readonly widthTicks: number;
  /** Where the open interval begins: everything before is closed. */
  readonly openTick: number;
  /**
   * Tick, site, allocations, bytes; those of them that were freed in the same interval; what the site held at the
   * interval's high watermark of its process, less what it held when the interval began: blocks, bytes.
   */
  readonly sites: NumberRows;
  /** Blocks freed later than in the interval that they were allocated in: tick, site, tick of the allocation, blocks, bytes. */
  readonly frees: NumberRows;
  /** High watermarks: tick, process, bytes, time in nanoseconds. */
  readonly peaks: NumberRows;
  /** Makes intervals twice as wide, from the open one on. */
  widen(): void;
  /** Closes the open interval: nothing will follow. */
  close(): void;
}

export interface NumberRows extends Iterable<number[]> {
  readonly count: number;
}

/** What sites did before a range of time, as tick 0, and in it, as tick 1: rows as of ClosedIntervals. */
export interface RangeRows {
  sites: number[][];
  frees: number[][];
  peaks: number[][];
}
