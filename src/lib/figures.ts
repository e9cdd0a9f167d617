/** The figures of a capture: its sums, and if it is being recorded the memory of what runs. */
import type { PythonFigures } from '../model/heap.ts';
import { openHeap } from '../native/binding.ts';
import { readFacts } from '../report/facts.ts';
import type { ResidentRow } from '../report/source.ts';
import type { Db } from '../store/db.ts';
import { Reader } from '../store/reader.ts';
import type { Figures } from '../top/figures.ts';
import type { Metric } from '../top/metric.ts';
import { pythonMetrics } from '../top/python-figures.ts';
import { processMemory } from './process-memory.ts';

export function figuresOf(db: Db): Figures {
  const source = new Reader(db);
  const meta = new Map(source.all<{ key: string; value: string }>('meta').map(({ key, value }) => [key, value]));
  const isRecording = meta.get('status') === 'recording';
  const { leaked_bytes, leaked_allocations, peak_bytes, processes } = readFacts(source, '', 'recording');
  const running = isRecording ? processes.filter(({ ended_ns }) => ended_ns === null).map(({ pid }) => pid) : [];
  return {
    tracedBytes: leaked_bytes,
    tracedMaxBytes: peak_bytes,
    tracedBlocks: leaked_allocations,
    process: processMemory(running),
    tracerBytes: isRecording ? (processMemory([Number(meta.get('tracer_pid'))])?.rssBytes ?? null) : null,
  };
}

/** What runtimes keep account of: V8's heaps, and those of the Pythons that are running. */
export function runtimeMetrics(db: Db): Metric[] {
  return [...v8Metrics(new Reader(db)), ...runningPythonMetrics(db)];
}

export function runningPythonMetrics(db: Db): Metric[] {
  return pythonMetrics(runningPythons(db).flatMap(figuresOfPython));
}

/** A heap of a million objects takes some tens of milliseconds. Of more processes there are no figures. */
const MAX_PYTHONS = 64;

/** Pids, while they are being recorded. `runtime` names only versions that mp can read. */
function runningPythons(db: Db): number[] {
  if (db.get("SELECT 1 AS found FROM meta WHERE key = 'status' AND value = 'recording'") === undefined) return [];
  const rows = db.all<{ pid: number }>("SELECT pid FROM process WHERE ended_ns IS NULL AND runtime LIKE 'python %'");
  return rows.length > MAX_PYTHONS ? [] : rows.map(({ pid }) => pid);
}

/** Nothing if it has ended, or may not be read. */
function figuresOfPython(pid: number): PythonFigures[] {
  try {
    return [openHeap(pid, 0).figures()];
  } catch {
    return [];
  }
}

/** What is resident of the heaps of V8 in the processes that have one; empty if none has. */
function v8Metrics(source: Reader): Metric[] {
  const last = new Map<number, number>();
  for (const { process_id, v8_heap_bytes } of source.iterate<ResidentRow>('residents')) {
    if (v8_heap_bytes !== null) last.set(process_id, v8_heap_bytes);
  }
  const value = [...last.values()].reduce((sum, bytes) => sum + bytes, 0);
  return last.size === 0 ? [] : [{ name: 'v8.heap.resident', value, format: 'size' }];
}
