/**
 * How fast the aggregator is with a million live blocks, and what they cost in memory:
 *
 *     node --import tsx scripts/bench/aggregate.ts [live blocks] [events]
 *
 * Time is that of the processor, so that a busy machine doesn't matter much. The load is that of a service: 50,000 stacks, four threads, malloc-like addresses and sizes, frees of random blocks.
 */

import { pathToFileURL } from 'node:url';
import { Aggregator } from '../../src/aggregate/aggregator.ts';
import { ALLOCATOR, OPERATION, RECORD_WORDS } from '../../src/model/abi.gen.ts';
import { emptyBatch } from '../../src/model/batch.ts';
import type { Batch } from '../../src/model/types.ts';
import { randomNumbers } from './random-numbers.ts';

export interface AggregateBenchmark {
  nsPerEvent: number;
  bytesPerLive: number;
}

const BATCH_RECORDS = 8192;
const STACKS = 50_000;
const THREADS = 4;
const HEAP = 0x7f00_c000_0000;
/** A quarter of a second of the load's time, which passes as fast as it can be applied. */
const BATCHES_PER_COMMIT = Math.round(250e6 / (BATCH_RECORDS * 250));

/** Runs the benchmark. Memory is that of the address tables and, with --expose-gc, of everything. */
export function benchmarkAggregate(
  liveCount = 1e6,
  eventCount = 4e6,
): AggregateBenchmark & { heapBytesPerLive: number } {
  globalThis.gc?.();
  const before = memoryBytes();
  const aggregator = new Aggregator();
  aggregator.apply(introduction());
  const load = new Load(liveCount);
  for (let done = 0; done < liveCount; done += BATCH_RECORDS) aggregator.apply(load.fill());
  let batches = 0;

  const segments: number[] = [];
  for (let done = 0; done < eventCount; done += BATCH_RECORDS * 16) {
    let elapsedUs = 0;
    for (let n = 0; n < 16; n++) {
      const batch = load.churn();
      const start = process.cpuUsage();
      aggregator.apply(batch);
      if (++batches % BATCHES_PER_COMMIT === 0) aggregator.committed();
      elapsedUs += process.cpuUsage(start).user;
    }
    segments.push((elapsedUs * 1e3) / (BATCH_RECORDS * 16));
  }
  segments.sort((a, b) => a - b);
  const loadBytes = load.byteLength;
  globalThis.gc?.();
  return {
    nsPerEvent: Math.round(segments[segments.length >> 1]!),
    bytesPerLive: Math.round(aggregator.processes.addressTableBytes / load.liveCount),
    heapBytesPerLive: Math.round((memoryBytes() - before - loadBytes) / load.liveCount),
  };
}

/** Makes batches outside the measured time. */
class Load {
  readonly #addresses: Float64Array;
  readonly #free: number[] = [];
  readonly #batch = {
    ...emptyBatch(),
    records: new Uint32Array(BATCH_RECORDS * RECORD_WORDS),
    count: BATCH_RECORDS,
  };
  readonly #below = randomNumbers(42);
  #fresh = 0;
  liveCount = 0;

  constructor(liveCount: number) {
    this.#addresses = new Float64Array(liveCount + BATCH_RECORDS);
  }

  get byteLength(): number {
    return this.#addresses.byteLength + this.#free.length * 8 + this.#batch.records.byteLength;
  }

  fill(): Batch {
    for (let at = 0; at < BATCH_RECORDS; at++) this.#allocate(at);
    return this.#next();
  }

  churn(): Batch {
    for (let at = 0; at < BATCH_RECORDS; at += 2) {
      this.#release(at);
      this.#allocate(at + 1);
    }
    return this.#next();
  }

  #next(): Batch {
    this.#batch.baseTimeNs += BATCH_RECORDS * 250;
    return this.#batch;
  }

  #allocate(at: number): void {
    const address = this.#free.length > 64 ? this.#free.shift()! : HEAP + 64 * this.#fresh++;
    this.#addresses[this.liveCount++] = address;
    const size = 16 + (this.#below(64) << (this.#below(100) === 0 ? 12 : 2));
    this.#put(at, OPERATION.ALLOCATE | (ALLOCATOR.MALLOC << 8), this.#below(this.#below(STACKS) + 1), address, size);
  }

  #release(at: number): void {
    const victim = this.#below(this.liveCount);
    const address = this.#addresses[victim]!;
    this.#addresses[victim] = this.#addresses[--this.liveCount]!;
    this.#free.push(address);
    this.#put(at, OPERATION.FREE | (ALLOCATOR.FREE << 8), 0, address, 0);
  }

  #put(at: number, head: number, stack: number, address: number, size: number): void {
    const thread = stack % THREADS;
    this.#batch.records.set(
      [head, thread, stack, address % 2 ** 32, address / 2 ** 32, size, 0, at * 250],
      at * RECORD_WORDS,
    );
  }
}

function introduction(): Batch {
  const process = {
    index: 0,
    pid: 1,
    parent: null,
    origin: 'launch' as const,
    startedNs: 0,
    comm: 'bench',
    executable: '/bench',
    commandLine: 'bench',
    cgroup: '/',
    runtime: 'native',
    warning: '',
  };
  const locations = new Uint32Array(0);
  return {
    ...emptyBatch(),
    processes: [process],
    threads: Array.from({ length: THREADS }, (_, index) => ({ index, process: 0, tid: index + 1, name: 'bench' })),
    stacks: Array.from({ length: STACKS }, (_, index) => ({ index, status: 'complete' as const, locations })),
  };
}

function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [liveCount = 1e6, eventCount = 4e6] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(benchmarkAggregate(liveCount, eventCount))}\n`);
}
