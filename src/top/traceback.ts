/** Where a block was allocated, most recent call first. */
import { printable } from '../util/format.ts';
import { formatFilename, formatLine, type Paint } from './text.ts';

export interface Frame {
  /** Path of the source file, or of the module if that is all that is known; null: neither is. */
  readonly file: string | null;
  readonly line: number | null;
  readonly function: string | null;
  /** Path of the mapped file; null where the frame is of no native code. */
  readonly module: string | null;
  /** `native`, `python` or `javascript`. */
  readonly language: string;
}

/** Most recent call first; empty if it is not known. */
export type Traceback = readonly Frame[];

/** A line of a source file, null if this machine does not have it. */
export type ReadLine = (file: string, line: number) => string | null;

/** The lines of a listing. */
export function formatTraceback(traceback: Traceback, parts: number, paint: Paint, readLine: ReadLine): string[] {
  if (traceback.length === 0) return ['(empty traceback)'];
  const lines = traceback.flatMap(({ file, line }) => {
    const where = `  File "${formatFilename(file ?? '', parts, paint)}", line ${formatLine(line ?? 0)}`;
    const text = file !== null && line !== null ? readLine(file, line)?.trim() : undefined;
    return text ? [where, `    ${printable(text)}`] : [where];
  });
  return ['Traceback (most recent call first):', ...lines];
}
