/** The address of a symbol in an ELF file of x86-64, as `struct Elf64_Sym` has it (elf(5)); no relocation is added. */
import { fstatSync, readSync } from 'node:fs';

const [HEADER_BYTES, SECTION_BYTES, SYMBOL_BYTES] = [64, 64, 24];
const [SYMBOLS, DYNAMIC_SYMBOLS] = [2, 11];
/** A file that says more is damaged. */
const MOST_SECTIONS = 0xffff;
const MOST_NAME_BYTES = 1 << 28;
const BLOCK_BYTES = SYMBOL_BYTES << 14;

interface Section {
  type: number;
  offset: number;
  size: number;
  /** Of symbols: the section with their names. */
  link: number;
}

/** null if the file has no such symbol, or is no ELF file. */
export function symbolAddress(file: number, name: string, kind: 'static' | 'dynamic'): number | null {
  const sections = sectionsOf(file);
  const symbols = sections.find(({ type }) => type === (kind === 'static' ? SYMBOLS : DYNAMIC_SYMBOLS));
  const names = symbols && sections[symbols.link];
  if (!symbols || !names || names.size > MOST_NAME_BYTES) return null;
  const offsets = offsetsOf(read(file, names.offset, names.size), name);
  if (offsets.size === 0) return null;
  for (let done = 0; done < symbols.size; done += BLOCK_BYTES) {
    const block = read(file, symbols.offset + done, Math.min(BLOCK_BYTES, symbols.size - done));
    for (let at = 0; at + SYMBOL_BYTES <= block.length; at += SYMBOL_BYTES) {
      if (offsets.has(block.readUInt32LE(at))) return wordAt(block, at + 8);
    }
    if (block.length === 0) return null;
  }
  return null;
}

/** Whether addresses in the file are where it is loaded, and not relative to that. */
export function isLoadedWhereItSays(file: number): boolean {
  const EXECUTABLE = 2;
  return headerOf(file)?.readUInt16LE(16) === EXECUTABLE;
}

function headerOf(file: number): Buffer | null {
  const header = read(file, 0, HEADER_BYTES);
  const isElf64 = header.length === HEADER_BYTES && header.toString('latin1', 0, 6) === '\x7fELF\x02\x01';
  return isElf64 ? header : null;
}

function sectionsOf(file: number): Section[] {
  const header = headerOf(file);
  if (header === null || header.readUInt16LE(58) !== SECTION_BYTES) return [];
  const count = Math.min(header.readUInt16LE(60), MOST_SECTIONS);
  const table = read(file, wordAt(header, 40), count * SECTION_BYTES);
  return Array.from({ length: Math.floor(table.length / SECTION_BYTES) }, (_, i) => {
    const at = i * SECTION_BYTES;
    return {
      type: table.readUInt32LE(at + 4),
      offset: wordAt(table, at + 24),
      size: wordAt(table, at + 32),
      link: table.readUInt32LE(at + 40),
    };
  });
}

/** Where in a table of names one is; it can be the end of a longer one. */
function offsetsOf(names: Buffer, name: string): Set<number> {
  const wanted = Buffer.from(`${name}\0`);
  const offsets = new Set<number>();
  for (let at = names.indexOf(wanted); at >= 0; at = names.indexOf(wanted, at + 1)) offsets.add(at);
  return offsets;
}

function wordAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

/** As much as there is. */
function read(file: number, offset: number, length: number): Buffer {
  const { size } = fstatSync(file);
  if (offset >= size) return Buffer.alloc(0);
  const bytes = Buffer.alloc(Math.min(length, size - offset));
  let done = 0;
  for (let got = -1; done < bytes.length && got !== 0; done += got)
    got = readSync(file, bytes, done, bytes.length - done, offset + done);
  return bytes.subarray(0, done);
}
