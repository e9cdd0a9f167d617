/**
 * Prints single blocks of snapshots that were taken with traces:
 *
 *     2013-10-03 11:34:39, memory block 0x805e7010: 80 MiB
 *     Traceback (most recent call first):
 *       File ".../app/load.py", line 120
 *         data = file.read()
 */
import { DEFAULT_COUNT, DEFAULT_PARTS, readSourceLine, type TopFile } from './display-top.ts';
import type { Snapshot, Trace } from './snapshot.ts';
import { formatAddress, formatSize, formatTimestamp, type Paint, paintOf } from './text.ts';
import { formatTraceback } from './traceback.ts';

export interface BlockOptions {
  color: boolean;
  /** Displayed parts of a path. */
  filenameParts?: number;
  file: TopFile;
}

/** The block at that address, or `(not found)`. @throws RangeError if the snapshot has no traces. */
export function displayBlock(snapshot: Snapshot, address: number, options: BlockOptions): void {
  const paint = paintOf(options.color);
  const found = tracesOf(snapshot).filter((trace) => trace.address === address);
  const name = `${paint.cyan(formatTimestamp(snapshot.timestamp))}, memory block ${formatAddress(address, paint)}`;
  if (found.length === 0) options.file.write(`${name}: ${paint.yellow('(not found)')}\n`);
  for (const trace of found) {
    const process = found.length > 1 ? ` of process ${trace.pid}` : '';
    const lines = [`${name}${process}: ${paint.yellow(formatSize(trace.size))}`, ...listing(trace, options, paint)];
    options.file.write(`${lines.join('\n')}\n`);
  }
}

/** The biggest blocks with their tracebacks. @throws RangeError if the snapshot has no traces. */
export function displayTracebacks(
  snapshot: Snapshot,
  { count = DEFAULT_COUNT, ...options }: BlockOptions & { count?: number },
): void {
  const paint = paintOf(options.color);
  const traces = tracesOf(snapshot).toSorted((a, b) => b.size - a.size || b.address - a.address);
  const shown = traces.slice(0, count);
  const others = traces.slice(count);
  const time = formatTimestamp(snapshot.timestamp);
  const lines = [`${time}: Traceback of the top ${paint.bold(String(shown.length))} biggest memory blocks`, ''];
  for (const trace of shown) {
    const size = paint.yellow(formatSize(trace.size));
    lines.push(`Memory block ${formatAddress(trace.address, paint)}: ${size}`, ...listing(trace, options, paint), '');
  }
  if (others.length > 0) {
    const size = others.reduce((sum, trace) => sum + trace.size, 0);
    lines.push(`${others.length} more memory blocks: size=${paint.yellow(formatSize(size))}`);
  }
  options.file.write(`${lines.join('\n')}\n`);
}

function tracesOf({ traces }: Snapshot): readonly Trace[] {
  if (traces === null) throw new RangeError('need traces: the snapshot was taken without them');
  return traces;
}

function listing({ traceback }: Trace, { filenameParts = DEFAULT_PARTS }: BlockOptions, paint: Paint): string[] {
  return formatTraceback(traceback, filenameParts, paint, readSourceLine);
}
