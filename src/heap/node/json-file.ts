/**
 * JSON of any length, read from a file block by block. What a target wrote is not trusted: everything unexpected is a
 * UserError, and nothing is kept but what the caller keeps.
 */
import { readSync } from 'node:fs';
import { UserError } from '../../util/errors.ts';

const BLOCK_BYTES = 1 << 18;
const END = -1;
const [QUOTE, BACKSLASH, COMMA, COLON, ZERO, NINE] = [0x22, 0x5c, 0x2c, 0x3a, 0x30, 0x39];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

export function damaged(what: string): UserError {
  return new UserError(`the heap snapshot is damaged: ${what}`);
}

export class JsonFile {
  private readonly file: number;
  private readonly block = new Uint8Array(BLOCK_BYTES);
  /** Of the file, where `block` begins. */
  private start = 0;
  private length = 0;
  private at = 0;

  constructor(file: number) {
    this.file = file;
  }

  /** The members of an object, one after the other, by name as it is written: `member` reads, or skips, the value. */
  members(member: (name: string) => void): void {
    this.expect(OPEN_OBJECT);
    if (this.peek() === CLOSE_OBJECT) {
      this.at++;
      return;
    }
    do {
      if (this.peek() !== QUOTE) throw damaged(`no name at ${this.start + this.at}`);
      const name = this.text(NAME_LIMIT).slice(1, -1);
      this.expect(COLON);
      member(name);
    } while (this.isFollowed(CLOSE_OBJECT));
  }

  /** A list of whole numbers that are not negative. */
  numbers(take: (value: number) => void): void {
    this.expect(OPEN_LIST);
    if (this.peek() === CLOSE_LIST) {
      this.at++;
      return;
    }
    do take(this.number());
    while (this.isFollowed(CLOSE_LIST));
  }

  /** A list of strings: where each begins in the file, its first and its last character (0: it is empty). */
  strings(take: (offset: number, first: number, last: number) => void): void {
    this.expect(OPEN_LIST);
    if (this.peek() === CLOSE_LIST) {
      this.at++;
      return;
    }
    do {
      this.expect(QUOTE);
      const offset = this.start + this.at;
      const first = this.byte();
      take(offset, first === QUOTE ? 0 : first, first === QUOTE ? 0 : this.skipString(first));
    } while (this.isFollowed(CLOSE_LIST));
  }

  /** The next value as it is written, at most `limit` bytes of it. */
  text(limit: number): string {
    const bytes: number[] = [];
    this.value((byte) => {
      if (bytes.push(byte) > limit) throw damaged(`a value longer than ${limit} bytes`);
    });
    return Buffer.from(bytes).toString();
  }

  skip(): void {
    this.value(() => {});
  }

  private number(): number {
    let byte = this.peek();
    if (!isDigit(byte)) throw damaged(`no number at ${this.start + this.at}`);
    let value = 0;
    while (isDigit(byte)) {
      value = value * 10 + (byte - ZERO);
      this.at++;
      byte = this.at < this.length || this.refill() ? this.block[this.at]! : END;
    }
    if (!Number.isSafeInteger(value)) throw damaged(`a number too large at ${this.start + this.at}`);
    return value;
  }

  /** Any value, to its end, without recursion: it can be nested as deep as a target wants. */
  private value(take: (byte: number) => void): void {
    let depth = 0;
    this.peek();
    do {
      const byte = this.byte();
      take(byte);
      if (byte === QUOTE) this.skipString(0, take);
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
      else if (depth === 0) this.scalar(take);
    } while (depth > 0);
    if (depth < 0) throw damaged(`no value at ${this.start + this.at}`);
  }

  private scalar(take: (byte: number) => void): void {
    while (this.at < this.length || this.refill()) {
      const byte = this.block[this.at]!;
      if (byte <= 0x20 || byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT) return;
      take(byte);
      this.at++;
    }
  }

  /** Behind its first quote, or its first character; the last character. */
  private skipString(first: number, take?: (byte: number) => void): number {
    let last = first;
    let byte = first === BACKSLASH ? this.byte() : first;
    for (;;) {
      byte = this.byte();
      take?.(byte);
      if (byte === QUOTE) return last;
      last = byte;
      if (byte !== BACKSLASH) continue;
      byte = this.byte();
      take?.(byte);
    }
  }

  private isFollowed(close: number): boolean {
    const byte = this.peek();
    this.at++;
    if (byte !== COMMA && byte !== close) throw damaged(`neither an end nor more of a list at ${this.start + this.at}`);
    return byte === COMMA;
  }

  private expect(byte: number): void {
    if (this.peek() !== byte)
      throw damaged(`no ${String.fromCharCode(byte)} where one must be, at ${this.start + this.at}`);
    this.at++;
  }

  /** The next byte that is not white space. */
  private peek(): number {
    while (this.at < this.length || this.refill()) {
      const byte = this.block[this.at]!;
      if (byte > 0x20) return byte;
      this.at++;
    }
    return END;
  }

  private byte(): number {
    if (this.at >= this.length && !this.refill()) throw damaged('it ends too early');
    return this.block[this.at++]!;
  }

  private refill(): boolean {
    this.start += this.length;
    this.at = 0;
    this.length = readSync(this.file, this.block, 0, BLOCK_BYTES, this.start);
    return this.length > 0;
  }
}

/** Of a member's name. */
const NAME_LIMIT = 256;

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
