/** Where reports go. Reports are given an `Output` and never touch a stream, so that a test can read what they print. */
import { realpathSync, writeSync } from 'node:fs';
import { UserError } from './errors.ts';
import { type Chunk, type Content, createNewFile, isReplaceable, ownerUnderSudo, writeToDevice } from './new-file.ts';
import { parseAddress } from './snapshot-address.ts';

export interface Output {
  /** The report itself. */
  out(text: Chunk): void;
  /** The same of a report that comes in parts, no faster than they are read. */
  outAll?(parts: Iterable<Chunk>): void;
  /** Everything about the tool. */
  err(text: string): void;
  /** Of the report's stream. */
  isTTY: boolean;
  columns: number;
  color: boolean;
}

/** The part of a `tty.WriteStream` that is used. */
export interface OutputStream {
  write(text: Chunk): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  fd?: number;
}

/** Width of a report that goes to a file or a pipe and of which nobody said how wide it is. */
const DEFAULT_COLUMNS = 120;

/** Output on the standard streams. A reader that goes away (`mp table … | head`) silently ends the report. */
export function streamOutput(stdout: OutputStream, stderr: OutputStream, env: NodeJS.ProcessEnv): Output {
  const isTTY = stdout.isTTY === true;
  return {
    out: quietWriter(stdout),
    ...(stdout.fd === undefined ? {} : { outAll: writeParts.bind(null, stdout.fd) }),
    err: quietWriter(stderr),
    isTTY,
    columns: (isTTY ? stdout.columns : Number.parseInt(env.COLUMNS ?? '', 10)) || DEFAULT_COLUMNS,
    color: isTTY && !env.NO_COLOR && env.TERM !== 'dumb',
  };
}

function quietWriter(stream: OutputStream): (text: Chunk) => void {
  let isOpen = true;
  stream.on('error', (error) => {
    isOpen = false;
    if (error.code !== 'EPIPE') throw unwritable(error);
  });
  return (text) => {
    if (isOpen) stream.write(text);
  };
}

function unwritable({ message }: Error): UserError {
  return new UserError(`cannot write the output: ${message.replace(/^\w+: |, write$/g, '')}`);
}

/** Ends silently, and asks for no more parts, when the reader has gone. */
function writeParts(file: number, parts: Iterable<Chunk>): void {
  for (const part of parts) {
    let rest: Uint8Array = Buffer.from(part as string);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(file, rest));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EPIPE') return;
        // Node makes pipes non-blocking: the reader is slower.
        if (code === 'EAGAIN') sleep(PATIENCE_MS);
        else throw unwritable(error as Error);
      }
    }
  }
}

const PATIENCE_MS = 1;

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  warn(text: string): string;
}

/** Escape sequences, or none. */
export function styleOf(color: boolean): Style {
  const paint = (on: number, off: number) => (text: string) => (color ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: paint(1, 22), dim: paint(2, 22), warn: paint(33, 39) };
}

/** Creates `path`; an existing file is only replaced with `force`, and the capture that is read never. */
export function writeOutputFile(path: string, content: Content, force: boolean, capture: string): void {
  refuseSame(path, capture);
  try {
    if (force && !isReplaceable(path)) writeToDevice(path, content);
    else createNewFile(path, { replace: force, owner: ownerUnderSudo(), mode: 0o666 }, content);
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error; // of the content, not of the file
    if (code === 'EEXIST') throw new UserError(`File already exists, will not overwrite without --force: ${path}`);
    throw new UserError(
      `Cannot write ${path}: ${message.replace(/^\w+: /, '').replace(/, (open|write|rename).*$/, '')}`,
    );
  }
}

/** @throws UserError if `path` is the capture, or the one that the snapshot is in. */
export function refuseSame(path: string, capture: string): void {
  if (isSameFile(path, parseAddress(capture).file))
    throw new UserError(`The output would overwrite the capture: ${path}`);
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}
