/** What a viewer knows of a recording: `LiveDelta`s put together, in arrays by the ids of the capture. */
import type { FrameRow } from '../model/frame-row.ts';
import {
  COUNT_NUMBERS,
  type LiveDelta,
  type LiveProcess,
  type LiveStatus,
  type LiveThread,
  MEMORY_NUMBERS,
  SITE_NUMBERS,
  STACK_NUMBERS,
} from '../model/live.ts';
import type { Losses } from '../model/types.ts';

export interface ProcessState extends LiveProcess {
  heapBytes: number;
  /** Null: not known. */
  rssBytes: number | null;
  /** Calls since the capture began, and per second between the last two looks. */
  allocations: number;
  allocationsPerSecond: number;
}

/** Counters of sites at one moment, by site id. */
export interface Counts {
  allocations: Float64Array;
  bytes: Float64Array;
}

/** So many points of time lines are kept, the latest. */
const MAX_POINTS = 2 ** 20;

export class LiveData {
  capture = '';
  commandLine = '';
  status: LiveStatus = 'recording';
  durationNs = 0;
  losses: Losses = {};
  readonly processes = new Map<number, ProcessState>();
  readonly threads = new Map<number, LiveThread>();
  /** By id; 0 is none. */
  readonly frames: (FrameRow | undefined)[] = [undefined];
  readonly stackParents = [0];
  readonly stackFrames = [0];
  /** Highest id of a site. */
  siteCount = 0;
  siteProcesses = new Int32Array(1024);
  siteThreads = new Int32Array(1024);
  siteStacks = new Int32Array(1024);
  /** Live blocks and bytes. */
  live: Counts = { allocations: new Float64Array(1024), bytes: new Float64Array(1024) };
  #allocations = new Float64Array(1024);
  /** PROCESS, TIME, HEAP BYTES of each point, those of one moment together. */
  points: number[] = [];

  /** Whether the delta had anything new besides the time. */
  apply(delta: LiveDelta): boolean {
    if (delta.isRewound) this.#rewind();
    const seconds = (delta.durationNs - this.durationNs) / 1e9;
    const { capture, commandLine, status, durationNs, losses } = delta;
    Object.assign(this, { capture, commandLine, status, durationNs, losses });
    const ended = delta.processes.filter(({ id, endedNs }) => endedNs !== null && !this.processes.get(id)?.endedNs);
    for (const process of delta.processes) this.#setProcess(process);
    for (const thread of delta.threads) this.threads.set(thread.id, thread);
    for (const frame of delta.frames) this.frames[frame.id] = frame;
    for (let i = 0; i < delta.stacks.length; i += STACK_NUMBERS) {
      this.stackParents.push(delta.stacks[i]!);
      this.stackFrames.push(delta.stacks[i + 1]!);
    }
    this.#addSites(delta.sites);
    this.#count(delta.counts, seconds);
    this.#addMemory(delta.memory, ended);
    return [delta.processes, delta.threads, delta.counts, delta.memory].some((list) => list.length > 0);
  }

  get isRecording(): boolean {
    return this.status === 'recording';
  }

  /** Those that run; if none does, the one that ended last: its last state stays. */
  get runningProcesses(): ProcessState[] {
    const all = [...this.processes.values()];
    const running = all.filter(({ endedNs }) => endedNs === null);
    if (running.length > 0) return running;
    const last = Math.max(...all.map(({ endedNs }) => endedNs!));
    return all.filter(({ endedNs }) => endedNs === last).slice(-1);
  }

  /** Forgets what was known of time; not names and stacks. */
  #rewind(): void {
    this.durationNs = 0;
    this.processes.clear();
    this.points = [];
    for (const counters of [this.#allocations, this.live.allocations, this.live.bytes]) counters.fill(0);
  }

  #setProcess(process: LiveProcess): void {
    const none = { heapBytes: 0, rssBytes: null, allocations: 0, allocationsPerSecond: 0 };
    this.processes.set(process.id, { ...(this.processes.get(process.id) ?? none), ...process });
  }

  #addSites(sites: number[]): void {
    for (let i = 0; i < sites.length; i += SITE_NUMBERS) {
      const id = sites[i]!;
      if (id >= this.siteProcesses.length) this.#grow(id + 1);
      this.siteCount = Math.max(this.siteCount, id);
      this.siteProcesses[id] = sites[i + 1]!;
      this.siteThreads[id] = sites[i + 2]!;
      this.siteStacks[id] = sites[i + 3]!;
    }
  }

  #count(counts: number[], seconds: number): void {
    const added = new Map<number, number>();
    for (let i = 0; i < counts.length; i += COUNT_NUMBERS) {
      const id = counts[i]!;
      const process = this.siteProcesses[id]!;
      added.set(process, (added.get(process) ?? 0) + counts[i + 1]! - this.#allocations[id]!);
      this.#allocations[id] = counts[i + 1]!;
      this.live.allocations[id] = counts[i + 2]!;
      this.live.bytes[id] = counts[i + 3]!;
    }
    for (const process of this.processes.values()) {
      const isFirst = seconds === this.durationNs / 1e9;
      const count = added.get(process.id) ?? 0;
      process.allocations += count;
      process.allocationsPerSecond = isFirst || seconds <= 0 ? 0 : count / seconds;
    }
  }

  /** What a process that has ended had is gone. */
  #addMemory(memory: number[], ended: LiveProcess[]): void {
    const points: [number, number, number][] = [];
    for (let i = 0; i < memory.length; i += MEMORY_NUMBERS) {
      const process = this.processes.get(memory[i]!);
      if (process === undefined) continue;
      process.heapBytes = memory[i + 2]!;
      if (memory[i + 3]! >= 0) process.rssBytes = memory[i + 3]!;
      points.push([process.id, memory[i + 1]!, process.heapBytes]);
    }
    for (const { id, endedNs } of ended) points.push([id, endedNs!, 0]);
    for (const point of points.sort((a, b) => a[1] - b[1])) this.points.push(...point);
    if (this.points.length > 3 * MAX_POINTS) this.points = this.points.slice((-3 * MAX_POINTS) / 2);
  }

  #grow(least: number): void {
    const length = Math.max(least, 2 * this.siteProcesses.length);
    const integers = (from: Int32Array) => {
      const array = new Int32Array(length);
      array.set(from);
      return array;
    };
    const floats = (from: Float64Array) => {
      const array = new Float64Array(length);
      array.set(from);
      return array;
    };
    this.siteProcesses = integers(this.siteProcesses);
    this.siteThreads = integers(this.siteThreads);
    this.siteStacks = integers(this.siteStacks);
    this.#allocations = floats(this.#allocations);
    this.live = { allocations: floats(this.live.allocations), bytes: floats(this.live.bytes) };
  }
}
