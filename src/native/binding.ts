/** The only file that loads the addon. Its other side, which checks every argument, is addon/binding.cc. */
import { createRequire } from 'node:module';
import type { HeapColumns, HeapNames, PythonFigures } from '../model/heap.ts';
import type { Batch } from '../model/types.ts';

export type ProbeMode = 'auto' | 'session' | 'multi' | 'perf';

export interface CgroupTarget {
  /** As in /proc/PID/cgroup; 0: version 2. */
  hierarchy: number;
  /** Of its directory. */
  inode: number;
  /** Inside of the hierarchy. */
  path: string;
}

/** Processes that are traced without being given by pid, also those that begin later. With neither name nor cgroup: all. */
export interface TargetSelection {
  /** The kernel's name of the process, which it cuts at 15 bytes. */
  comm?: string;
  /** Those in it and below. */
  cgroup?: CgroupTarget;
  /** Pids that are not traced: other tracers. */
  strangers: number[];
}

export interface SessionOptions {
  /** Size of the ring buffer in bytes, a power of two. */
  ringBytes: number;
  probeMode: ProbeMode;
  /** Python objects too, not only what reaches malloc. A launched target must be started with PYTHONMALLOC=malloc. */
  tracePythonAllocators: boolean;
  /** Trace the children of targets, too. */
  followFork: boolean;
  /** False: stacks have the frames of Python and JavaScript only. */
  nativeFrames: boolean;
  /** Rather than lose an event when the ring is half full, threads of the targets wait. */
  lossless: boolean;
  /** Of renamed allocators: `je_`. */
  allocatorPrefixes: string[];
  selection?: TargetSelection;
}

export interface LaunchOptions {
  /** Program; looked up in PATH if it has no slash. Bytes, as the next two. */
  file: Uint8Array;
  /** argv, the program's name first. */
  arguments: Uint8Array[];
  /** `NAME=value` each. */
  environment: Uint8Array[];
  /** Run as this user; empty: as the caller. */
  user: string;
  /** File descriptors that the target is to inherit. */
  inheritedFiles: number[];
  /** Numbers of signals that the target is to ignore. */
  ignoredSignals: number[];
  /** Numbers of signals that are to be blocked in the target. */
  blockedSignals: number[];
  /** Soft limit of open files the target gets; null: ours. */
  openFilesLimit: number | null;
}

export interface SessionState {
  /** A traced process is still running, or may come to be selected. */
  hasTargets: boolean;
  /** All selected processes that were running when the session began have their probes. */
  isSettled: boolean;
  /** Processes that are traced now. */
  processCount: number;
  /** Wait status of the launched program; null while it runs. */
  launchedStatus: number | null;
  /** Locations whose names are still being looked up. */
  pendingSymbols: number;
  /** Nanoseconds since the capture began. */
  nowNs: number;
  probeMode: ProbeMode;
}

/** Errors carry `code` (NO_PERMISSION, NO_BTF, UNSUPPORTED, NO_PROCESS, NOT_FOUND, …), and `errno` where there is one. */
export interface NativeError extends Error {
  code: string;
  errno: number;
}

export interface NativeSession {
  /** Forks the target, which waits for start(). Its pid. */
  launch(options: LaunchOptions): number;
  start(): void;
  attach(pid: number): void;
  /** Name of a process as the kernel has it. */
  nameOf(pid: number): string;
  /** Blocks until a process is held, but not longer. */
  wait(timeoutMs: number): void;
  /** Fills `records`; the batch is valid until the next call. */
  poll(records: Uint32Array): Batch;
  /** Takes all probes off; what happened before is still to be polled. */
  stop(): void;
  close(): void;
  state(): SessionState;
  /** Counters of BPF and decoder by loss kind. */
  losses(): Record<string, number>;
}

/** Nanoseconds of CPU time that one hit of a probe costs the probed thread. */
export interface ProbeCost {
  /** On an instruction that the kernel emulates. */
  emulatedNs: number;
  /** On one that it executes in a single step. */
  singleSteppedNs: number;
}

/** Where the probe of an allocator function goes. */
export interface ProbeSite {
  /** Of the symbol. */
  name: string;
  /** Id of the allocator that it is, ALLOCATOR_NAME. */
  allocator: number;
  /** Of the probed instruction in the file. */
  offset: number;
  singleStepped: boolean;
}

/** The objects of a running CPython. It stands still from read() to resume(), at most as long as was said. */
export interface NativeHeap extends HeapNames {
  read(): HeapColumns;
  resume(): HeapPause;
  /** While it goes on. Throws a NativeError. */
  figures(): PythonFigures;
}

export interface HeapPause {
  /** How long the process stood still. */
  pauseNs: number;
  /** It had to go on before all was read. */
  wasCut: boolean;
}

interface Addon {
  Heap: {
    new (pid: number, maxPauseNs: number): NativeHeap;
    new (corePath: string, otherPaths: string[]): NativeHeap;
  };
  Session: new (options: SessionOptions) => NativeSession;
  kernelSupports(mode: ProbeMode): boolean;
  probeCost(): ProbeCost;
  untracedCost(): number;
  probeSites(path: string, prefixes: string[]): ProbeSite[];
}

let addon: Addon | undefined;

function load(): Addon {
  // seen from build/js/src/native
  addon ??= createRequire(import.meta.url)('../../../../addon/build/Release/mp.node') as Addon;
  return addon;
}

export function openSession(options: SessionOptions): NativeSession {
  return new (load().Session)(options);
}

/** `maxPauseNs` of 0: the process is not stopped. Throws a NativeError. */
export function openHeap(pid: number, maxPauseNs: number): NativeHeap {
  return new (load().Heap)(pid, maxPauseNs);
}

/** Of a core file; `otherPaths` are files that stand in for those that the process had mapped. Throws a NativeError. */
export function openCore(path: string, otherPaths: string[]): NativeHeap {
  return new (load().Heap)(path, otherPaths);
}

export function kernelSupports(mode: ProbeMode): boolean {
  return load().kernelSupports(mode);
}

/** Probes the own process for a moment; needs what tracing needs. Throws a NativeError. */
export function probeCost(): ProbeCost {
  return load().probeCost();
}

/**
 * Nanoseconds that a recording costs a process that it does not trace, when that begins, executes a program and ends.
 * Needs what tracing needs. Throws a NativeError.
 */
export function untracedCost(): number {
  return load().untracedCost();
}

/** The allocator functions of an ELF file, also renamed ones. Throws a NativeError. */
export function probeSites(path: string, prefixes: string[] = []): ProbeSite[] {
  return load().probeSites(path, prefixes);
}
