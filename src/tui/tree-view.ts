/**
 * The screen of `mp tree`: rows of the tree, the selected node beside it or, on a narrow screen, below, and the keys.
 *
 *     mp-app.42.db: ./app                                       high watermark, losses: none
 *      3.005 MiB 100.00%       62 ▾ all                        Function  walk
 *      3.002 MiB  99.87%       61 ▾ main  /src/app/main.c:10   Location  /src/app/walk.cc:30
 *      3.000 MiB  99.82%        3   ▸ walk  …/walk.cc:30       Size      3.000 MiB (99.82%)
 *     ↑↓ move  ←→ close, open  e chain  i hide imports  …
 */
import { nodePlace, type TreeNode } from '../model/stack-tree.ts';
import { cutEnd, formatBytes, formatCount, formatPercent, printable, shortenPath, wrap } from '../util/format.ts';
import type { SourceLine } from '../util/source-lines.ts';
import type { Paint } from './paint.ts';
import { marker, type TreeModel } from './tree-model.ts';

export interface ViewContext {
  /** What is shown, and of it the view and the losses. */
  title: string;
  status: string;
  paint: Paint;
  shortenName(name: string, width: number): string;
  sourceLines(file: string, line: number, count: number): SourceLine[];
}

const WIDE = 110;
const DETAIL_ROWS = 9;
const MAX_INDENT = 20;

/** Rows of the tree on a screen of that size. */
export function treeHeight(columns: number, rows: number): number {
  return Math.max(1, rows - 2 - (columns >= WIDE ? 0 : DETAIL_ROWS));
}

/** As many lines as the screen has rows. */
export function treeScreen(model: TreeModel, columns: number, rows: number, context: ViewContext): string[] {
  const { paint } = context;
  const isWide = columns >= WIDE;
  const height = treeHeight(columns, rows);
  const treeWidth = isWide ? Math.floor(columns * 0.64) : columns;
  const top = model.scrolled(height);
  const list = Array.from({ length: height }, (_, i) => rowLine(model, top + i, treeWidth, context));
  const footer = paint.dim(cutEnd(keysLine(model), columns));
  const status = cutEnd(context.status, columns);
  const room = Math.max(0, columns - status.length - 2);
  const title = paint.bold(cutEnd(context.title, room).padEnd(room)) + paint.dim(`  ${status}`);
  if (!isWide) {
    const details = detailLines(model, columns, DETAIL_ROWS - 1, context);
    return [title, ...list, paint.dim('─'.repeat(columns)), ...padded(details, DETAIL_ROWS - 1), footer];
  }
  const details = padded(detailLines(model, columns - treeWidth - 3, height, context), height);
  return [title, ...list.map((line, i) => `${line} ${paint.dim('│')} ${details[i]!}`.trimEnd()), footer];
}

function rowLine(model: TreeModel, index: number, width: number, { paint, shortenName }: ViewContext): string {
  const node = model.rows[index];
  if (node === undefined) return ' '.repeat(width);
  const share = shareOf(model, node);
  const numbers = ` ${formatBytes(node.bytes).padStart(12)} ${formatPercent(share, 1).padStart(7)} `;
  const count = formatCount(node.allocations).padStart(10);
  const head = ` ${' '.repeat(2 * Math.min(node.indent, MAX_INDENT))}${marker(model, node)} `;
  const room = Math.max(0, width - numbers.length - count.length - head.length);
  const { name, place } = label(node, room, shortenName);
  const rest = ' '.repeat(Math.max(0, room - [...name].length - [...place].length));
  if (index === model.cursor) return paint.cursor(`${numbers}${count}${head}${name}${place}${rest}`);
  return paint.share(numbers, share) + paint.dim(count + head) + paint.bold(name) + paint.dim(place) + rest;
}

/** The place gives way first, down to a third of the line, then the function. */
function label(node: TreeNode, room: number, shorten: ViewContext['shortenName']): { name: string; place: string } {
  const place = printable(nodePlace(node));
  const name = printable(node.function);
  const placeRoom = Math.max(room - [...name].length - 2, Math.floor(room / 3));
  const shownPlace = place === '' || placeRoom < 6 ? '' : `  ${shortenPath(place, placeRoom - 2)}`;
  const nameRoom = room - shownPlace.length;
  const isFunction = node.kind !== 'owner' && node.kind !== 'hidden';
  return { name: cutEnd(isFunction ? shorten(name, nameRoom) : name, nameRoom), place: shownPlace };
}

