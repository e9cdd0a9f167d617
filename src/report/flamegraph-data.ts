/** The data of a flame graph page; its shape: `page/format.ts`. */
import { deflateRawSync } from 'node:zlib';
import { printable } from '../util/format.ts';
import { type MergedTree, mergeStacks, type TreeOptions } from './flamegraph-tree.ts';
import { type Column, type FlamegraphData, KINDS, type LeafValueName, UNITS, VIEWS } from './page/format.ts';
import type { Capture } from './report.ts';
import type { Selection } from './selection.ts';
import { thinTimeline } from './timeline.ts';

/** Null if nothing is in the selected view. */
export function flamegraphData(
  capture: Capture,
  selection: Selection,
  options: TreeOptions & { name: string },
): FlamegraphData | null {
  const tree = mergeStacks(capture, selection, options);
  const ofView = VIEWS.indexOf(selection.view) * 2 + 1;
  if (!tree.leaves.some((leaf) => leaf.values[ofView]! > 0)) return null;
  const { processes, threads, processIndex } = participants(capture, selection, tree);
  return {
    format: 1,
    view: selection.view,
    threshold: selection.threshold,
    name: options.name,
    ...(tree.leftOut === null ? {} : { left_out: tree.leftOut }),
    processes,
    threads,
    columns: { ...treeColumns(tree), ...leafColumns(tree), ...memoryColumns(capture, selection, processIndex) },
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

function treeColumns({ frames, depths, frameOf }: MergedTree) {
  const texts: string[] = [''];
  const indices = new Map([['', 0]]);
  const text = (raw: string) => {
    const value = printable(raw);
    let index = indices.get(value);
    if (index === undefined) {
      index = texts.push(value) - 1;
      indices.set(value, index);
    }
    return index;
  };
  return {
    frame_function: u32(frames.map((frame) => text(frame.function))),
    frame_file: u32(frames.map((frame) => text(frame.file))),
    frame_line: u32(frames.map((frame) => frame.line)),
    frame_module: u32(frames.map((frame) => text(frame.module))),
    frame_kind: u8(frames.map((frame) => KINDS.indexOf(frame.kind))),
    frame_inlined: u8(frames.map((frame) => Number(frame.inlined))),
    node_depth: u32(depths),
    node_frame: u32(frameOf),
    texts: { type: 'text' as const, data: deflated(Buffer.from(JSON.stringify(texts))) },
  };
}

function leafColumns({ leaves }: MergedTree) {
  const values = VIEWS.flatMap((view, v) =>
    UNITS.map((unit, u) => [`leaf_${view}_${unit}`, f64(leaves.map((leaf) => leaf.values[v * 2 + u]!))] as const),
  );
  return {
    leaf_node: u32(leaves.map((leaf) => leaf.node)),
    leaf_thread: u32(leaves.map((leaf) => leaf.thread)),
    ...(Object.fromEntries(values) as Record<LeafValueName, Column>),
  };
}

function memoryColumns({ source }: Capture, selection: Selection, processIndex: Map<number, number>) {
  const rows = thinTimeline(source.all('memory', selection));
  return {
    memory_process: u32(rows.map((row) => processIndex.get(row.process_id) ?? 0)),
    memory_ms: f64(rows.map((row) => row.time_ns / 1e6)),
    memory_heap: f64(rows.map((row) => row.heap_bytes)),
    memory_rss: f64(rows.map((row) => row.rss_bytes ?? Number.NaN)),
  };
}

const u8 = (values: number[]): Column => ({ type: 'u8', data: deflated(Uint8Array.from(values)) });
const u32 = (values: ArrayLike<number>): Column => ({ type: 'u32', data: deflated(Uint32Array.from(values)) });
const f64 = (values: number[]): Column => ({ type: 'f64', data: deflated(Float64Array.from(values)) });

function deflated(array: Uint8Array | Uint32Array | Float64Array): string {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return deflateRawSync(bytes).toString('base64');
}
