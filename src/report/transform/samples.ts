/**
 * What the exporters share: the selected sites with their names, and their sums by stack. An exporter gives its format in
 * pieces as it goes over them, so that no format is held as a whole, and never holds more than the distinct stacks.
 */
import { basename } from 'node:path';
import type { Chunk } from '../../util/new-file.ts';
import type { ProcessFacts } from '../facts.ts';
import type { Capture } from '../report.ts';
import { type Selection, selectedSites } from '../selection.ts';
import { type FrameOptions, ShownStacks } from '../shown-stacks.ts';
import type { FrameRow, Rows } from '../source.ts';
import { frameFunction, type LinkedFrame, NO_STACK } from '../stacks.ts';

export interface ExportOptions extends FrameOptions {
  /** Threads stand apart in the formats that do not have them anyway. */
  splitThreads: boolean;
  /** What the one number of a stack is, in the formats that have one only. */
  count: 'bytes' | 'allocations';
}

/** The format in pieces. @throws UserError at the call, not while the pieces are made, for what it can't show. */
export type Exporter = (capture: Capture, selection: Selection, options: ExportOptions) => Iterable<Chunk>;

export type Thread = Rows['threads'];

/** What one stack did in one thread through one allocator. */
export interface Sample {
  process: ProcessFacts;
  thread: Thread;
  allocator: string;
  stackId: number | null;
  /** The innermost frame that is shown, null if the stack is not known. */
  innermost: LinkedFrame | null;
  /** The frame to which the memory is attributed, see `placeOf` in `stacks.ts`. */
  place: FrameRow | null;
  allocations: number;
  bytes: number;
}

/** `stacks` are those of the capture with the same options, if a caller has them already. */
export function* samplesOf(
  { source, facts }: Capture,
  selection: Selection,
  options: FrameOptions,
  stacks = new ShownStacks(source, options),
): Iterable<Sample> {
  const processes = new Map(facts.processes.map((process) => [process.id, process]));
  const threads = new Map(source.all('threads').map((thread) => [thread.id, thread]));
  for (const site of selectedSites(source, selection)) {
    const innermost = stacks.innermost(site.stack_id);
    yield {
      process: processes.get(site.process_id)!,
      thread: threads.get(site.thread_id)!,
      allocator: site.allocator,
      stackId: site.stack_id,
      innermost,
      place: innermost && stacks.place(innermost).frame,
      allocations: site.allocations,
      bytes: site.bytes,
    };
  }
}

/** A process, or with `splitThreads` a thread, with the sums of its stacks. */
export interface Owner {
  process: ProcessFacts;
  /** Null: all threads. */
  thread: Thread | null;
  stacks: StackTotal[];
}

export interface StackTotal {
  innermost: LinkedFrame | null;
  allocations: number;
  bytes: number;
}

/** Stacks that look alike are one, over all allocators. In the order in which they come. */
export function totalsByOwner(
  capture: Capture,
  selection: Selection,
  options: ExportOptions,
  shown?: ShownStacks,
): Owner[] {
  const owners = new Map<number, Owner & { byFrame: Map<LinkedFrame | null, StackTotal> }>();
  for (const { process, thread, innermost, allocations, bytes } of samplesOf(capture, selection, options, shown)) {
    const key = options.splitThreads ? thread.id : process.id;
    let owner = owners.get(key);
    if (owner === undefined) {
      owner = { process, thread: options.splitThreads ? thread : null, stacks: [], byFrame: new Map() };
      owners.set(key, owner);
    }
    let total = owner.byFrame.get(innermost);
    if (total === undefined) {
      total = { innermost, allocations: 0, bytes: 0 };
      owner.byFrame.set(innermost, total);
      owner.stacks.push(total);
    }
    total.allocations += allocations;
    total.bytes += bytes;
  }
  return [...owners.values()];
}

/** `server (1234)`. */
export function processLabel({ comm, pid }: Pick<ProcessFacts, 'comm' | 'pid'>): string {
  return `${comm ?? '?'} (${pid})`;
}

/** `worker (1235)`. */
export function threadLabel({ name, tid }: Thread): string {
  return `${name ?? '?'} (${tid})`;
}

/** Function of a frame, or of what stands for a stack that is not known. */
export function frameName(frame: FrameRow | null): string {
  return frame === null ? NO_STACK : frameFunction(frame) || '???';
}

/** The same where the module is not shown: a function without a name is that of its file, as `[libc.so.6]`. */
export function frameLabel(frame: FrameRow | null): string {
  return frame?.module && !frame.function ? `[${basename(frame.module)}]` : frameName(frame);
}

/** Source file of a frame, or the mapped file; empty if neither is known. */
export function frameFile(frame: FrameRow | null): string {
  return frame?.file ?? frame?.module ?? '';
}

/** `of` the frames from `innermost` to the root; of a stack that is not known, of one null. */
export function mapFrames<Value>(innermost: LinkedFrame | null, of: (frame: FrameRow | null) => Value): Value[] {
  if (innermost === null) return [of(null)];
  const values: Value[] = [];
  for (let node: LinkedFrame | null = innermost; node !== null; node = node.parent) values.push(of(node.frame));
  return values;
}
