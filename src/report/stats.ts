/** Statistics over everything that was allocated: sizes, allocator functions, the biggest places. */
import { formatBytes, formatCount, formatExactBytes, formatPercent, printable, shortenPath } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import { renderColumns } from '../util/table.ts';
import type { ProcessFacts } from './facts.ts';
import type { Layout } from './header.ts';
import { type Bin, type SizeRange, sizeHistogram, sizeRange } from './histogram.ts';
import { memrayMetadata } from './memray-metadata.ts';
import { shortenName } from './names.ts';
import { type Capture, jsonReport, textReport } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';
import type { FrameOptions } from './shown-stacks.ts';
import type { FrameRow, SiteRow, SizeClassRow, Source } from './source.ts';
import { isFilter } from './stack-filter.ts';
import { frameFunction, frameLocation, NO_STACK, Stacks } from './stacks.ts';

/** Names as in memray's `stats --json`. */
export interface Stats {
  total_num_allocations: number;
  total_bytes_allocated: number;
  peak_bytes: number;
  allocation_size_histogram: Bin[];
  allocator_type_distribution: Record<string, number>;
  top_allocations_by_size: { location: string; size: number }[];
  top_allocations_by_count: { location: string; count: number }[];
  top_modules_by_allocation_size: ModuleTotal[];
  top_modules_by_allocation_count: ModuleTotal[];
}

export interface ModuleTotal {
  module: string;
  num_allocations: number;
  total_bytes: number;
}

interface Total {
  name: string;
  bytes: number;
  allocations: number;
}

export interface StatsOptions extends Omit<Selection, 'view' | 'threshold' | 'tid'>, Pick<FrameOptions, 'native'> {
  /** Not given or null: all. */
  tid?: number | null;
  /** Length of the lists. */
  top: number;
}

/**
 * A module is that of the code that called the allocator, also below a line of Python or JavaScript, unless native frames
 * are hidden.
 */
export function computeStats({ source }: Capture, options: StatsOptions): Stats {
  const { top, native } = options;
  const selection = everything(options);
  const stacks = new Stacks(source);
  const locations = new Map<string, Total>();
  const modules = new Map<string, Total>();
  const allocators = new Map<string, Total>();
  const locationOf = remembered((place: FrameRow | undefined) => totalOf(locations, placeName(place)));
  const moduleOf = remembered((path: string) => totalOf(modules, path));
  const allocatorOf = remembered((name: string) => totalOf(allocators, name));
  const all: Total = { name: '', bytes: 0, allocations: 0 };
  for (const site of selectedSites(source, selection)) {
    add(all, site);
    const place = stacks.place(site.stack_id);
    add(locationOf(place), site);
    const caller = native === false ? place : stacks.innermost(site.stack_id);
    if (caller?.module) add(moduleOf(caller.module), site);
    add(allocatorOf(site.allocator), site);
  }
  let peak = 0;
  for (const { bytes } of selectedSites(source, { ...selection, view: 'high_watermark' })) peak += bytes;
  return {
    total_num_allocations: all.allocations,
    total_bytes_allocated: all.bytes,
    peak_bytes: peak,
    allocation_size_histogram: sizeHistogram(sizeClasses(source, selection)),
    allocator_type_distribution: Object.fromEntries(byCount(allocators).map((t) => [t.name, t.allocations])),
    top_allocations_by_size: bySize(locations)
      .slice(0, top)
      .map((t) => ({ location: t.name, size: t.bytes })),
    top_allocations_by_count: byCount(locations)
      .slice(0, top)
      .map((t) => ({ location: t.name, count: t.allocations })),
    top_modules_by_allocation_size: bySize(modules).slice(0, top).map(moduleTotal),
    top_modules_by_allocation_count: byCount(modules).slice(0, top).map(moduleTotal),
  };
}

/** The selection that stats are about. */
function everything({ top: _top, native: _native, tid = null, ...part }: StatsOptions): Selection {
  return { view: 'allocations', threshold: 1, tid, ...part };
}

/** Of a part of each process. */
const isPart = (selection: Selection): boolean => selection.tid !== null || isFilter(selection);

/** Sizes are counted by process: of a part of it they are not known. */
function sizeClasses(source: Source, selection: Selection): SizeClassRow[] {
  return isPart(selection) ? [] : source.all('size_classes', { pid: selection.pid });
}

export function statsText(capture: Capture, options: StatsOptions, layout: Layout): string {
  const { pid, top } = options;
  const stats = computeStats(capture, options);
  const selection = everything(options);
  if (stats.total_num_allocations === 0) return textReport(capture.facts, selection, [], layout);
  const isShown = ({ peak_bytes, pid: of }: ProcessFacts) => peak_bytes > 0 && (pid === null || of === pid);
  const several = selection.tid === null && capture.facts.processes.filter(isShown).length > 1;
  const section = (title: string, lines: string[]) => ['', layout.style.bold(title), ...lines];
  const ranked = (rows: [name: string, value: string][]) => rankedLines(rows, layout.columns);
  const body = [
    `${layout.style.bold('Total allocations:')} ${formatCount(stats.total_num_allocations)}`,
    `${layout.style.bold('Total memory allocated:')} ${formatExactBytes(stats.total_bytes_allocated)}`,
    `${layout.style.bold(peakTitle(selection, several))} ${formatExactBytes(stats.peak_bytes)}`,
    ...section(
      'Histogram of allocation size:',
      histogramLines(
        stats.allocation_size_histogram,
        sizeRange(sizeClasses(capture.source, selection)),
        whyNoSizes(selection, capture.facts.window !== undefined),
      ),
    ),
    ...section('Allocator type distribution:', shareLines(stats)),
    ...section(
      `Top ${top} locations by size:`,
      ranked(stats.top_allocations_by_size.map((row) => [row.location, formatBytes(row.size)])),
    ),
    ...section(
      `Top ${top} locations by number of allocations:`,
      ranked(stats.top_allocations_by_count.map((row) => [row.location, formatCount(row.count)])),
    ),
    ...section(
      `Top ${top} modules by size:`,
      ranked(stats.top_modules_by_allocation_size.map((row) => [row.module, formatBytes(row.total_bytes)])),
    ),
    ...section(
      `Top ${top} modules by number of allocations:`,
      ranked(stats.top_modules_by_allocation_count.map((row) => [row.module, formatCount(row.num_allocations)])),
    ),
  ];
  return textReport(capture.facts, selection, body, layout);
}

