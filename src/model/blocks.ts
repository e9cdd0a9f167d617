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
