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
import type { FrameRow } from './source.ts';
import { frameFunction, NO_STACK } from './stacks.ts';

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
  const rows = new Map<string, SummaryRow>();
  const rowOfFrame = new Map<FrameRow, SummaryRow>();
  let total = 0;
  for (const site of selectedSites(source, selection)) {
    total += site.bytes;
    const charged = new Set<SummaryRow>();
    const innermost = stacks.innermost(site.stack_id);
    const place = innermost && stacks.place(innermost);
    for (let node = innermost; node !== null; node = node.parent) {
      let row = rowOfFrame.get(node.frame);
      if (row === undefined) {
        row = rowOf(rows, frameFunction(node.frame), node.frame.file ?? node.frame.module ?? '');
        rowOfFrame.set(node.frame, row);
      }
      if (node === place) row.own_bytes += site.bytes;
      charged.add(row);
    }
    if (charged.size === 0) {
      const row = rowOf(rows, NO_STACK, '');
      row.own_bytes += site.bytes;
      charged.add(row);
    }
    for (const row of charged) {
      row.total_bytes += site.bytes;
      row.allocations += site.allocations;
    }
  }
  for (const row of rows.values()) {
    row.total_percent = share(row.total_bytes, total);
    row.own_percent = share(row.own_bytes, total);
  }
  return sortSummary([...rows.values()], 2);
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
const isWhole = ({ facts }: Capture, { view, tid }: Selection): boolean =>
  view === 'high_watermark' && tid === null && facts.window === undefined;

function rowOf(rows: Map<string, SummaryRow>, name: string, file: string): SummaryRow {
  const key = `${name}\0${file}`;
  let row = rows.get(key);
  if (row === undefined) {
    row = { function: name, file, total_bytes: 0, total_percent: 0, own_bytes: 0, own_percent: 0, allocations: 0 };
    rows.set(key, row);
  }
  return row;
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
