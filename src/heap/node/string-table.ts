/** The strings of a heap snapshot. They stay in the file: only where each begins is kept, 8 bytes. */
import { readSync } from 'node:fs';
import { damaged, type JsonFile } from './json-file.ts';

const [QUOTE, BACKSLASH, CLOSE, LETTER_U] = [0x22, 0x5c, 0x29, 0x75];
/** `\u1234`. */
const LONGEST_CHARACTER = 6;

export class StringTable {
  private readonly file: number;
  private offsets = new Float64Array(1024);
  private count = 0;

  constructor(file: number) {
    this.file = file;
  }

  get length(): number {
    return this.count;
  }

  read(json: JsonFile): void {
    json.strings((offset, first, last) => {
      if (this.count === this.offsets.length) this.offsets = grown(this.offsets);
      // the sign says what isNumberedNote asks for: no string begins at 0
      this.offsets[this.count++] = isDigit(first) && last === CLOSE ? -offset : offset;
    });
  }

  /** Whether a string begins with a digit and ends with `)`, as far as can be said without reading it. */
  isNumberedNote(index: number): boolean {
    return index < this.count && this.offsets[index]! < 0;
  }

  /** At most `limit` characters of a string, and … if there are more. */
  text(index: number, limit: number): string {
    if (index >= this.count) throw damaged(`there is no string ${index}`);
    const bytes = Buffer.alloc(limit * LONGEST_CHARACTER + LONGEST_CHARACTER);
    const length = readSync(this.file, bytes, 0, bytes.length, Math.abs(this.offsets[index]!));
    let end = 0;
    let characters = 0;
    while (end < length && bytes[end] !== QUOTE && characters < limit) {
      end += lengthAt(bytes, end);
      characters++;
    }
    const isWhole = bytes[end] === QUOTE;
    try {
      return (JSON.parse(`"${bytes.toString('utf8', 0, end)}"`) as string) + (isWhole ? '' : '…');
    } catch {
      throw damaged(`string ${index} is none`);
    }
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function lengthAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== BACKSLASH) return 1;
  return bytes[at + 1] === LETTER_U ? LONGEST_CHARACTER : 2;
}

function grown(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
