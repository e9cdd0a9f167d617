/** What numbers of a chunk of events mean: see event-chunk.ts. */
import type { EventHistory } from './event-history.ts';
import { unzigzag, zigzag } from './number-streams.ts';

/** First byte of a chunk. No deflate stream begins so, as which chunks of the first version did. */
export const VERSION = 0x1f;
/** In the second byte: nothing is predicted by what is before the chunk. */
export const FRESH = 1;

/** Columns, in their order in the file. */
export const KIND = 0;
export const NEW_KIND = 1;
export const TIME = 2;
export const SIZE = 3;
export const PLACE = 4;
export const DISTANCE = 5;
export const ADDRESS = 6;
export const COLUMNS = 7;

export const KIND_BY_CONTEXT = 0;
export const KIND_BY_LAST = 1;
export const KIND_NEW = 2;
/** And above: how many kinds are newer. */
export const KIND_KNOWN = 3;

export const SIZE_LAST = 0;
export const SIZE_BEFORE = 1;
export const SIZE_OTHER = 2;

export const PLACE_LIST = 0;
export const PLACE_LAST_FREED = 1;
export const PLACE_NEXT = 2;
export const PLACE_OTHER = 3;
/** And a rank from 1 on. */
export const PLACE_LATER = 3;

export const DISTANCE_UNKNOWN = 0;

/** Half of the numbers are for multiples of 16. */
export function addressNumber(address: number, base: number): number {
  const difference = address - base;
  return difference % 16 === 0 ? 2 * zigzag(difference / 16) : 2 * zigzag(difference) + 1;
}

export function numberedAddress(number: number, base: number): number {
  return number % 2 === 0 ? base + 16 * unzigzag(number / 2) : base + unzigzag((number - 1) / 2);
}

/** Takes the block that was given out off its list, if it was found by that. */
export function leaveList(history: EventHistory, list: number, place: number): void {
  if (place === PLACE_LIST) history.removeFree(list, 0);
  else if (place > PLACE_LATER) history.removeFree(list, place - PLACE_LATER);
}
