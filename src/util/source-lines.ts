/** Lines of a source file that a capture names, if this machine has it. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';

export interface SourceLine {
  line: number;
  /** As in the file: to be escaped. */
  text: string;
}

const MAX_BYTES = 4 << 20;

/** Up to `count` lines around `line`, empty if there is no such regular file. The name is a target's: anything may be there. */
export function sourceLines(file: string, line: number, count: number): SourceLine[] {
  if (line < 1) return [];
  const lines = sourceText(file)?.split('\n') ?? [];
  if (line > lines.length) return [];
  const first = Math.max(1, Math.min(line - Math.floor(count / 2), lines.length - count + 1));
  return lines.slice(first - 1, first - 1 + count).map((text, i) => ({ line: first + i, text }));
}

/** Of a regular file that is not too large; null otherwise. */
export function sourceText(file: string): string | null {
  if (!isAbsolute(file)) return null;
  let fd: number | undefined;
  try {
    // O_NONBLOCK: a pipe does not wait for its other end.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const { size } = fstatSync(fd);
    return fstatSync(fd).isFile() && size <= MAX_BYTES ? readFileSync(fd, 'utf8') : null;
  } catch {
    return null;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