function detailLines(model: TreeModel, width: number, height: number, context: ViewContext): string[] {
  const node = model.selected;
  const own = node.own.reduce((sum, part) => sum + part.bytes, 0);
  const facts: [string, string][] = [
    ['Function', printable(node.function)],
    ['Location', printable(nodePlace(node))],
    ['Module', node.file === '' ? '' : printable(node.module)],
    ['Size', `${formatBytes(node.bytes)} (${formatPercent(shareOf(model, node), 1)})`],
    ['Own', own === node.bytes || own === 0 ? '' : formatBytes(own)],
    ['Count', formatCount(node.allocations)],
    ['Threads', threadsLine(node)],
  ];
  const lines = facts
    .filter(([, value]) => value !== '')
    .flatMap(([title, value]) => factLines(title, value, width, context));
  const explanation = node.kind === 'hidden' ? ['', ...wrap(HIDDEN, width)] : [];
  const room = Math.min(height - lines.length - 1, MAX_SOURCE);
  const source = room < 1 ? [] : context.sourceLines(node.file, node.line, room);
  return [...lines, ...explanation, ...sourceText(source, node.line, width, context)].slice(0, height);
}

const HIDDEN =
  'These are left out of the tree above. A larger --biggest-allocs shows more stacks; key i shows imports.';
const MAX_SOURCE = 15;
const MAX_FACT_LINES = 4;

function factLines(title: string, value: string, width: number, { paint }: ViewContext): string[] {
  const indent = 10;
  const room = Math.max(1, width - indent);
  const parts = wrap(value, room).flatMap((text) => {
    const characters = [...text];
    const pieces = Math.ceil(characters.length / room);
    return Array.from({ length: pieces }, (_, i) => characters.slice(i * room, (i + 1) * room).join(''));
  });
  return parts
    .slice(0, MAX_FACT_LINES)
    .map((part, i) => (i === 0 ? paint.dim(title.padEnd(indent)) : ' '.repeat(indent)) + part);
}

function sourceText(source: SourceLine[], line: number, width: number, { paint }: ViewContext): string[] {
  if (source.length === 0) return [];
  const digits = String(source.at(-1)!.line).length;
  const lines = source.map((at) => {
    const text = `${String(at.line).padStart(digits)}  ${printable(at.text.replaceAll('\t', '    '))}`;
    const cut = cutEnd(text, width);
    return at.line === line ? paint.cursor(cut) : paint.dim(cut);
  });
  return ['', ...lines];
}

const SHOWN_THREADS = 3;

/** Threads that allocated in the node or below it, biggest first. */
function threadsLine(top: TreeNode): string {
  const bytes = new Map<string, number>();
  const open = [top];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const part of node.own) bytes.set(part.thread, (bytes.get(part.thread) ?? 0) + part.bytes);
    open.push(...node.children);
  }
  const threads = [...bytes].sort(([, a], [, b]) => b - a);
  const shown = threads.slice(0, SHOWN_THREADS).map(([name, sum]) => `${printable(name)} ${formatBytes(sum)}`);
  const left = threads.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(', ');
}

function keysLine({ tree: { filters } }: TreeModel): string {
  const word = (isHidden: boolean) => (isHidden ? 'show' : 'hide');
  return [
    '↑↓ move',
    '←→ close, open',
    'e chain',
    `i ${word(filters.hidesImports)} imports`,
    `u ${word(filters.hidesMachinery)} uninteresting`,
    'q quit',
  ].join('  ');
}

function shareOf(model: TreeModel, node: TreeNode): number {
  const whole = model.tree.root.bytes;
  return whole === 0 ? 0 : node.bytes / whole;
}

function padded(lines: string[], height: number): string[] {
  return Array.from({ length: height }, (_, i) => lines[i] ?? '');
}
