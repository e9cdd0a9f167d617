/** Single live blocks, in columns. */
import type { SiteIndex } from './accounts.ts';
import type { ProcessIndex } from './types.ts';

export interface BlockColumns {
  readonly count: number;
  readonly processes: ArrayLike<ProcessIndex>;
  readonly addresses: ArrayLike<number>;
  readonly bytes: ArrayLike<number>;
  readonly sites: ArrayLike<SiteIndex>;
}

/** One of a capture, by its ids. */
export interface LiveBlock {
  process_id: number;
  pid: number;
  address: number;
  bytes: number;
  /** Null: not known (yet). */
  stack_id: number | null;
}
