/**
 * Chunks of events: what is in them is said by what came before, in the same chunk or an earlier one, so they are read in
 * order. Numbers of events stand in columns (number-streams.ts), one after the other:
 *
 *     kind          operation, function and owner as one: what followed the last three kinds, or the last one, when these
 *                   were last seen; a new kind; or how many kinds are newer
 *     new kind      (owner * 256 + function) * 9 + operation
 *     time          difference to the one before, in steps of EVENT_TIME_NS, the sign in the lowest bit
 *     size          the last of its kind, the one before that, or the size
 *     place         of an allocation: first in the list of free blocks of its size, what was freed last, behind the last
 *                   allocation, anywhere, or further down in the list
 *     distance      of a free: how many allocations ago its block was allocated, if that is remembered
 *     address       where nothing of this holds: difference to the last allocation
 *
 *     malloc(24) -> A by site 7, free(A), malloc(24) -> A by site 7    kind     new new other 1    new kind  of both
 *                                                                      place    other list         address   of A
 *                                                                      size     24 last            distance  1
 *
 * All that is remembered: event-history.ts; the meaning of numbers: event-format.ts. A chunk is a byte VERSION, a byte of
 * flags (FRESH: nothing before it counts), and the columns. addon/sqlite/ reads the same, for other SQLite clients.
 */

import { EVENTS_PER_CHUNK, type EventColumns } from '../model/events.ts';
import { decodeFirstVersion } from './event-chunk-1.ts';
import { EventDecoder } from './event-decoder.ts';
import { VERSION } from './event-format.ts';

/** True if chunks say all that is needed to do the accounts once more. */
export function isReplayable(data: Uint8Array): boolean {
  return data[0] === VERSION;
}

/** Reads the chunks of a capture, of whatever version, from the first to the last. */
export class EventReader {
  readonly #decoder = new EventDecoder();

  /** @throws Error if the bytes are not those of `count` events. */
  decode(data: Uint8Array, count: number): EventColumns {
    if (!(count > 0 && count <= EVENTS_PER_CHUNK)) throw new RangeError('a chunk of events has no such length');
    return isReplayable(data) ? this.#decoder.decode(data, count) : decodeFirstVersion(data, count);
  }
}
