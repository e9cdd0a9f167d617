/** The data of a flame graph page; its shape: `page/format.ts`. */
import { TICK_NS } from '../model/intervals.ts';
import { printable } from '../util/format.ts';
import { EmbeddedSource } from './embedded-source.ts';
import { type MergedTree, mergeStacks, type TreeOptions } from './flamegraph-tree.ts';
import { type Intervals, readIntervals } from './intervals.ts';
import { invertedTree } from './inversion.ts';
import {
  type Column,
  type FlamegraphData,
  type LeafValueName,
  type PageTime,
  type PageView,
  UNITS,
  VIEWS,
} from './page/format.ts';
import { convert } from './page/predict.ts';
import { delta, f64, int, natural, small, treeColumns, u8 } from './page-columns.ts';
import type { Capture } from './report.ts';
import type { Selection } from './selection.ts';
import type { TimeWindow } from './time-range.ts';
import { thinTimeline } from './timeline.ts';

export interface DataOptions extends TreeOptions {
  /** Stacks begin with the code that allocated, and go outwards. */
  inverted?: boolean | undefined;
  /** Given: a page on which ranges of time can be chosen. */
  temporal?: Temporal | undefined;
  /** The most points of the time line, and intervals. */
  maxMemoryRecords?: number | undefined;
  /** Folders of whose files the page may show lines. Default: none. */
  embedSource?: readonly string[] | undefined;
}

export interface Temporal {
  /** That the page opens with. */
  window: TimeWindow;
  /** Up to here it is known what happened when. */
  end_ns: number;
}

/** Of a page of 100,000 stacks these are the larger half: some 3 MB. */
const MAX_INTERVAL_ROWS = 250_000;

/** Null if nothing is in the selected view. */
export function flamegraphData(
  capture: Capture,
  selection: Selection,
  options: DataOptions & { name: string },
): FlamegraphData | null {
  const tree = mergeStacks(capture, selection, { ...options, withSites: options.temporal !== undefined });
  // A range of time may have leaks where all of it has none.
  const ofView = VIEWS.indexOf(options.temporal ? 'allocations' : selection.view) * 2 + 1;
  if (!tree.leaves.some((leaf) => leaf.values[ofView]! > 0)) return null;
  const { processes, threads, processIndex } = participants(capture, selection, tree);
  const { temporal, maxMemoryRecords, embedSource } = options;
  const source = embedSource && new EmbeddedSource(embedSource);
  return {
    format: 1,
    view: selection.view,
    threshold: selection.threshold,
    name: options.name,
    ...(options.inverted ? { inverted: true } : {}),
    ...(tree.leftOut === null ? {} : { left_out: tree.leftOut }),
    processes,
    threads,
    columns: {
      ...treeColumns(tree, source && ((frame) => source.line(frame))),
      ...leafColumns(tree),
      ...(options.inverted ? invertedColumns(tree, selection.view) : {}),
      ...(temporal === undefined ? valueColumns(tree) : {}),
      ...memoryColumns(capture, selection, processIndex, maxMemoryRecords),
    },
    ...(temporal === undefined ? {} : { temporal: pageTime(capture, tree, processIndex, temporal, maxMemoryRecords) }),
  };
}

function participants({ source, facts }: Capture, selection: Selection, tree: MergedTree) {
  const shown = facts.processes.filter((process) => selection.pid === null || process.pid === selection.pid);
  const processIndex = new Map(shown.map((process, i) => [process.id, i]));
  const rows = new Map(source.all('threads').map((thread) => [thread.id, thread]));
  return {
    processIndex,
    processes: shown.map((process) => ({
      pid: process.pid,
      name: printable(process.command_line || process.comm || ''),
      ended_ms: process.ended_ns === null ? null : process.ended_ns / 1e6,
    })),
    threads: tree.threadIds.map((id) => {
      const thread = rows.get(id)!;
      return { process: processIndex.get(thread.process_id) ?? 0, tid: thread.tid, name: printable(thread.name ?? '') };
    }),
  };
}

function leafColumns({ leaves }: MergedTree) {
  return {
    leaf_node: delta(leaves.map((leaf) => leaf.node)),
    leaf_thread: natural(leaves.map((leaf) => leaf.thread)),
    leaf_imported: u8(leaves.map((leaf) => Number(leaf.isImported))),
  };
}

/** Beside the upright tree: which branches the inverted one has, and where the leaves stand in it. */
function invertedColumns(tree: MergedTree, view: PageView) {
  const { branches, leafNode } = invertedTree(tree, VIEWS.indexOf(view) * 2, VIEWS.indexOf('allocations') * 2);
  return {
    leaf_node: delta(leafNode),
    branch_node: int(branches.node),
    branch_depth: int(branches.depth),
    branch_single: u8(branches.isSingle),
  };
}

