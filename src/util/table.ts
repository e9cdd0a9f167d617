/**
 * Aligned columns for a terminal of a given width.
 *
 *          Size  Allocations  Function               a rule below the titles, two spaces between columns
 *     ─────────  ───────────  ────────────────
 *     1.234 MiB           12  std::vector<…>::…      only columns with `shorten` give way when the width is short
 *
 * Before they do, long titles are broken into two lines.
 */
import { wrap } from './format.ts';

export interface Column {
  title: string;
  /** Numbers are aligned right. */
  align?: 'left' | 'right';
  /** Makes a text at most `width` long; a column without it keeps its natural width. */
  shorten?: (text: string, width: number) => string;
}

export interface Table {
  titles: string[];
  rule: string;
  rows: string[];
}

const GAP = '  ';
const MIN_FLEXIBLE = 12;

/** Lines of the table. `rows` hold one text per column. */
export function renderTable(columns: Column[], rows: string[][], width: number): Table {
  const cellWidths = columns.map((_, i) => longest(rows.map((row) => row[i]!)));
  const natural = (title: (column: Column) => number) => columns.map((c, i) => Math.max(title(c), cellWidths[i]!));
  const whole = natural((column) => column.title.length);
  const fits = whole.reduce((sum, w) => sum + w, 0) + GAP.length * (columns.length - 1) <= width;
  const widths = fits
    ? whole
    : fit(
        columns,
        natural((column) => longest(column.title.split(' '))),
        width,
      );
  const line = (cells: string[]) => {
    const aligned = cells.map((cell, i) => align(cell, widths[i]!, columns[i]!.align));
    return aligned.join(GAP).trimEnd();
  };
  const titles = columns.map((column, i) => wrap(column.title, widths[i]!));
  const height = Math.max(...titles.map((lines) => lines.length));
  const titleLine = (k: number) => line(titles.map((lines) => lines[k - height + lines.length] ?? ''));
  return {
    titles: Array.from({ length: height }, (_, k) => titleLine(k)),
    rule: widths.map((w) => '─'.repeat(w)).join(GAP),
    rows: rows.map((row) => line(row.map((cell, i) => shortened(columns[i]!, cell, widths[i]!)))),
  };
}

/** Aligned columns with neither titles nor rule. */
export function renderColumns(rows: string[][], indent = ''): string[] {
  const widths = (rows[0] ?? []).map((_, i) => longest(rows.map((row) => row[i]!)));
  return rows.map((row) => (indent + row.map((cell, i) => align(cell, widths[i]!, 'left')).join(GAP)).trimEnd());
}

function shortened(column: Column, text: string, width: number): string {
  return column.shorten ? column.shorten(text, width) : text;
}

/** The widest flexible column gives way first, so that a short one keeps its natural width. */
function fit(columns: Column[], natural: number[], width: number): number[] {
  const widths = [...natural];
  const flexible = columns.flatMap((column, i) => (column.shorten ? [i] : []));
  const fixed = natural.reduce((sum, w, i) => sum + (flexible.includes(i) ? 0 : w), GAP.length * (columns.length - 1));
  let room = width - fixed;
  const narrowFirst = flexible.sort((a, b) => natural[a]! - natural[b]!);
  narrowFirst.forEach((i, rank) => {
    const share = Math.max(MIN_FLEXIBLE, Math.floor(room / (narrowFirst.length - rank)));
    widths[i] = Math.min(natural[i]!, share);
    room -= widths[i]!;
  });
  return widths;
}

/** Not `Math.max(...)`: a result may have more rows than a call may have arguments. */
function longest(texts: string[]): number {
  return texts.reduce((most, text) => Math.max(most, [...text].length), 0);
}

function align(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const padding = ' '.repeat(Math.max(0, width - [...text].length));
  return side === 'right' ? padding + text : text + padding;
}
