/**
 * Allocations by the code that called the allocator: one row per allocator, function, place and, if split, thread. Of a
 * stack with Python or JavaScript frames that is one of these, hence without a module: `placeOf` in `stacks.ts`.
 */
import { formatBytes, formatCount, formatPlural, printable, shortenPath } from '../util/format.ts';
import { type Column, renderTable } from '../util/table.ts';
import type { Layout } from './header.ts';
import { shortenName } from './names.ts';
import { type Capture, jsonReport, moreLine, styledTable, textReport } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';
import { NO_STACK, Stacks } from './stacks.ts';

/** Fields as in the views of a capture. */
export interface TableRow {
  /** Only if split by thread. */
  pid?: number;
  tid?: number;
  thread_name?: string | null;
  bytes: number;
  allocations: number;
  allocator: string;
  function: string | null;
  file: string | null;
  line: number | null;
  module: string | null;
}

/** Biggest first. */
export function tableRows({ source, facts }: Capture, selection: Selection, splitThreads: boolean): TableRow[] {
  const stacks = new Stacks(source);
  const threads = new Map(source.all('threads').map((thread) => [thread.id, thread]));
  const pids = new Map(facts.processes.map((process) => [process.id, process.pid]));
  const rows = new Map<string, TableRow>();
  for (const site of selectedSites(source, selection)) {
    const frame = stacks.place(site.stack_id);
    const place = frame
      ? { function: frame.function, file: frame.file, line: frame.line, module: frame.module }
      : { function: null, file: null, line: null, module: null };
    const thread = threads.get(site.thread_id);
    const owner = splitThreads
      ? { pid: pids.get(site.process_id) ?? 0, tid: thread?.tid ?? 0, thread_name: thread?.name ?? null }
      : {};
    const key = JSON.stringify([site.allocator, Object.values(place), owner]);
    const row = rows.get(key) ?? { ...owner, bytes: 0, allocations: 0, allocator: site.allocator, ...place };
    row.bytes += site.bytes;
    row.allocations += site.allocations;
    rows.set(key, row);
  }
  return [...rows.entries()]
    .sort(([a, x], [b, y]) => y.bytes - x.bytes || y.allocations - x.allocations || (a < b ? -1 : 1))
    .map(([, row]) => row);
}

export interface TableOptions {
  splitThreads: boolean;
  maxRows: number;
}

export function tableText(capture: Capture, selection: Selection, options: TableOptions, layout: Layout): string {
  const rows = tableRows(capture, selection, options.splitThreads);
  if (rows.length === 0) return textReport(capture.facts, selection, [], layout);
  const shown = rows.slice(0, options.maxRows);
  const rest = rows.slice(options.maxRows);
  const restBytes = rest.reduce((sum, row) => sum + row.bytes, 0);
  const cells = shown.map((row) => [
    ...(options.splitThreads ? [threadName(row)] : []),
    formatBytes(row.bytes),
    formatCount(row.allocations),
    row.allocator,
    printable(rowFunction(row)),
    printable(row.file === null ? '' : row.line === null ? row.file : `${row.file}:${row.line}`),
    printable(row.module ?? ''),
  ]);
  const body = [
    ...styledTable(renderTable(tableColumns(options.splitThreads, selection), cells, layout.columns), layout),
    ...moreLine(
      `${formatPlural(rest.length, 'more row')}: ${formatBytes(restBytes)}; -n sets how many are shown`,
      rest.length,
    ),
  ];
  return textReport(capture.facts, selection, body, layout);
}

export function tableJson(capture: Capture, selection: Selection, options: TableOptions): string {
  const rows = tableRows(capture, selection, options.splitThreads);
  return jsonReport(capture.facts, selection, { rows: rows.slice(0, options.maxRows) });
}

/** What stands for the function: a frame without a name has at least a module. */
export function rowFunction(row: TableRow): string {
  return row.function ?? (row.file === null && row.module === null ? NO_STACK : '???');
}

/** `1235 (worker)`. */
export function threadName(row: Pick<TableRow, 'tid' | 'thread_name'>): string {
  return printable(row.thread_name ? `${row.tid} (${row.thread_name})` : `${row.tid}`);
}

function tableColumns(splitThreads: boolean, { view }: Selection): Column[] {
  return [
    ...(splitThreads ? [{ title: 'Thread' }] : []),
    { title: 'Size', align: 'right' },
    { title: view === 'v8_samples' ? 'Samples' : 'Allocations', align: 'right' },
    { title: 'Allocator' },
    { title: 'Function', shorten: shortenName },
    { title: 'File:Line', shorten: shortenPath },
    { title: 'Module', shorten: shortenPath },
  ];
}
