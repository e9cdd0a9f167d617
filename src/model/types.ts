/**
 * The words of the project as types. Imports nothing.
 *
 * A batch is what one drain of the ring gave: fixed-size records (layout: bpf/mp.h, MP_RECORD_*) plus the things that
 * were seen for the first time: processes, threads, stacks, symbols. Indices are dense, begin at 0 and are never
 * reused within a capture.
 */

export type ProcessIndex = number;
export type ThreadIndex = number;
/** Index of a distinct native stack: a sequence of return addresses of one process image. */
export type StackIndex = number;
/** Index of a distinct code location: (module, address in the module). */
export type LocationIndex = number;
export type ModuleIndex = number;

export type Origin = 'launch' | 'attach' | 'fork' | 'exec';

export interface ProcessInfo {
  index: ProcessIndex;
  pid: number;
  /** The process that made this one (fork) or the image that it replaced (exec). */
  parent: ProcessIndex | null;
  origin: Origin;
  /** Nanoseconds since the capture began. */
  startedNs: number;
  comm: string;
  executable: string;
  commandLine: string;
  cgroup: string;
  /** `native`, later `python`, `node`. */
  runtime: string;
  /** What could not be probed, as a sentence; empty if all is well. */
  warning: string;
}

export interface ProcessEnd {
  index: ProcessIndex;
  endedNs: number;
  /** Null if it was killed by a signal, replaced by exec, or not seen to end. */
  exitCode: number | null;
  exitSignal: number | null;
}

/** What was found out about a process after it began; a sentence. */
export interface ProcessWarning {
  index: ProcessIndex;
  text: string;
}

export interface ThreadInfo {
  /** A renamed thread gets a new index: one row per name. */
  index: ThreadIndex;
  process: ProcessIndex;
  tid: number;
  name: string;
}

export interface ModuleInfo {
  index: ModuleIndex;
  path: string;
  /** Lower-case hex; empty if the file has none. */
  buildId: string;
}

export type StackStatus = 'complete' | 'truncated' | 'incomplete' | 'missing' | 'merged';

export interface StackInfo {
  index: StackIndex;
  status: StackStatus;
  /** Innermost first. */
  locations: Uint32Array;
}

/** One symbolized frame. Unknown parts are null. */
export interface Frame {
  function: string | null;
  file: string | null;
  line: number | null;
  language: 'native' | 'python' | 'javascript';
  module: ModuleIndex | null;
  inlined: boolean;
}

/** What a location stands for: the innermost inlined frame first, the real function last. */
export interface LocationSymbols {
  location: LocationIndex;
  frames: Frame[];
}

/** Bytes of a process's memory by what they are used for: those of addon/resident.h. */
export interface ResidentInfo {
  /** Null: it has no V8, or none that is known; its pages are anonymous memory then. */
  v8HeapBytes: number | null;
  jitCodeBytes: number;
  brkBytes: number;
  anonymousBytes: number;
  stackBytes: number;
  fileBytes: number;
  sharedBytes: number;
  /** Not resident: address space that was reserved, not touched, or given back. */
  untouchedBytes: number;
}

export interface Batch {
  /** Holds `count` records of RECORD_WORDS words. Valid until the next poll. */
  records: Uint32Array;
  count: number;
  /** Nanoseconds since the capture began; TIME of a record is relative to it. */
  baseTimeNs: number;
  processes: ProcessInfo[];
  ends: ProcessEnd[];
  warnings: ProcessWarning[];
  threads: ThreadInfo[];
  modules: ModuleInfo[];
  stacks: StackInfo[];
  symbols: LocationSymbols[];
  /** Records RESIDENT name them by their place. */
  residents: ResidentInfo[];
}

/** Losses by kind; kinds and meanings: MP_COUNTERS and MP_LOSSES in bpf/mp.h. */
export type Losses = Record<string, number>;
