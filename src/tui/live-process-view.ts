/** The lines of the list of processes. */
import { cutEnd, formatBytes, formatCount, printable } from '../util/format.ts';
import type { LiveModel, ProcessRow } from './live-model.ts';
import type { Paint } from './paint.ts';

const WIDE = 81;

export function processHeading(columns: number, count: number, hasKeys: boolean): string {
  if (hasKeys)
    return `── enter only this  b with its children  x all  esc back ${'─'.repeat(columns)}`.slice(0, columns);
  const rate = columns < WIDE ? '' : ` ${'Allocations/s'.padStart(14)}`;
  const titles = `${'PID'.padStart(8)} ${'Heap'.padStart(12)} ${'RSS'.padStart(12)}${rate} Command`;
  return `${titles} ── ${count} processes ${'─'.repeat(columns)}`.slice(0, columns);
}

export function processLine(model: LiveModel, { process, depth }: ProcessRow, columns: number, paint: Paint): string {
  const isChosen = model.process?.id === process.id;
  const hasEnded = process.endedNs !== null;
  const rss = process.rssBytes === null || hasEnded ? '' : formatBytes(process.rssBytes);
  const rate = hasEnded ? 'ended' : formatCount(Math.round(process.allocationsPerSecond));
  const numbers =
    `${isChosen ? '▸' : ' '}${String(process.pid).padStart(7)} ${formatBytes(process.heapBytes).padStart(12)} ` +
    `${rss.padStart(12)}${columns < WIDE ? '' : ` ${rate.padStart(14)}`}`;
  const command = printable(process.commandLine || process.comm || '???');
  const line = cutEnd(`${numbers} ${'  '.repeat(Math.min(depth, 10))}${command}`, columns);
  return hasEnded ? paint.dim(line) : line;
}
