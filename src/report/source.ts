/**
 * What reports may ask for: named queries over one consistent state of a capture, answered by store/reader.ts. The
 * names and the rows are stated here, by the side that needs them; the SQL stands there.
 */
import type { FrameRow } from '../model/frame-row.ts';

export type { FrameRow };

export interface ProcessRow {
  id: number;
  pid: number;
  parent_id: number | null;
  origin: string;
  started_ns: number;
  ended_ns: number | null;
  exit_code: number | null;
  exit_signal: number | null;
  comm: string | null;
  executable: string | null;
  command_line: string | null;
  cgroup: string | null;
  runtime: string | null;
  warning: string | null;
}

export interface ProcessTotalsRow {
  process_id: number;
  allocations: number;
  allocated_bytes: number;
  deallocations: number;
  peak_bytes: number;
  live_allocations: number;
  live_bytes: number;
}

/** What one stack did in one thread through one allocator, in the view that was asked for. */
export interface SiteRow {
  process_id: number;
  thread_id: number;
  allocator: string;
  stack_id: number | null;
  allocations: number;
  bytes: number;
}

/** The same in all views at once; `temporary_*` up to the threshold that was asked for. */
export interface SiteViewsRow {
  id: number;
  process_id: number;
  thread_id: number;
  allocator: string;
  stack_id: number | null;
  peak_allocations: number;
  peak_bytes: number;
  live_allocations: number;
  live_bytes: number;
  temporary_allocations: number;
  temporary_bytes: number;
  allocations: number;
  allocated_bytes: number;
  sample_allocations: number;
  sample_bytes: number;
}

export interface MemoryRow {
  process_id: number;
  time_ns: number;
  heap_bytes: number;
  live_allocations: number;
  rss_bytes: number | null;
}

/** What a site allocated in the interval that begins at `tick`, see `model/intervals.ts`; a site may have several rows. */
export interface AllocatedRow {
  tick: number;
  site_id: number;
  allocations: number;
  bytes: number;
  brief_allocations: number;
  brief_bytes: number;
  peak_allocations: number;
  peak_bytes: number;
}

/** What a site freed of what it had allocated in the interval that begins at `from_tick`. */
export interface FreedRow {
  tick: number;
  site_id: number;
  from_tick: number;
  allocations: number;
  bytes: number;
}

export interface SizeClassRow {
  min_bytes: number;
  /** Inclusive. */
  max_bytes: number;
  allocations: number;
  bytes: number;
}

/** What resident memory was used for at one moment; all but the last two bytes are parts of `rss_bytes`. */
export interface ResidentRow {
  process_id: number;
  pid: number;
  time_ns: number;
  rss_bytes: number;
  /** Null: no V8 that is known. */
  v8_heap_bytes: number | null;
  jit_code_bytes: number;
  brk_bytes: number;
  anonymous_bytes: number;
  stack_bytes: number;
  file_bytes: number;
  shared_bytes: number;
  /** Not resident. */
  untouched_bytes: number;
  /** Requested bytes of recorded Buffers; null: not known. */
  live_buffer_bytes: number | null;
  /** Of the process, at any moment of the time line. */
  largest_rss_bytes: number;
}

/** A live block of a snapshot. */
export interface BlockRow {
  process_id: number;
  pid: number;
  address: number;
  bytes: number;
  stack_id: number | null;
}

export interface MetricRow {
  name: string;
  value: number;
  /** `int`, `size` or `percent`. */
  format: string;
}

/** A snapshot inside the capture. */
export interface SnapshotRow {
  id: number;
  time_ns: number;
  /** ISO 8601. */
  taken_at: string;
  /** `delay`, `threshold`, `growth`, `limit` or `signal`. */
  reason: string;
  live_allocations: number;
  live_bytes: number;
  /** 1: with its blocks. */
  traces: number;
}

/** Row type of each query. Those of sites, size classes and memory respect `pid` and `tid` of the parameters. */
export interface Rows {
  meta: { key: string; value: string | null };
  processes: ProcessRow;
  process_totals: ProcessTotalsRow;
  threads: { id: number; process_id: number; tid: number; name: string | null };
  losses: { kind: string; count: number };
  /** By id. */
  frames: FrameRow;
  /** Of frames in a mapped file: two files of one path are two modules. */
  frame_modules: { frame_id: number; module_id: number; path: string; build_id: string | null };
  /** By id. */
  stacks: { id: number; parent_id: number | null; frame_id: number; depth: number };
  last_time: { time_ns: number };
  sites_high_watermark: SiteRow;
  sites_leaks: SiteRow;
  sites_temporary_allocations: SiteRow;
  sites_allocations: SiteRow;
  sites_v8_samples: SiteRow;
  sites_all_views: SiteViewsRow;
  /** By time. */
  memory: MemoryRow;
  /** By time; of all of the capture. */
  intervals_allocated: AllocatedRow;
  intervals_freed: FreedRow;
  v8_sample_sites: { id: number };
  interval_peaks: { tick: number; process_id: number; bytes: number };
  /** By process and time. */
  residents: ResidentRow;
  /** Of a snapshot with traces. */
  blocks: BlockRow;
  /** Of a snapshot. */
  metrics: MetricRow;
  /** By id. */
  snapshots: SnapshotRow;
  /** Summed over allocators and processes, by size. */
  size_classes: SizeClassRow;
}

export interface QueryParameters {
  /** Null: all. */
  pid: number | null;
  tid: number | null;
  /** Temporary: freed after at most this many other allocations of the thread. */
  threshold: number;
}

/** Of tables that grow with what is recorded. */
export type LargeQuery = 'frames' | 'stacks' | Extract<keyof Rows, `sites_${string}`>;

/** Values by row, of each field. */
export type ColumnsOf<Row> = { [Field in keyof Row]: Row[Field][] };

export interface Source {
  all<Name extends keyof Rows>(query: Name, parameters?: Partial<QueryParameters>): Rows[Name][];
  /** The same without holding all rows at once. */
  iterate<Name extends keyof Rows>(query: Name, parameters?: Partial<QueryParameters>): Iterable<Rows[Name]>;
  /** Columns of the same rows, many rows at a time: the quickest way to read a large table. */
  columns<Name extends LargeQuery, Field extends keyof Rows[Name] & string>(
    query: Name,
    fields: readonly Field[],
    parameters?: Partial<QueryParameters>,
  ): Iterable<Pick<ColumnsOf<Rows[Name]>, Field>>;
}
