/**
 * What a flame graph page carries, written by `flamegraph-data.ts` and read by the page. Trees are columns in preorder;
 * a leaf entry is what one thread allocated directly at one node, in every view:
 *
 *     tree            node  depth  frame         entry  node  thread  peak bytes  …
 *     all             0     0      0             0      2     0       800
 *       main          1     1      1             1      3     0       200
 *         load        2     2      2             2      3     1       50
 *         save        3     2      3
 *
 * Totals, positions and filters by process and thread are computed from these in the page, so that all views cost one
 * tree. Columns are little-endian arrays, deflated, in base64: 300,000 nodes fit a megabyte.
 *
 * A temporal page has no values of leaves: it adds them up for the range of time that its reader chose, see `window.ts`.
 */

/** The views, in the order of the page, as the views of a capture are called. */
export const VIEWS = ['high_watermark', 'leaks', 'temporary_allocations', 'allocations', 'v8_samples'] as const;
export type PageView = (typeof VIEWS)[number];

export const UNITS = ['bytes', 'allocations'] as const;
export type Unit = (typeof UNITS)[number];

/** What a node stands for; the index is its number in `frame_kind`. `internal`: JavaScript that is Node's own. */
export const KINDS = ['native', 'python', 'javascript', 'owner', 'unknown', 'internal'] as const;
export type Kind = (typeof KINDS)[number];

export interface Column {
  type: 'u8' | 'u16' | 'u32' | 'f64' | 'int' | 'delta' | 'text';
  /** Raw deflate, base64. `text` is a JSON array of strings; `int` and `delta`: see `page-columns.ts`. */
  data: string;
}

export interface PageProcess {
  pid: number;
  name: string;
  /** Null: not seen to end. */
  ended_ms: number | null;
}

export interface PageThread {
  /** Index in `processes`. */
  process: number;
  tid: number;
  name: string;
}

export interface FlamegraphData {
  format: 1;
  view: PageView;
  /** Of temporary allocations. */
  threshold: number;
  /** Stem of files that the page offers to save. */
  name: string;
  /** Native frames that some stacks lack: all, or those with which the interpreter calls. Absent: none. */
  left_out?: 'native' | 'machinery';
  /** Stacks begin with the code that allocated: the nodes are made of branches and of the upright tree, see `inverted.ts`. */
  inverted?: true;
  processes: PageProcess[];
  threads: PageThread[];
  columns: Record<Exclude<ColumnName, LeafValueName>, Column> &
    Partial<Record<LeafValueName | BranchColumnName | 'frame_source', Column>>;
  temporal?: PageTime;
}

/** What the sites did in intervals of time, as a capture has it: see `intervals.ts` beside `flamegraph-data.ts`. */
export interface PageTime {
  /** Width of an interval. */
  interval_ms: number;
  /** Number of intervals, from the beginning of the capture. */
  intervals: number;
  /** The range that the page opens with, in intervals; `to` is exclusive. */
  from: number;
  to: number;
  columns: Record<TimeColumnName, Column>;
}

/**
 * By entry, then by interval. Bytes are what they differ by from what is expected: as many for each block as in the row
 * before of that entry, or in the first bytes of a row: `predict.ts`.
 */
export type TimeColumnName =
  /** What was allocated in an interval; of that, what was freed in it; what was gained up to its high watermark. */
  | 'allocated_interval'
  /** Index of a leaf entry; for samples of V8's heap that index and the number of entries. */
  | 'allocated_entry'
  | 'allocated_count'
  | 'allocated_bytes'
  | 'brief_count'
  | 'brief_bytes'
  /** What was not gained of what was not brief. */
  | 'ungained_count'
  | 'ungained_bytes'
  /** What was freed in an interval, of what was allocated in an earlier one. */
  | 'freed_interval'
  | 'freed_entry'
  /** How many intervals before it was allocated. */
  | 'freed_age'
  | 'freed_count'
  | 'freed_bytes'
  /** The high watermark of a process in an interval; by interval. */
  | 'peak_interval'
  | 'peak_process'
  | 'peak_bytes';

/** What every page with a graph has. */
export type FrameColumnName =
  /** Distinct texts, the first one empty: unknown. */
  | 'texts'
  /** Indices of texts, line 0 is unknown. */
  | 'frame_function'
  | 'frame_file'
  | 'frame_line'
  | 'frame_module'
  | 'frame_kind'
  | 'frame_inlined'
  | 'node_depth'
  | 'node_frame';

export type ColumnName =
  | FrameColumnName
  | 'leaf_node'
  | 'leaf_thread'
  /** Whether the import of a module stands in the stack. */
  | 'leaf_imported'
  | LeafValueName
  /** The time line, by time; `memory_process` is an index in `processes`; RSS is NaN where it was not read. */
  | 'memory_process'
  | 'memory_ms'
  | 'memory_heap'
  | 'memory_rss';

/** Of an inverted tree, which leaf entries stand in then. */
export type BranchColumnName = 'branch_node' | 'branch_depth' | 'branch_single';

export type LeafValueName = `leaf_${PageView}_${Unit}`;
