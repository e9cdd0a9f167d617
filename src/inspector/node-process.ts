/** Which processes are Nodes, what they were started with, and whether SIGUSR1 reaches Node itself in them. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { isLoadedWhereItSays, symbolAddress } from './elf-symbol.ts';

const SIGUSR1 = 10;

/** In the program itself, or in a library that it has loaded. */
export function isNode(pid: number): boolean {
  return nodeFile(pid) !== null;
}

interface NodeFile {
  path: string;
  /** Of the library; null: it is the program. */
  map: string | null;
}

function nodeFile(pid: number): NodeFile | null {
  const library = /^\w+-\w+ \S+ 0+ \S+ \d+ +(\/.*\/libnode\.so[.\d]*)$/m.exec(textOf(`/proc/${pid}/maps`));
  if (library) return { path: `/proc/${pid}/root${library[1]}`, map: library[0] };
  const path = `/proc/${pid}/exe`;
  // every Node exports it for its addons
  return symbolIn(path, 'node_module_register', 'dynamic') === null ? null : { path, map: null };
}

/** argv and NODE_OPTIONS, as words. */
export function nodeOptions(pid: number): string[] {
  const environment = textOf(`/proc/${pid}/environ`).split('\0');
  const inherited = environment.find((variable) => variable.startsWith('NODE_OPTIONS='))?.slice(13) ?? '';
  return [...inherited.split(/\s+/), ...textOf(`/proc/${pid}/cmdline`).split('\0').slice(1)].filter(
    (word) => word !== '',
  );
}

/** What becomes of a SIGUSR1: only `node` may be sent one. */
export type SignalHandler = 'node' | 'program' | 'none' | 'unknown';

/** Node's own handler opens the inspector; one of the program (process.on) replaces it; where there is none it ends. */
export function signalHandler(pid: number): SignalHandler {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  if (caught === undefined || (BigInt(`0x${caught}`) & (1n << BigInt(SIGUSR1 - 1))) === 0n) return 'none';
  if (nodeOptions(pid).includes('--disable-sigusr1')) return 'program';
  const numbers = watchedSignals(pid);
  if (numbers === null) return 'unknown';
  return numbers.includes(SIGUSR1) ? 'program' : 'node';
}

/**
 * The signals that JavaScript listens to: libuv has a tree of its handles, `uv__signal_tree` (src/unix/signal.c). Those
 * are `struct uv_signal_s` (include/uv.h): the handle, 96 bytes, a callback, the number, left and right in the tree.
 */
const HANDLE = { bytes: 128, number: 104, left: 112, right: 120 };
const MOST_HANDLES = 4096;

/** null if they can't be found. */
function watchedSignals(pid: number): number[] | null {
  const file = nodeFile(pid);
  const symbol = file && symbolIn(file.path, 'uv__signal_tree', 'static');
  if (!file || symbol === null) return null;
  const numbers: number[] = [];
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const pending = [wordAt(memory, symbol + loadedAt(file))];
      for (let read = 0; pending.length > 0; read++) {
        const address = pending.pop()!;
        if (address === 0) continue;
        if (read > MOST_HANDLES) return null;
        const handle = bytesAt(memory, address, HANDLE.bytes);
        numbers.push(handle.readInt32LE(HANDLE.number));
        pending.push(Number(handle.readBigUInt64LE(HANDLE.left)), Number(handle.readBigUInt64LE(HANDLE.right)));
      }
    } finally {
      closeSync(memory);
    }
  } catch {
    return null;
  }
  return numbers.every((number) => number > 0 && number <= 64) ? numbers : null;
}

function loadedAt({ path, map }: NodeFile): number {
  const file = openSync(path, 'r');
  try {
    if (isLoadedWhereItSays(file)) return 0;
  } finally {
    closeSync(file);
  }
  if (map === null) throw new Error('a program that can be anywhere');
  return Number.parseInt(map, 16);
}

function wordAt(memory: number, address: number): number {
  return Number(bytesAt(memory, address, 8).readBigUInt64LE());
}

function bytesAt(memory: number, address: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (readSync(memory, bytes, 0, length, address) !== length) throw new Error('not mapped');
  return bytes;
}

function symbolIn(path: string, name: string, kind: 'static' | 'dynamic'): number | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    return symbolAddress(file, name, kind);
  } finally {
    closeSync(file);
  }
}

/** Empty if it can't be read. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
