/**
 * What the aggregator and the symbolizer offer to the store. A commit reads everything that changed since the last
 * successful one and then says so with `committed()`; a commit that failed is simply repeated.
 */

import type { EventColumns } from './events.ts';
import type { ClosedIntervals } from './intervals.ts';
import type { EventChunk, LiveStateVisitor } from './live-state.ts';
import type {
  Frame,
  Losses,
  ModuleInfo,
  ProcessEnd,
  ProcessIndex,
  ProcessInfo,
  ResidentInfo,
  StackIndex,
  ThreadIndex,
  ThreadInfo,
} from './types.ts';

/** Index of a site: (process, thread, allocator, stack index). Dense, from 0. */
export type SiteIndex = number;

/** Temporary allocations are told apart by 0 to 16 other allocations of their thread. */
export const TEMPORARY_THRESHOLDS = 17;

/** Counters of one site, or the sum over several. */
export interface SiteSum {
  /** Calls. */
  allocations: number;
  allocatedBytes: number;
  /** Blocks that ended. A mapping with a hole is two blocks: live = allocations + holes - deallocations. */
  deallocations: number;
  liveAllocations: number;
  liveBytes: number;
  peakAllocations: number;
  peakBytes: number;
  /** Blocks freed after exactly d other allocations, d = 0 … 16, and their bytes. */
  temporaryAllocations: Float64Array;
  temporaryBytes: Float64Array;
}

/** One point of the time line. */
export interface MemoryPoint {
  timeNs: number;
  heapBytes: number;
  liveAllocations: number;
  /** Null: not known yet. */
  rssBytes: number | null;
}

/** Live bytes of simple allocators, by site. */
export interface LiveSites {
  sites: readonly SiteIndex[];
  bytes: readonly number[];
}

/** What of a process was resident at one moment. */
export interface ResidentPoint extends ResidentInfo {
  timeNs: number;
  /** What was live then. Null where it is not kept: at points in between, and in processes without a V8. */
  live: LiveSites | null;
}

/** One class of sizes; both ends inclusive. */
export interface SizeCount {
  allocator: number;
  minBytes: number;
  maxBytes: number;
  allocations: number;
  bytes: number;
}

/** What changed in one process since the last commit. */
export interface ProcessChanges {
  readonly index: ProcessIndex;
  /** Null if it is the same as in the last commit. */
  readonly info: ProcessInfo | null;
  readonly end: ProcessEnd | null;
  readonly threads: readonly ThreadInfo[];
  readonly points: Iterable<MemoryPoint>;
  readonly sizes: Iterable<SizeCount>;
  /** All that are kept, by time; null if they are the same as in the last commit. */
  readonly residents: readonly ResidentPoint[] | null;
  /** Sites whose counters, or whose part of the peak, may differ. */
  visitSites(visit: (site: SiteIndex) => void): void;
}

export interface FrameTree {
  /** Number of the node for frames given root first; nodes are numbered from 1, a parent before its children. */
  add(frames: readonly Frame[]): number;
  readonly frames: { readonly size: number; get(id: number): Frame };
  readonly size: number;
  parentOf(node: number): number;
  frameOf(node: number): number;
  depthOf(node: number): number;
}

export interface Accounts {
  readonly tree: FrameTree;
  readonly losses: Losses;
  readonly newModules: readonly ModuleInfo[];
  /** Null: not kept. */
  readonly intervals: ClosedIntervals | null;
  /** Since the last commit; null: not kept. */
  readonly events: (EventColumns & { readonly chunks: readonly EventChunk[] }) | null;
  /** How much `visitState` has to tell: about the number of blocks and sites. */
  readonly stateSize: number;
  /** What the events up to now have left. */
  visitState(visitor: LiveStateVisitor): void;
  /** Processes with changes whose ProcessInfo is known. */
  changes(): Iterable<ProcessChanges>;
  threadOf(site: SiteIndex): ThreadIndex;
  processOfThread(thread: ThreadIndex): ProcessIndex;
  allocatorOf(site: SiteIndex): number;
  stackOf(site: SiteIndex): StackIndex;
  /** Adds the counters of a site to `sum`. */
  addTo(site: SiteIndex, sum: SiteSum): void;
  /** What `changes` gave has reached the disk. */
  committed(): void;
}

export interface StackSource {
  /** Changes whenever `frames` may answer differently. */
  readonly revision: number;
  /** Distinct locations without a function name among those that `frames` gave. */
  readonly unsymbolizedFrames: number;
  /**
   * Frames root first; empty if nothing is known of the stack and nothing will be; null if symbols are still to come.
   * With `incomplete`, never null: locations without symbols become frames without names.
   */
  frames(stack: StackIndex, incomplete?: boolean): readonly Frame[] | null;
  /** The stack won't be asked for again. */
  release(stack: StackIndex): void;
}
