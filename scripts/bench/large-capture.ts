/**
 * Writes a capture as large as that of a big program, through the writer, to measure reports on:
 *
 *     npx tsx scripts/bench/large-capture.ts FILE [stacks]
 *
 * 100,000 stacks of some 40 frames, each in three threads, hence 300,000 sites, half of them with live blocks; allocated
 * and freed over two seconds. A stack is the one before with another end, as a program goes from call to call.
 */
import { pathToFileURL } from 'node:url';
import { Aggregator } from '../../src/aggregate/aggregator.ts';
import { ALLOCATOR, OPERATION, RECORD_WORDS } from '../../src/model/abi.gen.ts';
import { emptyBatch } from '../../src/model/batch.ts';
import type { Batch, Frame, StackInfo } from '../../src/model/types.ts';
import { CaptureWriter } from '../../src/store/writer.ts';
import { Symbolizer } from '../../src/symbolize/symbolizer.ts';
import { randomNumbers } from './random-numbers.ts';

const FUNCTIONS = 20_000;
const MODULES = 50;
const THREADS = 3;
const MAX_TAIL = 12;
const DEPTH = 40;
const DURATION_NS = 2e9;
const STACKS_PER_BATCH = 2000;
const HEAP = 0x7f00_0000_0000;

export function writeLargeCapture(path: string, stackCount = 100_000): void {
  const writer = new CaptureWriter(path, { force: true });
  const aggregator = new Aggregator();
  const symbolizer = new Symbolizer();
  const random = randomNumbers(42);
  const commit = (batch: Batch) => {
    aggregator.apply(batch);
    symbolizer.add(batch);
    writer.commit(aggregator, symbolizer, {});
  };
  commit(introduction());
  let locations: number[] = [];
  for (let first = 0; first < stackCount; first += STACKS_PER_BATCH) {
    const stacks: StackInfo[] = [];
    const words: number[] = [];
    for (let index = first; index < Math.min(first + STACKS_PER_BATCH, stackCount); index++) {
      locations = nextStack(locations, random);
      stacks.push({ index, status: 'complete', locations: Uint32Array.from(locations).reverse() });
      for (let thread = 0; thread < THREADS; thread++) {
        const address = HEAP + (index * THREADS + thread) * 4096;
        const size = 16 + random(4000);
        const timeNs = (words.length / RECORD_WORDS) * 100;
        put(words, OPERATION.ALLOCATE | (ALLOCATOR.MALLOC << 8), thread, index, address, size, timeNs);
        // Half of them live to the end; the others are freed at once, or when more was allocated.
        if (random(2) === 0) {
          const freed = index - random(2) * random(Math.min(index + 1, STACKS_PER_BATCH * 10));
          const block = HEAP + (freed * THREADS + thread) * 4096;
          put(words, OPERATION.FREE | (ALLOCATOR.FREE << 8), thread, 0, block, 0, timeNs + 1);
        }
      }
    }
    const records = Uint32Array.from(words);
    const baseTimeNs = Math.round((first / stackCount) * DURATION_NS);
    commit({ ...emptyBatch(), records, count: records.length / RECORD_WORDS, baseTimeNs, stacks });
  }
  writer.finish(aggregator, symbolizer, {}, { endedAt: new Date().toISOString() });
}

/** The same stack up to some frame, and other calls from there. */
function nextStack(before: number[], random: (limit: number) => number): number[] {
  const depth = DEPTH - 4 + random(9);
  const kept = Math.min(before.length, depth - 1 - random(MAX_TAIL));
  return Array.from({ length: depth }, (_, i) => (i < kept ? before[i]! : random(FUNCTIONS)));
}

function put(words: number[], head: number, thread: number, stack: number, address: number, size: number, at: number) {
  words.push(head, thread, stack, address % 2 ** 32, Math.floor(address / 2 ** 32), size, 0, at);
}

function introduction(): Batch {
  const process = {
    index: 0,
    pid: 1,
    parent: null,
    origin: 'launch',
    startedNs: 0,
    comm: 'bench',
    executable: '/bench',
  };
  const symbols = Array.from({ length: FUNCTIONS }, (_, location) => ({ location, frames: [frameOf(location)] }));
  return {
    ...emptyBatch(),
    processes: [{ ...process, commandLine: 'bench', cgroup: '/', runtime: 'native', warning: '' } as never],
    threads: Array.from({ length: THREADS }, (_, index) => ({
      index,
      process: 0,
      tid: index + 1,
      name: `thread ${index}`,
    })),
    modules: Array.from({ length: MODULES }, (_, index) => ({ index, path: `/usr/lib/lib${index}.so`, buildId: '' })),
    symbols,
  };
}

function frameOf(location: number): Frame {
  return {
    function: `bench::module_${location % MODULES}::Worker<int, std::string>::step_${location}(std::string const&)`,
    file: `/usr/src/bench/source_${location % 500}.cc`,
    line: (location % 1000) + 1,
    language: 'native',
    module: location % MODULES,
    inlined: location % 7 === 0,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, stacks] = process.argv.slice(2);
  if (path === undefined) throw new Error('usage: large-capture.ts FILE [stacks]');
  writeLargeCapture(path, stacks === undefined ? undefined : Number(stacks));
}
