/**
 * What changed from one capture to another, from one moment of a capture to another, or what one process has and another
 * has not, by the code that allocated:
 *
 *     Difference     Before      After   Change  Allocations  Location
 *     ──────────  ─────────  ─────────  ───────  ───────────  ────────────────────
 *     +1.000 MiB  1.000 MiB  2.000 MiB  +100.0%          +20  park at pipeline.cpp
 *     -4.000 KiB  4.000 KiB       gone                    -1  init at pipeline.cpp
 *         +512 B        new      512 B                    +1  main at pipeline.cpp
 *
 * Stacks of two runs are the same if their names are: addresses, pids and ids are others each time. Lines move when a file is
 * edited, so that functions are compared unless lines are asked for.
 */
import { formatBytes, formatCount, formatPlural, formatSigned, printable, shortenPath, wrap } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import { type Column, renderTable } from '../util/table.ts';
import type { Facts } from './facts.ts';
import { type Group, type Grouping, Groups } from './grouping.ts';
import { captureName, type Layout, trustLines } from './header.ts';
import { shortenLocation } from './names.ts';
import { type Capture, moreLine, styledTable } from './report.ts';
import { type Selection, selectedSites, selectionTitle } from './selection.ts';
import type { FrameRow } from './source.ts';
import { frameFunction, frameLocation, NO_STACK, Stacks } from './stacks.ts';
import { groupColumn } from './summary-groups.ts';

const PLACES = ['function', 'file', 'line'] as const;
/** Groups that have a name which is the same in two runs. */
const GROUPS = ['comm', 'cgroup', 'allocator'] as const;
export const DIFF_BY = [...PLACES, ...GROUPS] as const;
export type DiffBy = (typeof DIFF_BY)[number];

/** What JSON has of a row beside its numbers. */
type DiffColumns = Record<string, string | number | null>;

interface Sum {
  label: string;
  columns: DiffColumns;
  bytes: number;
  allocations: number;
}

/** One of the two captures, or what of it is compared with another part. */
export interface DiffSide {
  facts: Facts;
  /** The part, as `process 42 (app), at 1.25 s`; empty: all of it. */
  part: string;
  sums: Map<string, Sum>;
}

export interface DiffRow {
  columns: DiffColumns;
  label: string;
  before_bytes: number;
  after_bytes: number;
  difference_bytes: number;
  before_allocations: number;
  after_allocations: number;
  difference_allocations: number;
  /** Whether only one of the captures has it. */
  change: 'new' | 'gone' | 'changed';
}

export function diffSide(capture: Capture, selection: Selection, by: DiffBy, part = ''): DiffSide {
  const stacks = new Stacks(capture.source);
  const groups = isGrouping(by) ? new Groups(capture, by) : null;
  const sums = new Map<string, Sum>();
  const sumOf = (columns: DiffColumns): Sum => {
    const key = JSON.stringify(columns);
    const sum = sums.get(key) ?? { label: labelOf(columns), columns, bytes: 0, allocations: 0 };
    sums.set(key, sum);
    return sum;
  };
  const ofGroup = remembered((group: Group) => sumOf({ ...group.columns }));
  const ofPlace = remembered((place: FrameRow | undefined) =>
    sumOf(placeColumns(place, by as (typeof PLACES)[number])),
  );
  for (const site of selectedSites(capture.source, selection)) {
    const sum = groups ? ofGroup(groups.of(site)) : ofPlace(stacks.place(site.stack_id));
    sum.bytes += site.bytes;
    sum.allocations += site.allocations;
  }
  return { facts: capture.facts, part, sums };
}

const isGrouping = (by: DiffBy): by is Grouping & DiffBy => (GROUPS as readonly string[]).includes(by);

function placeColumns(frame: FrameRow | undefined, by: (typeof PLACES)[number]): DiffColumns {
  if (frame === undefined) return by === 'file' ? { file: NO_STACK } : { function: NO_STACK, file: '' };
  const file = frame.file ?? frame.module ?? '';
  if (by === 'file') return { file };
  if (by === 'function') return { function: frameFunction(frame), file };
  return { function: frameFunction(frame), file: frameLocation({ ...frame, line: null }), line: frame.line };
}

function labelOf({ group, function: name, file, line }: DiffColumns): string {
  if (group !== undefined) return String(group);
  const place = line === undefined || line === null ? `${file}` : `${file}:${line}`;
  if (name === undefined) return place === '' ? '???' : place;
  return place === '' ? `${name}` : `${name} at ${place}`;
}

const NOTHING = { bytes: 0, allocations: 0 };

