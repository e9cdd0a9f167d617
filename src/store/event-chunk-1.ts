/**
 * Chunks of events as mp wrote them at first: column after column, each as differences in variable length, all of it deflated. They are
 * still read.
 *
 *     times       3 5 9        ->  3 2 4          difference to the one before; a step back is a negative number
 *     owners      7 7 8        ->  7 0 1          allocations and frees apart, as sites and threads are
 *     addresses   4096 4160    ->  4096 64
 *
 * A number is zigzag (0, -1, 1, -2 … as 0, 1, 2, 3 …) in groups of seven bits, the lowest first; the top bit of a byte says
 * that more follow. Numbers are below 2^53. Times are whole nanoseconds.
 */

import { inflateRawSync } from 'node:zlib';
import type { EventColumns } from '../model/events.ts';

/** Bytes that a number takes at most. */
const MAX_NUMBER_BYTES = 8;
const NUMBER_COLUMNS = 4;
/** @throws Error if the bytes are not those of `count` events. */
export function decodeFirstVersion(data: Uint8Array, count: number): EventColumns {
  const most = count * (2 + NUMBER_COLUMNS * MAX_NUMBER_BYTES);
  const input = new NumberReader(inflated(data, most));
  const operations = input.take(count);
  const allocators = input.take(count);
  const [times, addresses, sizes] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  const owners = new Uint32Array(count);
  const last = [0, 0];
  for (let i = 0; i < count; i++) times[i] = (times[i - 1] ?? 0) + input.number();
  for (let i = 0; i < count; i++) {
    const operation = operations[i]! & 1;
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
