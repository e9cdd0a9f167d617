/** `mp summary --by`: which process, command, cgroup, thread or allocator has how much of a view. */
import {
  cutEnd,
  formatBytes,
  formatCount,
  formatPercent,
  formatPlural,
  printable,
  shortenPath,
} from '../util/format.ts';
import { type Column, renderTable } from '../util/table.ts';
import { GROUP_TITLE, type Group, type GroupColumns, type Grouping, Groups } from './grouping.ts';
import type { Layout } from './header.ts';
import { type Capture, jsonReport, moreLine, styledTable, textReport } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';

export interface GroupRow extends GroupColumns {
  bytes: number;
  percent: number;
  allocations: number;
  /** That have something in the view; a process is one also after an exec. */
  processes: number;
}

/** Columns by their numbers in `--sort-column`. */
export const GROUP_SORT = ['group', 'bytes', 'percent', 'allocations', 'processes'] as const;

/** Biggest first. */
export function summarizeGroups(capture: Capture, selection: Selection, by: Grouping): GroupRow[] {
  const groups = new Groups(capture, by);
  const rows = new Map<Group, GroupRow>();
  const processes = new Map<GroupRow, Set<number>>();
  let total = 0;
  for (const site of selectedSites(capture.source, selection)) {
    const group = groups.of(site);
    let row = rows.get(group);
    if (row === undefined) {
      row = { ...group.columns, bytes: 0, percent: 0, allocations: 0, processes: 0 };
      rows.set(group, row);
      processes.set(row, new Set());
    }
    row.bytes += site.bytes;
    row.allocations += site.allocations;
    total += site.bytes;
    processes.get(row)!.add(groups.processOf(site));
  }
  for (const row of rows.values()) {
    row.percent = total === 0 ? 0 : (row.bytes / total) * 100;
    row.processes = processes.get(row)!.size;
  }
  return sortGroups([...rows.values()], 2);
}

/** `column` from 1, as in `--sort-column`; names ascend, numbers descend. */
export function sortGroups(rows: GroupRow[], column: number): GroupRow[] {
  const key = GROUP_SORT[column - 1]!;
  const byName = (a: GroupRow, b: GroupRow) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0);
  if (key === 'group') return rows.sort(byName);
  return rows.sort((a, b) => b[key] - a[key] || b.bytes - a.bytes || byName(a, b));
}

export interface GroupSummaryOptions {
  by: Grouping;
  sortColumn: number;
  /** Null: all. */
  maxRows: number | null;
}

export function groupsText(
  capture: Capture,
  selection: Selection,
  options: GroupSummaryOptions,
  layout: Layout,
): string {
  const rows = sortGroups(summarizeGroups(capture, selection, options.by), options.sortColumn);
  if (rows.length === 0) return textReport(capture.facts, selection, [], layout);
  const shown = rows.slice(0, options.maxRows ?? rows.length);
  const hasSeveral = !['process', 'thread'].includes(options.by);
  const cells = shown.map((row) => [
    printable(row.group),
    formatBytes(row.bytes),
    formatPercent(row.percent, 100),
    formatCount(row.allocations),
    ...(hasSeveral ? [formatCount(row.processes)] : []),
  ]);
  const right = (title: string): Column => ({ title, align: 'right' });
  const columns = [
    groupColumn(options.by),
    ...['Memory', 'Memory %', selection.view === 'v8_samples' ? 'Samples' : 'Allocations'].map(right),
    ...(hasSeveral ? [right('Processes')] : []),
  ];
  const rest = rows.slice(shown.length);
  const restBytes = rest.reduce((sum, row) => sum + row.bytes, 0);
  const body = [
    ...styledTable(renderTable(columns, cells, layout.columns), layout),
    ...moreLine(
      `${formatPlural(rest.length, 'more row')}: ${formatBytes(restBytes)}; -r sets the number of rows`,
      rest.length,
    ),
  ];
  return textReport(capture.facts, selection, body, layout);
}

export function groupsJson(capture: Capture, selection: Selection, options: GroupSummaryOptions): string {
  const rows = sortGroups(summarizeGroups(capture, selection, options.by), options.sortColumn);
  return jsonReport(capture.facts, selection, {
    by: options.by,
    groups: rows.slice(0, options.maxRows ?? rows.length),
  });
}

/** A path says more at its end, a command line at its beginning. */
export function groupColumn(by: Grouping): Column {
  return { title: GROUP_TITLE[by], shorten: by === 'cgroup' ? shortenPath : cutEnd };
}
