/** What `?` shows. */
import { wrap } from '../util/format.ts';

const KEYS = [
  ['t, o, a', 'sort by total bytes, own bytes, allocations; or click the heading'],
  ['m', 'threads one by one, or all together'],
  ['< >, ← →', 'the thread before, the next one (after m)'],
  ['space', 'stop updating the table, or go on; header and plot go on'],
  ['↑ ↓, wheel', 'select a row, as page keys, home and end do'],
  ['enter', 'callers and callees of the row, with source lines'],
  ['/', 'only rows with a text in function or file; p:TEXT: of processes'],
  ['p', 'select a process, one with its children, or all'],
  ['c', 'the rest of a long command line, piece by piece'],
  ['M, d', 'set a mark; the difference since the mark'],
  ['l', 'what may leak: memory that does not go back to what it was'],
  ['n', 'hide native frames of Python and JavaScript, or show them'],
  ['f', 'write a flame graph of now'],
  ['s', 'keep a snapshot of now, for mp top and every report'],
  ['r', 'replay a recording that has ended'],
  [', .', 'in a replay: one interval back, forward; it stays there'],
  ['[ ], + -', 'in a replay: a tenth of it back, forward; twice, half as fast'],
  ['ctrl+z', 'suspend'],
  ['q, esc', 'quit; the recording goes on'],
] as const;

const COLUMNS = [
  ['Total', 'in use, allocated by the function and all it called'],
  ['Own', 'in use, allocated by the function itself'],
  ['Allocations', 'blocks in use, of the function and all it called'],
] as const;

const WIDTH = 14;
const LEAST = 20;

export function helpLines(columns: number): string[] {
  const lines = (facts: readonly (readonly [string, string])[]) =>
    facts.flatMap(([title, text]) =>
      wrap(text, Math.max(LEAST, columns - WIDTH - 1)).map(
        (line, i) => `${(i === 0 ? title : '').padEnd(WIDTH)} ${line}`,
      ),
    );
  return ['mp live: what is in use now, by location', ...lines(KEYS), ...lines(COLUMNS)];
}

/** One screen of it, from that line on. */
export function helpScreen(columns: number, rows: number, top: number): string[] {
  const all = helpLines(columns);
  const shown = all.slice(top, top + Math.max(1, rows - 1));
  return [...shown, isLastHelp(columns, rows, top) ? 'any key: back' : 'any key: more'];
}

export function isLastHelp(columns: number, rows: number, top: number): boolean {
  return top + Math.max(1, rows - 1) >= helpLines(columns).length;
}
