/**
 * A chunk of events as bytes: column after column, each as differences in variable length, all of it deflated.
 *
 *     times       3 5 9        ->  3 2 4          difference to the one before; a step back is a negative number
 *     owners      7 7 8        ->  7 0 1          allocations and frees apart, as sites and threads are
 *     addresses   4096 4160    ->  4096 64
 *
 * A number is zigzag (0, -1, 1, -2 … as 0, 1, 2, 3 …) in groups of seven bits, the lowest first; the top bit of a byte says
 * that more follow. Numbers are below 2^53. Times are whole nanoseconds.
 */

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { EVENT_OPERATIONS, type EventColumns } from '../model/events.ts';

/** Bytes that a number takes at most. */
const MAX_NUMBER_BYTES = 8;
const NUMBER_COLUMNS = 4;
/** At most. A reader holds one chunk at a time. */
export const EVENTS_PER_CHUNK = 65_536;

const VERSION_2 = 0x0f;

export function isReplayable(data: Uint8Array): boolean {
  return data[0] === VERSION_2;
}

/** The events [from, to). */
export function encodeEvents(events: EventColumns, from: number, to: number): Uint8Array {
  const count = to - from;
  const bytes = new Uint8Array(count * (2 + NUMBER_COLUMNS * MAX_NUMBER_BYTES));
  bytes.set(events.operations.subarray(from, to), 0);
  bytes.set(events.allocators.subarray(from, to), count);
  let at = 2 * count;
  const owners = new Float64Array(EVENT_OPERATIONS);
  const [times, addresses] = [{ last: 0 }, { last: 0 }];
  for (let i = from; i < to; i++) at = putDifference(bytes, at, times, events.times[i]!);
  for (let i = from; i < to; i++) {
    const operation = events.operations[i]!;
    at = putNumber(bytes, at, events.owners[i]! - owners[operation]!);
    owners[operation] = events.owners[i]!;
  }
  for (let i = from; i < to; i++) at = putDifference(bytes, at, addresses, events.addresses[i]!);
  for (let i = from; i < to; i++) at = putNumber(bytes, at, events.sizes[i]!);
  return Buffer.concat([Uint8Array.of(VERSION_2), deflateRawSync(bytes.subarray(0, at), { level: 1 })]);
}

/** @throws Error if the bytes are not those of `count` events. */
export function decodeEvents(data: Uint8Array, count: number): EventColumns {
  if (!(count > 0 && count <= EVENTS_PER_CHUNK)) throw new RangeError('a chunk of events has no such length');
  const most = count * (2 + NUMBER_COLUMNS * MAX_NUMBER_BYTES);
  const input = new NumberReader(inflated(isReplayable(data) ? data.subarray(1) : data, most));
  const operations = input.take(count);
  const allocators = input.take(count);
  const [times, addresses, sizes] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const owners = new Uint32Array(count);
  const last = new Float64Array(EVENT_OPERATIONS);
  for (let i = 0; i < count; i++) times[i] = (times[i - 1] ?? 0) + input.number();
  for (let i = 0; i < count; i++) {
    const operation = operations[i]!;
    if (operation >= EVENT_OPERATIONS) throw new RangeError('an event is of no kind');
    last[operation] = last[operation]! + input.number();
    owners[i] = last[operation]!;
  }
  for (let i = 0; i < count; i++) addresses[i] = (addresses[i - 1] ?? 0) + input.number();
  for (let i = 0; i < count; i++) sizes[i] = input.number();
  return { count, times, operations, allocators, owners, addresses, sizes };
}

function inflated(data: Uint8Array, maxOutputLength: number): Uint8Array {
  const { buffer, byteOffset, length } = inflateRawSync(data, { maxOutputLength });
  return new Uint8Array(buffer, byteOffset, length);
}

function putDifference(bytes: Uint8Array, at: number, column: { last: number }, value: number): number {
  const difference = value - column.last;
  column.last = value;
  return putNumber(bytes, at, difference);
}

function putNumber(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
  bytes[at++] = rest;
  return at;
}

class NumberReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new RangeError('a chunk of events is cut off');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || scale > 2 ** 49) throw new RangeError('a chunk of events is damaged');
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}