/** What differs, the biggest difference of either sign first. */
export function diffRows(before: DiffSide, after: DiffSide): DiffRow[] {
  const keys = new Set([...before.sums.keys(), ...after.sums.keys()]);
  const rows = [...keys].map((key): DiffRow => {
    const [old, now] = [before.sums.get(key), after.sums.get(key)];
    const { columns, label } = (now ?? old)!;
    const [a, b] = [old ?? NOTHING, now ?? NOTHING];
    return {
      columns,
      label,
      before_bytes: a.bytes,
      after_bytes: b.bytes,
      difference_bytes: b.bytes - a.bytes,
      before_allocations: a.allocations,
      after_allocations: b.allocations,
      difference_allocations: b.allocations - a.allocations,
      change: old === undefined ? 'new' : now === undefined ? 'gone' : 'changed',
    };
  });
  return rows
    .filter((row) => row.difference_bytes !== 0 || row.difference_allocations !== 0)
    .sort(
      (a, b) =>
        Math.abs(b.difference_bytes) - Math.abs(a.difference_bytes) ||
        Math.abs(b.difference_allocations) - Math.abs(a.difference_allocations) ||
        (a.label < b.label ? -1 : 1),
    );
}

export interface DiffOptions {
  by: DiffBy;
  maxRows: number;
}

export function diffText(
  before: DiffSide,
  after: DiffSide,
  selection: Selection,
  { by, maxRows }: DiffOptions,
  layout: Layout,
): string {
  const { columns, style } = layout;
  const rows = diffRows(before, after);
  const equal = new Set([...before.sums.keys(), ...after.sums.keys()]).size - rows.length;
  const lines = [
    ...sideLines('before', before, layout),
    ...sideLines('after', after, layout),
    ...wrap(`view: ${selectionTitle(selection, before.facts)}`, columns, '  '),
    style.bold(totalLine(before, after)),
    '',
    ...(rows.length === 0
      ? ['The captures do not differ in this view.']
      : tableLines(rows.slice(0, maxRows), by, layout)),
    ...(equal > 0 && rows.length > 0 ? ['', `${formatPlural(equal, 'row')} without a difference`] : []),
    ...moreLine(
      `${formatPlural(rows.length - maxRows, 'more row')}; -n sets how many are shown`,
      rows.length - maxRows,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

export function diffJson(
  before: DiffSide,
  after: DiffSide,
  selection: Selection,
  { by, maxRows }: DiffOptions,
): string {
  const rows = diffRows(before, after).slice(0, maxRows);
  const document = {
    metadata: { before: before.facts, after: after.facts },
    selection,
    ...(before.part === '' && after.part === '' ? {} : { parts: { before: before.part, after: after.part } }),
    by,
    before: totalOf(before),
    after: totalOf(after),
    rows: rows.map(({ columns, label: _label, ...numbers }) => ({ ...columns, ...numbers })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function sideLines(name: string, { facts, part }: DiffSide, layout: Layout): string[] {
  const trust = trustLines(facts, { ...layout, columns: layout.columns - 2 }).map((line) => `  ${line}`);
  const what = [captureName(facts), ...(part === '' ? [] : [part])].join(', ');
  return [...wrap(`${name}: ${what}`, layout.columns, '  '), ...trust];
}

function totalOf({ sums }: DiffSide): { bytes: number; allocations: number } {
  const total = { bytes: 0, allocations: 0 };
  for (const sum of sums.values()) {
    total.bytes += sum.bytes;
    total.allocations += sum.allocations;
  }
  return total;
}

function totalLine(before: DiffSide, after: DiffSide): string {
  const [a, b] = [totalOf(before), totalOf(after)];
  const bytes = `${formatBytes(a.bytes)} → ${formatBytes(b.bytes)} (${formatSigned(b.bytes - a.bytes, formatBytes)})`;
  const difference = formatSigned(b.allocations - a.allocations, formatCount);
  return `together: ${bytes}, ${formatCount(a.allocations)} → ${formatPlural(b.allocations, 'allocation')} (${difference})`;
}

/** The share is left out where there is no room for it. */
function tableLines(rows: DiffRow[], by: DiffBy, layout: Layout): string[] {
  const withShare = layout.columns >= SHARE_COLUMNS;
  const cells = rows.map((row) => [
    formatSigned(row.difference_bytes, formatBytes),
    row.change === 'new' ? 'new' : formatBytes(row.before_bytes),
    row.change === 'gone' ? 'gone' : formatBytes(row.after_bytes),
    ...(withShare ? [shareText(row)] : []),
    formatSigned(row.difference_allocations, formatCount),
    printable(row.label),
  ]);
  const numbers = ['Difference', 'Before', 'After', ...(withShare ? ['Change'] : []), 'Allocations'];
  const columns: Column[] = numbers.map((title) => ({ title, align: 'right' }));
  return styledTable(renderTable([...columns, placeColumn(by)], cells, layout.columns), layout);
}

const SHARE_COLUMNS = 100;

function placeColumn(by: DiffBy): Column {
  if (isGrouping(by)) return groupColumn(by);
  return by === 'file' ? { title: 'File', shorten: shortenPath } : { title: 'Location', shorten: shortenLocation };
}

/** By how much of what was there before. */
function shareText({ change, before_bytes, difference_bytes }: DiffRow): string {
  if (change !== 'changed' || before_bytes === 0) return '';
  return `${formatSigned((difference_bytes / before_bytes) * 100, (percent) => percent.toFixed(1))}%`;
}
