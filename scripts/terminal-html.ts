/** Standard input, text with the escape sequences of `tmux capture-pane -e`, as a page for a picture of a terminal. */
import { readFileSync } from 'node:fs';

const STYLES: Record<string, string> = {
  1: 'font-weight:bold',
  4: 'text-decoration:underline',
  7: 'background:#d8dbe2;color:#16181d',
};
/** Colours of the 256-colour palette that mp uses (src/tui/paint.ts), and what they are on a terminal of eight. */
const COLOURS: Record<string, string> = {
  31: '#d75f5f',
  32: '#5faf5f',
  33: '#d7af5f',
  37: '#8a8a8a',
  '38;5;71': '#5faf5f',
  '38;5;167': '#d75f5f',
  '38;5;179': '#d7af5f',
  '38;5;208': '#ff8700',
  '38;5;245': '#8a8a8a',
};

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** Codes that are on, by what they set: weight, underline, reverse, colour. */
function apply(on: Map<string, string>, codes: string): void {
  const colour = /38;5;\d+|3[0-7]/.exec(codes)?.[0];
  for (const code of codes.replace(/38;5;\d+|3[0-7]/, '').split(';')) {
    if (code === '' && colour === undefined) on.clear();
    if (code === '0') on.clear();
    if (code in STYLES) on.set(code, STYLES[code]!);
    const ended = { 22: '1', 24: '4', 27: '7' }[code];
    if (ended !== undefined) on.delete(ended);
    if (code === '39') on.delete('colour');
  }
  if (colour !== undefined) on.set('colour', `color:${COLOURS[colour] ?? 'inherit'}`);
}

const [first, ...others] = readFileSync(0, 'utf8').split('\x1b[');
const on = new Map<string, string>();
const spans = others.map((part) => {
  const end = part.indexOf('m');
  apply(on, part.slice(0, end));
  return `<span style="${[...on.values()].join(';')}">${escaped(part.slice(end + 1))}</span>`;
});
console.log(`<meta charset="utf-8"><body style="margin:0;background:#16181d;color:#d8dbe2">
<pre style="margin:18px;font:13.5px/1.165 'DejaVu Sans Mono',monospace">${escaped(first!)}${spans.join('')}</pre>`);