export function statsJson(capture: Capture, options: StatsOptions): string {
  const stats = computeStats(capture, options);
  const allocators = Object.keys(stats.allocator_type_distribution);
  const facts = { ...capture.facts, ...memrayMetadata(capture, options.pid, allocators) };
  return jsonReport(facts, everything(options), stats);
}

function peakTitle(selection: Selection, isSeveral: boolean): string {
  const what = isPart(selection) ? 'Part of the peak memory usage' : 'Peak memory usage';
  return `${what}${isSeveral ? ', summed over processes' : ''}:`;
}

function whyNoSizes(selection: Selection, isWindow: boolean): string {
  if (isPart(selection)) return 'not known of single threads and stacks: sizes are counted by process';
  return isWindow ? 'not known for a part of the time' : 'not recorded';
}

const BAR_LENGTH = 25;

/** `otherwise`: what is said if there is none. */
function histogramLines(all: Bin[], range: SizeRange | null, otherwise: string): string[] {
  if (range === null) return [`  ${otherwise}`];
  const bins = all.filter((bin) => bin.count > 0 || bin.min_bytes <= bin.max_bytes);
  const most = Math.max(...bins.map((bin) => bin.count));
  const maxOf = (bin: Bin) => (bin === all.at(-1) ? range.max_bytes : bin.max_bytes);
  const bounds = bins.map((bin) => [formatBytes(bin.min_bytes), formatBytes(maxOf(bin))] as const);
  const [fromWidth, toWidth] = [0, 1].map((side) => Math.max(...bounds.map((bound) => bound[side as 0 | 1].length)));
  const countWidth = formatCount(most).length;
  const rows = bins.map((bin, i) => {
    const bar = '▇'.repeat(Math.ceil((bin.count / most) * BAR_LENGTH));
    const [from, to] = bounds[i]!;
    const range = `${from.padStart(fromWidth!)} … ${to.padStart(toWidth!)}`;
    return `  ${range}: ${formatCount(bin.count).padStart(countWidth)} ${bar}`.trimEnd();
  });
  return [`  min: ${formatBytes(range.min_bytes)}, max: ${formatBytes(range.max_bytes)}`, ...rows];
}

function shareLines(stats: Stats): string[] {
  const rows = Object.entries(stats.allocator_type_distribution);
  return renderColumns(
    rows.map(([name, count]) => [name, formatCount(count), formatPercent(count, stats.total_num_allocations)]),
    '  ',
  );
}

/** `  - name -> value`; a name that does not fit loses arguments and directories. */
function rankedLines(rows: [name: string, value: string][], columns: number): string[] {
  if (rows.length === 0) return ['  not known'];
  return rows.map(([name, value]) => {
    const width = columns - 8 - value.length;
    return `  - ${shortenPlace(printable(name), width)} -> ${value}`;
  });
}

/** `function:file:line`, where the function may itself contain `::`. */
function shortenPlace(place: string, width: number): string {
  if (place.length <= width) return place;
  if (place.startsWith('/')) return shortenPath(place, width);
  const split = /^(.*[^:]):([^:][^:]*(?::\d+)?)$/.exec(place);
  if (split === null) return shortenName(place, width);
  const file = shortenPath(split[2]!, Math.max(width - split[1]!.length - 1, Math.floor(width / 2)));
  return `${shortenName(split[1]!, width - file.length - 1)}:${file}`;
}

function placeName(place: FrameRow | undefined): string {
  if (place === undefined) return NO_STACK;
  const path = frameLocation(place);
  return `${frameFunction(place)}${path ? `:${path}` : ''}`;
}

function totalOf(totals: Map<string, Total>, name: string): Total {
  const total = totals.get(name) ?? { name, bytes: 0, allocations: 0 };
  totals.set(name, total);
  return total;
}

function add(total: Total, { bytes, allocations }: SiteRow): void {
  total.bytes += bytes;
  total.allocations += allocations;
}

function bySize(totals: Map<string, Total>): Total[] {
  return [...totals.values()].sort((a, b) => b.bytes - a.bytes || b.allocations - a.allocations || byName(a, b));
}

function byCount(totals: Map<string, Total>): Total[] {
  return [...totals.values()].sort((a, b) => b.allocations - a.allocations || b.bytes - a.bytes || byName(a, b));
}

const byName = (a: Total, b: Total): number => (a.name < b.name ? -1 : 1);

const moduleTotal = (total: Total): ModuleTotal => ({
  module: total.name,
  num_allocations: total.allocations,
  total_bytes: total.bytes,
});
