/** The keys of `metadata` in memray's `stats --json`, for scripts that read them: those that mp can answer. */
import type { Capture } from './report.ts';

export interface MemrayMetadata {
  /** ISO 8601; null if not known. */
  start_time: string | null;
  end_time: string | null;
  total_allocations: number;
  /** Distinct frames. */
  total_frames: number;
  /** Bytes; summed over processes. */
  peak_memory: number;
  /** Of the first process. */
  pid: number | null;
  main_thread_id: number | null;
  /** `pymalloc`, `malloc`; null without Python. */
  python_allocator: string | null;
  has_native_traces: boolean;
  trace_python_allocators: boolean;
  /** 1: what is known by time, 2: aggregated. */
  file_format: 1 | 2;
}

/** Of one process, or of all. `allocators` are the names of those that were called. */
export function memrayMetadata(
  { source, facts }: Capture,
  pid: number | null,
  allocators: readonly string[],
): MemrayMetadata {
  const processes = facts.processes.filter((process) => pid === null || process.pid === pid);
  const sum = (key: 'allocations' | 'peak_bytes') => processes.reduce((total, process) => total + process[key], 0);
  const first = processes[0]?.pid ?? null;
  const options = recordOptions(new Map(source.all('meta').map((row) => [row.key, row.value])).get('options'));
  return {
    start_time: facts.started_at,
    end_time: facts.ended_at,
    total_allocations: sum('allocations'),
    total_frames: source.all('frames').length,
    peak_memory: sum('peak_bytes'),
    pid: first,
    // The kernel's name of a process is that of its first thread.
    main_thread_id: first,
    python_allocator: processes.some(({ runtime }) => runtime?.startsWith('python'))
      ? pythonAllocator(options, allocators)
      : null,
    has_native_traces: options.native !== false,
    trace_python_allocators: options.tracePythonAllocators === true,
    file_format: options.aggregate === true ? 2 : 1,
  };
}

/** Python's own, unless it was traced and nobody called it: PYTHONMALLOC can name another. */
function pythonAllocator({ tracePythonAllocators }: Record<string, unknown>, allocators: readonly string[]): string {
  const isUnused = tracePythonAllocators === true && !allocators.some((name) => name.startsWith('pymalloc_'));
  return isUnused ? 'malloc' : 'pymalloc';
}

function recordOptions(json: string | null | undefined): Record<string, unknown> {
  try {
    return JSON.parse(json ?? '{}') ?? {};
  } catch {
    return {};
  }
}
