/** What every report says about its capture before it says anything else; also the `metadata` of all JSON. */
import { groupBy } from '../util/group-by.ts';
import type { ProcessRow, Source } from './source.ts';
import type { TimeWindow } from './time-range.ts';

/** `recording`: its recorder is still at work; `cut off`: its recorder was killed. */
export type CaptureStatus = 'complete' | 'recording' | 'cut off';

export interface ProcessFacts extends ProcessRow {
  allocations: number;
  allocated_bytes: number;
  deallocations: number;
  peak_bytes: number;
  leaked_allocations: number;
  leaked_bytes: number;
}

export interface Facts {
  /** Path of the file, as it was given. */
  capture: string;
  status: CaptureStatus;
  mode: string;
  mp_version: string;
  command_line: string;
  /** ISO 8601; null if not known. */
  started_at: string | null;
  ended_at: string | null;
  duration_ns: number;
  /** All numbers of allocations and bytes are of this time. Not given: of the whole capture. */
  window?: TimeWindow;
  allocations: number;
  allocated_bytes: number;
  /** Sum over the processes, whose peaks need not be at one moment. */
  peak_bytes: number;
  leaked_allocations: number;
  leaked_bytes: number;
  processes: ProcessFacts[];
  warnings: string[];
  /** What the reader should know of how it was recorded. */
  notes: string[];
  losses: Record<string, number>;
}

export function readFacts(source: Source, capture: string, status: CaptureStatus): Facts {
  const meta = new Map(source.all('meta').map((row) => [row.key, row.value]));
  const processes = readProcesses(source);
  const sum = (of: (process: ProcessFacts) => number) => processes.reduce((total, process) => total + of(process), 0);
  return {
    capture,
    status,
    mode: meta.get('mode') ?? '',
    mp_version: meta.get('mp_version') ?? '',
    command_line: meta.get('command_line') ?? '',
    started_at: meta.get('started_at') ?? null,
    ended_at: meta.get('ended_at') ?? null,
    duration_ns: duration(source, meta),
    allocations: sum((process) => process.allocations),
    allocated_bytes: sum((process) => process.allocated_bytes),
    peak_bytes: sum((process) => process.peak_bytes),
    leaked_allocations: sum((process) => process.leaked_allocations),
    leaked_bytes: sum((process) => process.leaked_bytes),
    processes,
    warnings: warningsOf(processes),
    notes: hidesPythonObjects(processes, meta.get('options')) ? [PYTHON_OBJECTS_HIDDEN] : [],
    losses: Object.fromEntries(source.all('losses').map((row) => [row.kind, row.count])),
  };
}

/** Each once, with the first processes that have it. */
function warningsOf(processes: ProcessFacts[]): string[] {
  const byText = groupBy(
    processes.filter(({ warning }) => warning),
    ({ warning }) => warning,
  );
  return [...byText].map(([text, { length, 0: first }]) =>
    length === 1 ? `${text} (process ${first!.pid})` : `${text} (process ${first!.pid} and ${length - 1} more)`,
  );
}

const PYTHON_OBJECTS_HIDDEN =
  'Python keeps small objects (up to 512 bytes) in pools of its own, which hide them here: only the growth of the pools ' +
  'is shown. Record with --trace-python-allocators to see every object.';

function hidesPythonObjects(processes: ProcessFacts[], options: string | null | undefined): boolean {
  if (!processes.some((process) => process.runtime?.startsWith('python'))) return false;
  try {
    return JSON.parse(options ?? '{}').tracePythonAllocators !== true;
  } catch {
    return true;
  }
}

function readProcesses(source: Source): ProcessFacts[] {
  const totals = new Map(source.all('process_totals').map((row) => [row.process_id, row]));
  return source.all('processes').map((process) => {
    const total = totals.get(process.id);
    return {
      ...process,
      allocations: total?.allocations ?? 0,
      allocated_bytes: total?.allocated_bytes ?? 0,
      deallocations: total?.deallocations ?? 0,
      peak_bytes: total?.peak_bytes ?? 0,
      leaked_allocations: total?.live_allocations ?? 0,
      leaked_bytes: total?.live_bytes ?? 0,
    };
  });
}

/** By the recorder's clock; without its end, up to the last moment of which anything is known. */
function duration(source: Source, meta: Map<string, string | null>): number {
  const ms = Date.parse(meta.get('ended_at') ?? '') - Date.parse(meta.get('started_at') ?? '');
  if (!Number.isNaN(ms)) return ms * 1e6;
  return Math.max(source.all('last_time')[0]?.time_ns ?? 0, Number(meta.get('interval_end_ns')) || 0);
}
