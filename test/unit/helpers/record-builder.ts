/**
 * Writes batches by hand:
 *
 *     const builder = new RecordBuilder();
 *     const process = builder.process();
 *     const thread = builder.thread(process);
 *     builder.allocate(thread, 0x1000, 100, { stack: builder.stack('main', 'load') }).free(thread, 0x1000);
 *     aggregator.apply(builder.take());
 *
 * Every record is one nanosecond later than the one before, unless `at` says otherwise. A batch
 * spans less than 2^32 ns: the time of a record is 32 bits wide.
 */

import { ALLOCATOR, FLAG_COMMITS_RELEASE, OPERATION, RECORD_WORDS } from '../../../src/model/abi.gen.ts';
import { emptyBatch } from '../../../src/model/batch.ts';
import type {
  Batch,
  Frame,
  ProcessEnd,
  ProcessInfo,
  ResidentInfo,
  StackStatus,
  ThreadInfo,
} from '../../../src/model/types.ts';

const HIGH = 2 ** 32;

export interface AllocateOptions {
  allocator?: number;
  stack?: number;
  flags?: number;
}

export class RecordBuilder {
  timeNs = 0;
  #words: number[] = [];
  #baseTimeNs = 0;
  #processCount = 0;
  #threadCount = 0;
  #stackCount = 0;
  #locations = new Map<string, number>();
  #new = emptyBatch();

  /** The next record happens at this time. */
  at(timeNs: number): this {
    this.timeNs = timeNs - 1;
    return this;
  }

  /** A process with its PROCESS_BEGIN; `isKnown: false` leaves its ProcessInfo for `know`. */
  process(info: Partial<ProcessInfo> = {}, isKnown = true, flags = 0): number {
    const index = this.#processCount++;
    if (isKnown) this.know(index, info);
    this.#push(OPERATION.PROCESS_BEGIN | (flags << 16), index, 0, 0, 0);
    return index;
  }

