/**
 * Every allocation and free as the aggregator saw it, with --events: enough to do the accounts once more. What is only
 * there for that (from EVENT_RELEASE on) is not shown.
 *
 *     thread 1  realloc of A begins
 *     thread 2  is given A by malloc   ->  RELEASE A by thread 1, ALLOCATE A
 *     thread 1  realloc has succeeded  ->  COMMIT A, ALLOCATE B
 *
 * If nobody else comes across A, the free of a realloc is a plain FREE A at the moment when it succeeded.
 */

/** Owner: the site. */
export const EVENT_ALLOCATE = 0;
/** Owner: the thread. */
export const EVENT_FREE = 1;
/** munmap of a range. Owner: the thread. */
export const EVENT_UNMAP = 2;
/** mmap with MAP_FIXED. Owner: the site. */
export const EVENT_ALLOCATE_FIXED = 3;
/** The block that the thread had released is freed. Owner: the thread. */
export const EVENT_COMMIT = 4;
/** The block left the table of addresses for a realloc. Owner: the thread. */
export const EVENT_RELEASE = 5;
/** The realloc failed: the block is back. Owner: the thread. */
export const EVENT_CANCEL = 6;
/** The addresses of a process are void from now on. Owner: the process. */
export const EVENT_END = 7;
/** A sample of what was allocated in V8's heap. Owner: the site. */
export const EVENT_SAMPLE = 8;

export const EVENT_OPERATIONS = 9;

/** At most in one chunk of a file. A reader holds one at a time. */
export const EVENTS_PER_CHUNK = 65_536;

/** Times are kept in steps of this: less than a probe takes. */
export const EVENT_TIME_NS = 100;

export function isShown(operation: number): boolean {
  return operation < EVENT_RELEASE;
}

export function isOfSite(operation: number): boolean {
  return operation === EVENT_ALLOCATE || operation === EVENT_ALLOCATE_FIXED || operation === EVENT_SAMPLE;
}

/** Events with an address that is given out, … */
export function isAllocation(operation: number): boolean {
  return operation === EVENT_ALLOCATE || operation === EVENT_ALLOCATE_FIXED;
}

/** … or that was. */
export function isFreeing(operation: number): boolean {
  return !isOfSite(operation) && operation !== EVENT_END;
}

export function hasSize(operation: number): boolean {
  return isOfSite(operation) || operation === EVENT_UNMAP;
}

/** Columns of `count` events, in order. */
export interface EventColumns {
  readonly count: number;
  /** Nanoseconds since the capture began; may step back a little. In the file: in steps of EVENT_TIME_NS. */
  readonly times: Float64Array;
  /** EVENT_*. */
  readonly operations: Uint8Array;
  /** The function that was called. */
  readonly allocators: Uint8Array;
  /** Index of a site, a thread or a process, see EVENT_*. */
  readonly owners: Uint32Array;
  readonly addresses: Float64Array;
  /** Requested bytes, of munmap the range that it was given; of anything else 0. */
  readonly sizes: Float64Array;
}
