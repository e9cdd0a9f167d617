/**
 * What mp was started with, byte for byte: a target of `mp run` gets it as if mp were not there. Node shows its arguments
 * and variables as strings, which not all bytes survive, and has changed the rest; bin/mp has noted that in MP_CALLER.
 */
import { readFileSync } from 'node:fs';

export interface Caller {
  /** All arguments of the process, Node's and mp's own first. */
  args: Buffer[];
  /** `NAME=value` each. */
  environment: Buffer[];
  /** Soft limit of open files; null: unknown. */
  openFilesLimit: number | null;
  inheritedFiles: number[];
  /** Signal numbers. */
  ignoredSignals: number[];
  blockedSignals: number[];
}

const NOTE = 'MP_CALLER';
/** Of variables that bin/mp has hidden from mp's own Node. */
const HIDDEN = Buffer.from(`${NOTE}:`);
const STANDARD_FILES = [0, 1, 2];

export function readCaller(): Caller {
  return {
    args: splitAtZeros(readFileSync('/proc/self/cmdline')),
    environment: environmentOfCaller(splitAtZeros(readFileSync('/proc/self/environ'))),
    ...parseNote(process.env[NOTE] ?? ''),
  };
}

/** Without the note, and with the variables of Node under their names. */
export function environmentOfCaller(environment: Buffer[]): Buffer[] {
  const startsWith = (variable: Buffer, prefix: Buffer) => variable.subarray(0, prefix.length).equals(prefix);
  const note = Buffer.from(`${NOTE}=`);
  return environment
    .filter((variable) => !startsWith(variable, note))
    .map((variable) => (startsWith(variable, HIDDEN) ? variable.subarray(HIDDEN.length) : variable));
}

/** `a\0b\0` → [a, b]. */
export function splitAtZeros(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let begin = 0; begin < bytes.length; ) {
    const end = bytes.indexOf(0, begin);
    parts.push(bytes.subarray(begin, end === -1 ? bytes.length : end));
    begin = end === -1 ? bytes.length : end + 1;
  }
  return parts;
}

/** `limit=1024 files=0,1,2 ignored=1 blocked=`, see bin/mp.c. */
export function parseNote(note: string): Omit<Caller, 'args' | 'environment'> {
  const fields = new Map(note.split(' ').map((field) => field.split('=') as [string, string]));
  const numbers = (name: string) => (fields.get(name) || '').split(',').filter(Boolean).map(Number);
  return {
    openFilesLimit: numbers('limit')[0] ?? null,
    inheritedFiles: fields.has('files') ? numbers('files') : STANDARD_FILES,
    ignoredSignals: numbers('ignored'),
    blockedSignals: numbers('blocked'),
  };
}
