/**
 * A column of numbers as three streams of bytes, each deflated: most numbers are small or alike, and the rest has low bits
 * that nothing predicts, which must not stand between the others.
 *
 *     number           symbol                                       high, low
 *     0 … 127          itself
 *     2^e … 2^(e+1)    128 + 2 (e - 7) + the bit below the highest  the other e - 1 bits: whole bytes of them, the lowest
 *                                                                   first, in `low`; what is left above these in `high`
 *
 *     300 = 0b1_0_0101100    symbol 130, high 0b0101100
 *
 * A stream is its length in groups of seven bits (the lowest first, the top bit says that more follow) and a raw deflate
 * stream of that length; of length 0: no bytes.
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

const FIRST_CLASS = 128;
const FIRST_EXPONENT = 7;
/** Numbers are below 2^53. */
const LAST_EXPONENT = 52;
/** Of 51 bits. */
const MOST_LOW_BYTES = 6;

/** FILTERED: bytes that only look alike stay apart, which is shorter for what is random, and not much longer for the rest. */
const SIMILAR = { level: 5, strategy: constants.Z_FILTERED };
const NOISE = { level: 1 };

class Bytes {
  bytes = new Uint8Array(1024);
  length = 0;

  push(byte: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
  }

  /** What was pushed, deflated; begins anew. */
  take(options: object): Uint8Array {
    const { length } = this;
    this.length = 0;
    return length === 0 ? this.bytes.subarray(0, 0) : deflateRawSync(this.bytes.subarray(0, length), options);
  }
}

export class NumberWriter {
  readonly #symbols = new Bytes();
  readonly #high = new Bytes();
  readonly #low = new Bytes();

  /** @param value a whole number from 0 to 2^53 - 1 */
  put(value: number): void {
    if (value < FIRST_CLASS) {
      this.#symbols.push(value);
      return;
    }
    const exponent = exponentOf(value);
    const half = 2 ** (exponent - 1);
    const isUpper = value >= 3 * half ? 1 : 0;
    this.#symbols.push(FIRST_CLASS + 2 * (exponent - FIRST_EXPONENT) + isUpper);
    let rest = value - (2 + isUpper) * half;
    let bits = exponent - 1;
    for (; bits >= 8; bits -= 8) {
      this.#low.push(rest % 256);
      rest = Math.floor(rest / 256);
    }
    if (bits > 0) this.#high.push(rest);
  }

  /** What was put, as three streams; begins anew. */
  finish(): Uint8Array[] {
    const streams = [this.#symbols.take(SIMILAR), this.#high.take(SIMILAR), this.#low.take(NOISE)];
    return streams.flatMap((stream) => [lengthBytes(stream.length), stream]);
  }
}

function exponentOf(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(value / 2 ** 32);
}

function lengthBytes(length: number): Uint8Array {
  const bytes: number[] = [];
  let rest = length;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.of(...bytes, rest);
}

/** Streams one after the other. */
export class StreamReader {
  readonly #data: Uint8Array;
  #at: number;

  constructor(data: Uint8Array, at: number) {
    this.#data = data;
    this.#at = at;
  }

  /** The next stream's bytes, of which there may be so many. */
  next(most: number): Uint8Array {
    const length = this.#length();
    if (length > this.#data.length - this.#at) throw new RangeError('a stream is cut off');
    this.#at += length;
    if (length === 0) return new Uint8Array(0);
    // One more, for the driver takes 0 for no limit.
    const {
      buffer,
      byteOffset,
      length: found,
    } = inflateRawSync(this.#data.subarray(this.#at - length, this.#at), {
      maxOutputLength: most + 1,
    });
    return new Uint8Array(buffer, byteOffset, found);
  }

  #length(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError('a stream has no length');
  }
}

export class NumberReader {
  readonly #symbols: Uint8Array;
  readonly #high: Uint8Array;
  readonly #low: Uint8Array;
  #symbol = 0;
  #highAt = 0;
  #lowAt = 0;

  /** @param most so many numbers at most */
  constructor(streams: StreamReader, most: number) {
    this.#symbols = streams.next(most);
    this.#high = streams.next(most);
    this.#low = streams.next(most * MOST_LOW_BYTES);
  }

  /** @throws RangeError if there is none left */
  next(): number {
    const symbol = byteAt(this.#symbols, this.#symbol++);
    if (symbol < FIRST_CLASS) return symbol;
    const exponent = FIRST_EXPONENT + ((symbol - FIRST_CLASS) >> 1);
    if (exponent > LAST_EXPONENT) throw new RangeError('a number is too large');
    let value = 0;
    let scale = 1;
    let bits = exponent - 1;
    for (; bits >= 8; bits -= 8, scale *= 256) value += byteAt(this.#low, this.#lowAt++) * scale;
    if (bits > 0) value += (byteAt(this.#high, this.#highAt++) & ((1 << bits) - 1)) * scale;
    return value + (2 + (symbol & 1)) * 2 ** (exponent - 1);
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new RangeError('a stream has ended');
  return bytes[at]!;
}

export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
