/**
 * Memory by function, own and total. A function is charged once for a stack, however often it stands in it:
 *
 *     main → walk → walk → malloc'd 8 bytes         own            total
 *     main → malloc'd 2 bytes                       walk 8         main 10
 *                                                   main 2         walk 8 (not 16)
 *
 * What a line of Python or JavaScript allocated is its own, whatever native functions it called to do so, see
 * `placeOf` in `stacks.ts`.
 */
import { formatBytes, formatCount, formatPercent, formatPlural, printable } from '../util/format.ts';
import { type Column, renderTable } from '../util/table.ts';
import type { Layout } from './header.ts';
import { shortenLocation } from './names.ts';
import { type Capture, jsonReport, moreLine, styledTable, textReport } from './report.ts';
import { residentLines, residentProcesses } from './resident.ts';
import { type Selection, selectedSites } from './selection.ts';
import { type FrameOptions, ShownStacks } from './shown-stacks.ts';
import type { FrameRow, Source } from './source.ts';
import { isFilter } from './stack-filter.ts';
import { frameFunction, type LinkedFrame, NO_STACK, ofFrame } from './stacks.ts';

export interface SummaryRow {
  function: string;
  /** Source file, or the module where it is not known. */
  file: string;
  total_bytes: number;
  total_percent: number;
  own_bytes: number;
  own_percent: number;
  /** Of the function and everything it called. */
  allocations: number;
}

/** Columns by their numbers in `--sort-column`. */
export const SUMMARY_SORT = [
  'location',
  'total_bytes',
  'total_percent',
  'own_bytes',
  'own_percent',
  'allocations',
] as const;

/** One row per function and file, biggest total first. */
export function summarize({ source }: Capture, selection: Selection, frames: FrameOptions = {}): SummaryRow[] {
  const stacks = new ShownStacks(source, frames);
  const rows = new Map<string, ChargedRow>();
  const rowOfFrame = ofFrame(({ function: name, file, module }: FrameRow) =>
    rowOf(rows, frameFunction({ function: name }), file ?? module ?? ''),
  );
  // By number of a node: there are far more frames in all stacks together than nodes in their tree.
  const rowOfNode: ChargedRow[] = [];
  let total = 0;
  for (const [innermost, { bytes, allocations }] of sumsByStack(source, selection, stacks)) {
    total += bytes;
    const own = innermost === null ? rowOf(rows, NO_STACK, '') : rowOfFrame(stacks.place(innermost).frame);
    own.row.own_bytes += bytes;
    if (innermost === null) charge(own, null, bytes, allocations);
    for (let node = innermost; node !== null; node = node.parent) {
      rowOfNode[node.id] ??= rowOfFrame(node.frame);
      charge(rowOfNode[node.id]!, innermost, bytes, allocations);
    }
  }
  const summary = Array.from(rows.values(), ({ row }) => row);
  for (const row of summary) {
    row.total_percent = share(row.total_bytes, total);
    row.own_percent = share(row.own_bytes, total);
  }
  return sortSummary(summary, 2);
}

interface StackSum {
  bytes: number;
  allocations: number;
}

/** Threads and allocators of one stack, by its innermost frame; null: the stack is not known. */
function sumsByStack(source: Source, selection: Selection, stacks: ShownStacks): Map<LinkedFrame | null, StackSum> {
  const sums = new Map<LinkedFrame | null, StackSum>();
  for (const { stack_id, bytes, allocations } of selectedSites(source, selection)) {
    const innermost = stacks.innermost(stack_id);
    const sum = sums.get(innermost);
    if (sum === undefined) sums.set(innermost, { bytes, allocations });
    else {
      sum.bytes += bytes;
      sum.allocations += allocations;
    }
  }
  return sums;
}

interface ChargedRow {
  row: SummaryRow;
  /** The stack that it was charged for last. */
  stack: LinkedFrame | null | undefined;
}

/** Once for a stack. */
function charge(charged: ChargedRow, stack: LinkedFrame | null, bytes: number, allocations: number): void {
  if (charged.stack === stack) return;
  charged.stack = stack;
  charged.row.total_bytes += bytes;
  charged.row.allocations += allocations;
}

/** `column` from 1, as in `--sort-column`; the location ascends, numbers descend. */
export function sortSummary(rows: SummaryRow[], column: number): SummaryRow[] {
  const key = SUMMARY_SORT[column - 1]!;
  const byName = (a: SummaryRow, b: SummaryRow) => compare(a.function, b.function) || compare(a.file, b.file);
  if (key === 'location') return rows.sort(byName);
  return rows.sort((a, b) => b[key] - a[key] || b.total_bytes - a.total_bytes || byName(a, b));
}

export interface SummaryOptions extends FrameOptions {
  sortColumn: number;
  /** Null: all. */
  maxRows: number | null;
}

export function summaryText(capture: Capture, selection: Selection, options: SummaryOptions, layout: Layout): string {
  const rows = sortSummary(summarize(capture, selection, options), options.sortColumn);
  const shown = rows.slice(0, options.maxRows ?? rows.length);
  if (rows.length === 0) return textReport(capture.facts, selection, [], layout);
  const right = (title: string): Column => ({ title, align: 'right' });
  const columns = [
    { title: 'Location', shorten: shortenLocation },
    ...['Total Memory', 'Total Memory %', 'Own Memory', 'Own Memory %'].map(right),
    right(selection.view === 'v8_samples' ? 'Sample Count' : 'Allocation Count'),
  ];
  const cells = shown.map((row) => [
    printable(row.file === '' ? row.function : `${row.function} at ${row.file}`),
    formatBytes(row.total_bytes),
    formatPercent(row.total_percent, 100),
    formatBytes(row.own_bytes),
    formatPercent(row.own_percent, 100),
    formatCount(row.allocations),
  ]);
  const left = rows.length - shown.length;
  const body = [
    ...(isWhole(capture, selection) ? residentLines(capture, selection, layout) : []),
    ...styledTable(renderTable(columns, cells, layout.columns), layout),
    ...moreLine(`${formatPlural(left, 'more location')} not shown; -r sets the number of rows`, left),
  ];
  return textReport(capture.facts, selection, body, layout);
}

export function summaryJson(capture: Capture, selection: Selection, options: SummaryOptions): string {
  const rows = sortSummary(summarize(capture, selection, options), options.sortColumn);
  const resident = isWhole(capture, selection) ? { resident: residentProcesses(capture, selection) } : {};
  return jsonReport(capture.facts, selection, {
    ...resident,
    locations: rows.slice(0, options.maxRows ?? rows.length),
  });
}

/** Resident memory is that of whole processes, and beside the high watermark of the whole capture. */
const isWhole = ({ facts }: Capture, selection: Selection): boolean =>
  selection.view === 'high_watermark' && selection.tid === null && !isFilter(selection) && facts.window === undefined;

function rowOf(rows: Map<string, ChargedRow>, name: string, file: string): ChargedRow {
  const key = `${name}\0${file}`;
  let charged = rows.get(key);
  if (charged === undefined) {
    const none = { total_bytes: 0, total_percent: 0, own_bytes: 0, own_percent: 0, allocations: 0 };
    charged = { row: { function: name, file, ...none }, stack: undefined };
    rows.set(key, charged);
  }
  return charged;
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