  know(index: number, info: Partial<ProcessInfo> = {}): this {
    this.#new.processes.push({
      index,
      pid: 1000 + index,
      parent: null,
      origin: 'launch',
      startedNs: this.timeNs,
      comm: `comm${index}`,
      executable: `/bin/comm${index}`,
      commandLine: `comm${index} --flag`,
      cgroup: '/',
      runtime: 'native',
      warning: '',
      ...info,
    });
    return this;
  }

  thread(process: number, info: Partial<ThreadInfo> = {}): number {
    const index = this.#threadCount++;
    this.#new.threads.push({ index, process, tid: 2000 + index, name: `thread${index}`, ...info });
    return index;
  }

  module(path: string): number {
    const index = this.#new.modules.length;
    this.#new.modules.push({ index, path, buildId: 'abcd' });
    return index;
  }

  /** A complete stack, functions named root first, symbolized at once. */
  stack(...functions: string[]): number {
    const stack = this.bareStack('complete', ...functions);
    for (const name of functions) this.symbolize(name);
    return stack;
  }

  /** A stack whose locations are not symbolized yet. */
  bareStack(status: StackStatus, ...functions: string[]): number {
    const index = this.#stackCount++;
    const locations = Uint32Array.from(functions, (name) => this.location(name)).reverse();
    this.#new.stacks.push({ index, status, locations });
    return index;
  }

  /** The location called `name`. */
  location(name: string): number {
    const known = this.#locations.get(name) ?? this.#locations.size;
    this.#locations.set(name, known);
    return known;
  }

  /** Symbols of the location called `name`; by default one frame with that name. */
  symbolize(name: string, ...frames: Partial<Frame>[]): this {
    const given = frames.length === 0 ? [{ function: name }] : frames;
    this.#new.symbols.push({
      location: this.location(name),
      frames: given.map((frame) => ({
        function: null,
        file: null,
        line: null,
        language: 'native',
        module: null,
        inlined: false,
        ...frame,
      })),
    });
    return this;
  }

  allocate(thread: number, address: number, bytes: number, options: AllocateOptions = {}): this {
    const { allocator = ALLOCATOR.MALLOC, stack = 0, flags = 0 } = options;
    return this.#push(OPERATION.ALLOCATE | (allocator << 8) | (flags << 16), thread, stack, address, bytes);
  }

  /** A sample of V8's heap. */
  sample(thread: number, bytes: number, stack = 0): this {
    return this.#push(OPERATION.SAMPLE | (ALLOCATOR.V8_SAMPLE << 8), thread, stack, 0, bytes);
  }

  free(thread: number, address: number): this {
    return this.#push(OPERATION.FREE | (ALLOCATOR.FREE << 8), thread, 0, address, 0);
  }

  release(thread: number, address: number): this {
    return this.#push(OPERATION.RELEASE | (ALLOCATOR.REALLOC << 8), thread, 0, address, 0);
  }

  commit(thread: number): this {
    return this.#push(OPERATION.COMMIT, thread, 0, 0, 0);
  }

  cancel(thread: number): this {
    return this.#push(OPERATION.CANCEL, thread, 0, 0, 0);
  }

  /** A realloc that succeeded. */
  realloc(thread: number, from: number, to: number, bytes: number, stack = 0): this {
    const options = { allocator: ALLOCATOR.REALLOC, flags: FLAG_COMMITS_RELEASE, stack };
    return this.release(thread, from).allocate(thread, to, bytes, options);
  }

  map(thread: number, address: number, bytes: number, flags = 0, stack = 0): this {
    return this.allocate(thread, address, bytes, { allocator: ALLOCATOR.MMAP, flags, stack });
  }

  unmap(thread: number, address: number, bytes: number, flags = 0): this {
    return this.#push(OPERATION.UNMAP | (ALLOCATOR.MUNMAP << 8) | (flags << 16), thread, 0, address, bytes);
  }

  endThread(thread: number): this {
    return this.#push(OPERATION.THREAD_END, thread, 0, 0, 0);
  }

  rss(process: number, bytes: number): this {
    return this.#push(OPERATION.RSS, process, 0, 0, bytes);
  }

  /** The resident memory is looked at; what is not given is 0, and there is no V8. */
  resident(process: number, info: Partial<ResidentInfo>): this {
    const none = { jitCodeBytes: 0, brkBytes: 0, anonymousBytes: 0, stackBytes: 0, fileBytes: 0, sharedBytes: 0 };
    this.#new.residents.push({ v8HeapBytes: null, ...none, untouchedBytes: 0, ...info });
    return this.#push(OPERATION.RESIDENT, process, 0, 0, this.#new.residents.length - 1);
  }

  warn(process: number, text: string): this {
    this.#new.warnings.push({ index: process, text });
    return this;
  }

  end(process: number, end: Partial<ProcessEnd> = {}): this {
    this.#push(OPERATION.PROCESS_END, process, 0, 0, 0);
    this.#new.ends.push({ index: process, endedNs: this.timeNs, exitCode: 0, exitSignal: null, ...end });
    return this;
  }

  /** Any words as a record. */
  raw(operation: number, thread: number): this {
    return this.#push(operation, thread, 0, 0, 0);
  }

  /** The batch so far; the next one begins. */
  take(): Batch {
    const records = Uint32Array.from(this.#words);
    const batch = { ...this.#new, records, count: records.length / RECORD_WORDS, baseTimeNs: this.#baseTimeNs };
    this.#words = [];
    this.#baseTimeNs = this.timeNs;
    this.#new = emptyBatch();
    return batch;
  }

  #push(head: number, thread: number, stack: number, address: number, bytes: number): this {
    this.timeNs++;
    if (this.#words.length === 0) this.#baseTimeNs = this.timeNs;
    if (this.timeNs - this.#baseTimeNs >= HIGH) throw new RangeError('the batch spans more than 2^32 ns');
    this.#words.push(head, thread, stack, ...halves(address), ...halves(bytes), this.timeNs - this.#baseTimeNs);
    return this;
  }
}

function halves(value: number): [number, number] {
  return [value % HIGH, Math.floor(value / HIGH)];
}
