/**
 * Valgrind massif's format, for ms_print and massif-visualizer: the heap of one process over time, with the tree of what it
 * was made of at its peak and, at the end, of what leaked. Trees begin at the allocating functions and grow towards main:
 *
 *     snapshot=3
 *     #-----------
 *     time=1200
 *     mem_heap_B=1600
 *     mem_heap_extra_B=0
 *     mem_stacks_B=0
 *     heap_tree=peak
 *     n2: 1600 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 *      n1: 1592 0x0: load (load.c:20)              n: number of children; addresses are not in a capture
 *       n0: 1592 0x0: main (main.c:10)
 *      n0: 8 in 1 place, below massif's threshold (0.10%)
 */
import { UserError } from '../../util/errors.ts';
import type { ProcessFacts } from '../facts.ts';
import { lossLines } from '../losses.ts';
import type { Capture } from '../report.ts';
import { type Selection, selectionTitle } from '../selection.ts';
import { ShownStacks } from '../shown-stacks.ts';
import type { MemoryRow } from '../source.ts';
import { isFilter } from '../stack-filter.ts';
import { windowTitle } from '../time-range.ts';
import { plain, sumOf, treeLines } from './massif-tree.ts';
import { type ExportOptions, processLabel, type StackTotal, totalsByOwner } from './samples.ts';

/** Massif's own files have at most a hundred. */
const MAX_SNAPSHOTS = 100;

interface Snapshot {
  timeMs: number;
  bytes: number;
  kind: 'empty' | 'detailed' | 'peak';
}

/** @throws UserError for a view that is not of a moment, and if there are several processes. */
export function massif(capture: Capture, selection: Selection, options: ExportOptions): Iterable<string> {
  if (selection.view !== 'high_watermark' && selection.view !== 'leaks')
    throw new UserError('massif shows what is live at a moment: the high watermark, or --leaks.', 2);
  if (selection.tid !== null) throw new UserError('massif shows whole processes: leave out --thread.', 2);
  if (isFilter(selection)) throw new UserError('massif shows whole processes: leave out --include and --exclude.', 2);
  return massifText(capture, selection, options, onlyProcess(capture, selection));
}

/** Of the images of a pid, the one with the largest heap. */
function onlyProcess({ facts }: Capture, { pid }: Selection): ProcessFacts {
  const processes = facts.processes.filter((row) => row.allocations > 0 && (pid === null || row.pid === pid));
  processes.sort((a, b) => b.peak_bytes - a.peak_bytes || a.id - b.id);
  const pids = new Set(processes.map((row) => row.pid));
  if (pids.size > 1) {
    const first = processes.slice(0, 5).map(processLabel).join(', ');
    throw new UserError(
      `massif shows one process, and the capture has ${pids.size}: choose one with --pid. The largest: ${first}.`,
    );
  }
  return processes[0]!;
}

function* massifText(
  capture: Capture,
  selection: Selection,
  options: ExportOptions,
  process: ProcessFacts,
): Iterable<string> {
  const shown = new ShownStacks(capture.source, options);
  const stacks = (view: 'high_watermark' | 'leaks'): StackTotal[] => {
    const owners = totalsByOwner(capture, { ...selection, view, pid: process.pid }, options, shown);
    return owners.find((owner) => owner.process.id === process.id)?.stacks ?? [];
  };
  const trees = {
    empty: [],
    peak: selection.view === 'leaks' ? null : stacks('high_watermark'),
    detailed: stacks('leaks'),
  };
  const { window } = capture.facts;
  const about = [
    `mp, ${selectionTitle(selection, capture.facts)}, process ${processLabel(process)}`,
    ...(window === undefined ? [] : [`window: ${windowTitle(window)}`]),
  ];
  const losses = lossLines(capture.facts.losses, Number.POSITIVE_INFINITY);
  yield [...about, ...losses].map((line) => `desc: ${plain(line)}\n`).join('');
  yield `cmd: ${plain(process.command_line || capture.facts.command_line || '?')}\ntime_unit: ms\n`;
  for (const [i, { timeMs, bytes, kind }] of snapshots(capture, process, trees.peak, trees.detailed).entries()) {
    yield `#-----------\nsnapshot=${i}\n#-----------\ntime=${timeMs}\nmem_heap_B=${bytes}\n`;
    yield `mem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=${kind}\n`;
    if (kind !== 'empty') yield* treeLines(trees[kind]!, bytes);
  }
}

/** In the order of time, which begins with the process. The peak is that of the tree, the last one what is live at the end. */
function snapshots(
  { source, facts }: Capture,
  process: ProcessFacts,
  peakStacks: StackTotal[] | null,
  endStacks: StackTotal[],
): Snapshot[] {
  const rows = source.all('memory', { pid: process.pid }).filter((row) => row.process_id === process.id);
  const peak = peakStacks && sumOf(peakStacks);
  // When the same maximum is reached twice the later moment is the peak.
  const peakRow = rows.findLast((row) => row.heap_bytes === peak);
  const timeMs = (ns: number) => Math.max(0, Math.round((ns - process.started_ns) / 1e6));
  const thinned = thin(rows, peakRow ?? null).map((row): Snapshot => {
    const kind = row === peakRow ? 'peak' : 'empty';
    return { timeMs: timeMs(row.time_ns), bytes: row.heap_bytes, kind };
  });
  const endNs = Math.min(process.ended_ns ?? facts.duration_ns, facts.window?.to_ns ?? Infinity);
  const endMs = Math.max(timeMs(endNs), thinned.at(-1)?.timeMs ?? 0);
  if (peak !== null && !peakRow) thinned.push({ timeMs: endMs, bytes: peak, kind: 'peak' });
  return [...thinned, { timeMs: endMs, bytes: sumOf(endStacks), kind: 'detailed' }];
}

/** Of each slice of time the highest point, and in any case the first and `kept`. */
function thin(rows: MemoryRow[], kept: MemoryRow | null): MemoryRow[] {
  if (rows.length < MAX_SNAPSHOTS) return rows;
  const begin = rows[0]!.time_ns;
  const slice = (rows.at(-1)!.time_ns - begin) / (MAX_SNAPSHOTS - 3) || 1;
  const highest = new Map<number, MemoryRow>();
  for (const row of rows.slice(1)) {
    const at = Math.floor((row.time_ns - begin) / slice);
    const known = highest.get(at);
    if (known === undefined || row === kept || (known !== kept && row.heap_bytes > known.heap_bytes))
      highest.set(at, row);
  }
  return [rows[0]!, ...highest.values()];
}
