/** What `?` shows. */
const KEYS = [
  ['t, o, a', 'sort by total bytes, own bytes, allocations; so does a click on the heading'],
  ['m', 'threads one by one, or all together'],
  ['< >, ← →', 'the thread before, the next one (after m)'],
  ['space', 'stop updating the table, or go on; header and plot go on'],
  ['↑ ↓, page keys, wheel', 'select a row'],
  ['enter', 'callers and callees of the row, with source lines'],
  ['/', 'show only rows whose function or file has a text; p:TEXT: only processes of that name or pid; empty: all'],
  ['p', 'select a process, one with its children, or all'],
  ['M, d', 'set a mark; the difference since the mark'],
  ['l', 'what may leak: sites whose memory has not gone back to what it was, for 6 s or more'],
  ['n', 'hide native frames of stacks that have Python or JavaScript frames, or show them'],
  ['f', 'write a flame graph of now'],
  ['s', 'keep a snapshot of now, for mp top and every report'],
  ['ctrl+z', 'suspend'],
  ['q, esc', 'quit; the recording goes on'],
] as const;

const COLUMNS = [
  ['Total', 'in use now, allocated by the function and everything it called'],
  ['Own', 'in use now, allocated by the function itself'],
  ['Allocations', 'blocks in use, of the function and everything it called'],
] as const;

const WIDTH = 23;

export function helpLines(): string[] {
  const lines = (facts: readonly (readonly [string, string])[]) =>
    facts.map(([title, text]) => `  ${title.padEnd(WIDTH)} ${text}`);
  return ['mp live: what is in use now, by location', '', ...lines(KEYS), '', ...lines(COLUMNS), '', '  any key: back'];
}
