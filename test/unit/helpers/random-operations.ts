/**
 * Drives a RecordBuilder and a NaiveAccounts with the same random operations: few addresses, so that they are reused; few
 * pages, so that mappings overlap; threads interleaved, renamed and in the middle of a realloc; processes that fork and
 * end. Deterministic by its seed.
 */

import { ALLOCATOR, FLAG_COMMITS_RELEASE, FLAG_INTERNAL, FLAG_MAP_FIXED } from '../../../src/model/abi.gen.ts';
import { NaiveAccounts } from './naive-accounts.ts';
import { RecordBuilder } from './record-builder.ts';

const PAGE = 4096;
const HEAP = 0x7f12_0000_0000 - 64;
const MAPPINGS = 0x7fff_0000_0000;
const ALLOCATORS = [ALLOCATOR.MALLOC, ALLOCATOR.CALLOC, ALLOCATOR.POSIX_MEMALIGN];
const STACK_COUNT = 6;

interface Thread {
  index: number;
  process: number;
  tid: number;
}

export class RandomOperations {
  readonly builder = new RecordBuilder();
  readonly naive = new NaiveAccounts(() => this.builder.timeNs);
  #threads: Thread[] = [];
  readonly #stacks: number[];
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
    // Two of the stacks have the same frames by different locations: one row in a capture.
    this.#stacks = Array.from({ length: STACK_COUNT }, (_, n) => this.builder.bareStack('complete', 'main', `f${n}`));
    for (let n = 0; n < 3; n++) this.#addProcess(null);
  }

  /** Symbols for all stacks. */
  symbolize(): void {
    this.builder.symbolize('main');
    for (let n = 0; n < STACK_COUNT; n++) this.builder.symbolize(`f${n}`, { function: `function${n >> 1}` });
  }

  step(): void {
    const jump = this.#below(1000);
    this.builder.timeNs += jump === 0 ? 6e8 : jump < 300 ? 0 : this.#below(2e5);
    const thread = this.#pick(this.#threads);
    const dice = this.#below(1000);
    if (dice < 380) this.#allocate(thread);
    else if (dice < 700) this.#free(thread);
    else if (dice < 800) this.#realloc(thread);
    else if (dice < 890) this.#map(thread);
    else if (dice < 985) this.#unmap(thread);
    else if (dice < 995) this.#rename(thread);
    else if (dice < 998) this.#addProcess(thread.process);
    else if (this.#threads.length > 8) this.#end(thread.process);
  }

  #allocate({ index }: Thread, flags = 0, allocator: number = this.#pick(ALLOCATORS)): void {
    const [address, bytes, stack] = [this.#address(), this.#size(), this.#pick(this.#stacks)];
    this.builder.allocate(index, address, bytes, { allocator, stack, flags });
    this.naive.allocate(index, address, bytes, allocator, stack, flags, this.builder.timeNs);
  }

  #free({ index }: Thread): void {
    const address = this.#address();
    this.builder.free(index, address);
    this.naive.free(index, address);
  }

  #realloc(thread: Thread): void {
    const { index } = thread;
    const dice = this.#below(10);
    if (dice < 5) {
      const address = this.#address();
      this.builder.release(index, address);
      this.naive.release(index, address);
    } else if (dice < 8) {
      this.#allocate(thread, FLAG_COMMITS_RELEASE, ALLOCATOR.REALLOC);
    } else if (dice === 8) {
      this.builder.commit(index);
      this.naive.commit(index);
    } else {
      this.builder.cancel(index);
      this.naive.cancel(index);
    }
  }

  #map({ index }: Thread): void {
    const [address, bytes, stack] = [
      MAPPINGS + this.#below(60) * PAGE,
      1 + this.#below(9 * PAGE),
      this.#pick(this.#stacks),
    ];
    const allocator = this.#below(5) === 0 ? ALLOCATOR.MREMAP : ALLOCATOR.MMAP;
    const flags = this.#below(3) === 0 ? FLAG_MAP_FIXED : 0;
    this.builder.allocate(index, address, bytes, { allocator, stack, flags });
    this.naive.allocate(index, address, bytes, allocator, stack, flags, this.builder.timeNs);
  }

  #unmap({ index }: Thread): void {
    const [address, bytes] = [MAPPINGS + this.#below(64) * PAGE, 1 + this.#below(12 * PAGE)];
    const flags = this.#below(4) === 0 ? FLAG_INTERNAL : 0;
    this.builder.unmap(index, address, bytes, flags);
    this.naive.unmap(index, address, bytes, flags, this.builder.timeNs);
  }

  #rename(thread: Thread): void {
    thread.index = this.builder.thread(thread.process, { tid: thread.tid });
    this.naive.thread(thread.index, thread.process, thread.tid);
  }

  #addProcess(parent: number | null): void {
    const process = this.builder.process(parent === null ? {} : { origin: 'fork', parent });
    this.naive.process(process, parent);
    for (let n = 0; n < 3; n++) {
      const tid = 5000 + n;
      const index = this.builder.thread(process, { tid });
      this.naive.thread(index, process, tid);
      this.#threads.push({ index, process, tid });
    }
  }

  #end(process: number): void {
    this.builder.end(process);
    this.naive.end(process);
    this.#threads = this.#threads.filter((thread) => thread.process !== process);
  }

  #address(): number {
    return HEAP + this.#below(150) * 16;
  }

  #size(): number {
    const dice = this.#below(20);
    if (dice === 0) return 0;
    if (dice === 1) return 2 ** 32 + this.#below(3);
    return this.#below(4) * 8;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  /** xorshift32 */
  #below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }
}