function valueColumns({ leaves }: MergedTree): Record<LeafValueName, Column> {
  const values = VIEWS.flatMap((view, v) =>
    UNITS.map((unit, u) => [`leaf_${view}_${unit}`, int(leaves.map((leaf) => leaf.values[v * 2 + u]!))] as const),
  );
  return Object.fromEntries(values) as Record<LeafValueName, Column>;
}

function pageTime(
  { source }: Capture,
  tree: MergedTree,
  processIndex: Map<number, number>,
  { window, end_ns }: Temporal,
  maxIntervals = Number.POSITIVE_INFINITY,
): PageTime {
  const samples = new Set(source.all('v8_sample_sites').map(({ id }) => id));
  const processIds = new Map(source.all('threads').map((thread) => [thread.id, thread.process_id]));
  const processes = tree.leaves.map(({ thread }) => processIndex.get(processIds.get(tree.threadIds[thread]!)!)!);
  const owners = {
    entryOf: (site: number) => {
      const leaf = tree.siteLeaves!.get(site);
      return leaf !== undefined && samples.has(site) ? tree.leaves.length + leaf : leaf;
    },
    processOf: (id: number) => processIndex.get(id),
    processOfEntry: (entry: number) => processes[entry % processes.length]!,
  };
  const ticks = end_ns / TICK_NS;
  const grid = { width: window.interval_ns / TICK_NS, ticks };
  const intervals = readIntervals(source, owners, grid, { rows: MAX_INTERVAL_ROWS, intervals: maxIntervals });
  const count = Math.ceil(ticks / intervals.width) || 1;
  const width_ns = intervals.width * TICK_NS;
  return {
    interval_ms: width_ns / 1e6,
    intervals: count,
    from: Math.floor(window.from_ns / width_ns),
    to: window.to_ns === null ? count : Math.min(count, Math.ceil(window.to_ns / width_ns)),
    columns: timeColumns(intervals, 2 * tree.leaves.length),
  };
}

function timeColumns({ width, allocated, freed, peaks }: Intervals, entries: number): PageTime['columns'] {
  const of = (rows: number[][], column: number) => Float64Array.from(rows, (row) => row[column]!);
  const intervals = (rows: number[][]) => Float64Array.from(rows, (row) => row[0]! / width);
  const columns = {
    allocated_entry: of(allocated, 1),
    allocated_count: of(allocated, 2),
    allocated_bytes: of(allocated, 3),
    brief_count: of(allocated, 4),
    brief_bytes: of(allocated, 5),
    ungained_count: Float64Array.from(allocated, (row) => row[2]! - row[4]! - row[6]!),
    ungained_bytes: Float64Array.from(allocated, (row) => row[3]! - row[5]! - row[7]!),
    freed_entry: of(freed, 1),
    freed_count: of(freed, 3),
    freed_bytes: of(freed, 4),
  };
  convert(columns, entries, -1);
  return {
    allocated_interval: small(intervals(allocated)),
    allocated_entry: delta(columns.allocated_entry),
    allocated_count: small(columns.allocated_count),
    allocated_bytes: int(columns.allocated_bytes),
    brief_count: small(columns.brief_count),
    brief_bytes: int(columns.brief_bytes),
    ungained_count: int(columns.ungained_count),
    ungained_bytes: int(columns.ungained_bytes),
    freed_interval: small(intervals(freed)),
    freed_entry: delta(columns.freed_entry),
    freed_age: small(freed.map((row) => (row[0]! - row[2]!) / width)),
    freed_count: small(columns.freed_count),
    freed_bytes: int(columns.freed_bytes),
    peak_interval: delta(intervals(peaks)),
    peak_process: small(of(peaks, 1)),
    peak_bytes: int(of(peaks, 2)),
  };
}

function memoryColumns(
  { source }: Capture,
  selection: Selection,
  processIndex: Map<number, number>,
  maxPoints: number | undefined,
) {
  const rows = thinTimeline(source.all('memory', selection), maxPoints);
  return {
    memory_process: natural(rows.map((row) => processIndex.get(row.process_id) ?? 0)),
    memory_ms: f64(rows.map((row) => row.time_ns / 1e6)),
    memory_heap: f64(rows.map((row) => row.heap_bytes)),
    memory_rss: f64(rows.map((row) => row.rss_bytes ?? Number.NaN)),
  };
}
