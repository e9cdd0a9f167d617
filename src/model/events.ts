/** Every allocation and free as the aggregator saw it, with --events. */

export const EVENT_ALLOCATE = 0;
export const EVENT_FREE = 1;

/** Columns of `count` events, in order. */
export interface EventColumns {
  readonly count: number;
  /** Nanoseconds since the capture began; may step back a little. */
  readonly times: Float64Array;
  /** EVENT_*. */
  readonly operations: Uint8Array;
  /** The function that was called. */
  readonly allocators: Uint8Array;
  /** Of an allocation its site, of a free the thread that made it. */
  readonly owners: Uint32Array;
  readonly addresses: Float64Array;
  /** Requested bytes; of a free 0, of munmap the range that it was given. */
  readonly sizes: Float64Array;
}
