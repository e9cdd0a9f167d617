/**
 * Allocations by the code that called the allocator: one row per allocator, function, place and, if asked
 * for, process, command, cgroup or thread. Of a
 * stack with Python or JavaScript frames that is one of these, hence without a module: `placeOf` in `stacks.ts`.
 */
import { formatBytes, formatCount, formatPlural, printable, shortenPath } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import { type Column, renderTable } from '../util/table.ts';
import { type Group, type GroupColumns, type Grouping, Groups } from './grouping.ts';
import type { Layout } from './header.ts';
import { shortenName } from './names.ts';
import { type Capture, jsonReport, moreLine, styledTable, textReport } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';
import type { FrameRow, SiteRow } from './source.ts';
import { frameLocation, NO_STACK, Stacks } from './stacks.ts';
import { groupColumn } from './summary-groups.ts';

/** Fields as in the views of a capture, those of a group only with `by`. */
export interface TableRow extends Partial<GroupColumns> {
  bytes: number;
  allocations: number;
  allocator: string;
  function: string | null;
  file: string | null;
  line: number | null;
  module: string | null;
}

/** Biggest first. */
export function tableRows(capture: Capture, selection: Selection, by: Grouping | null): TableRow[] {
  const stacks = new Stacks(capture.source);
  const groups = by === null ? null : new Groups(capture, by);
  const rows = new Map<string, TableRow>();
  const rowOf = ({ allocator }: SiteRow, frame: FrameRow | undefined, group: Group | undefined): TableRow => {
    const place = frame
      ? { function: frame.function, file: frame.file, line: frame.line, module: frame.module }
      : { function: null, file: null, line: null, module: null };
    const key = JSON.stringify([allocator, Object.values(place), group?.id]);
    const row = rows.get(key) ?? { ...group?.columns, bytes: 0, allocations: 0, allocator, ...place };
    rows.set(key, row);
    return row;
  };
  // Sites are many, frames few: texts are compared for the latter only.
  const rowsOfFrame = remembered((_frame: FrameRow | undefined) => new Map<string, TableRow>());
  for (const site of selectedSites(capture.source, selection)) {
    const frame = stacks.place(site.stack_id);
    const group = groups?.of(site);
    const known = rowsOfFrame(frame);
    const key = group === undefined ? site.allocator : `${site.allocator} ${group.id}`;
    let row = known.get(key);
    if (row === undefined) {
      row = rowOf(site, frame, group);
      known.set(key, row);
    }
    row.bytes += site.bytes;
    row.allocations += site.allocations;
  }
  return [...rows.entries()]
    .sort(([a, x], [b, y]) => y.bytes - x.bytes || y.allocations - x.allocations || (a < b ? -1 : 1))
    .map(([, row]) => row);
}

export interface TableOptions {
  /** Rows are split by that. */
  by: Grouping | null;
  maxRows: number;
}

export function tableText(capture: Capture, selection: Selection, options: TableOptions, layout: Layout): string {
  const { by } = options;
  const rows = tableRows(capture, selection, by);
  if (rows.length === 0) return textReport(capture.facts, selection, [], layout);
  const shown = rows.slice(0, options.maxRows);
  const rest = rows.slice(options.maxRows);
  const restBytes = rest.reduce((sum, row) => sum + row.bytes, 0);
  const cells = shown.map((row) => [
    ...(by === null ? [] : [printable(row.group!)]),
    formatBytes(row.bytes),
    formatCount(row.allocations),
    ...(by === 'allocator' ? [] : [row.allocator]),
    printable(rowFunction(row)),
    ...(by === null
      ? [printable(row.file === null ? '' : frameLocation(row)), printable(row.module ?? '')]
      : [printable(frameLocation(row))]),
  ]);
  const body = [
    ...styledTable(renderTable(tableColumns(by, selection), cells, layout.columns), layout),
    ...moreLine(
      `${formatPlural(rest.length, 'more row')}: ${formatBytes(restBytes)}; -n sets how many are shown`,
      rest.length,
    ),
  ];
  return textReport(capture.facts, selection, body, layout);
}

export function tableJson(capture: Capture, selection: Selection, options: TableOptions): string {
  const rows = tableRows(capture, selection, options.by);
  const by = options.by === null ? {} : { by: options.by };
  return jsonReport(capture.facts, selection, { ...by, rows: rows.slice(0, options.maxRows) });
}

/** What stands for the function: a frame without a name has at least a module. */
export function rowFunction(row: TableRow): string {
  return row.function ?? (row.file === null && row.module === null ? NO_STACK : '???');
}

/** Groups leave no room for a module beside a file. */
function tableColumns(by: Grouping | null, { view }: Selection): Column[] {
  return [
    ...(by === null ? [] : [groupColumn(by)]),
    { title: 'Size', align: 'right' },
    { title: view === 'v8_samples' ? 'Samples' : 'Allocations', align: 'right' },
    ...(by === 'allocator' ? [] : [{ title: 'Allocator' }]),
    { title: 'Function', shorten: shortenName },
    ...(by === null ? ['File:Line', 'Module'] : ['Location']).map((title) => ({ title, shorten: shortenPath })),
  ];
}
