/** Workers: each has a heap of its own, which is collected beside the others, and ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile, ViewRow } from './capture-file.ts';
import { cannotRecord } from './helpers.ts';
import { findNodes, type Node, recordNode } from './node.ts';
import { Stacks } from './stated-stacks.ts';

/** See workers.cjs. */
const ROUNDS = 3;
const WORKERS = 3;
const COUNT = 60;
const FIRST_BYTES = 300_001;

/** Of the Buffers: those whose function must have its name. None may have another one. */
const NAMED_SHARE = 0.8;

/** What the kernel calls the thread of a worker: from Node 24 on, the name that it was given. */
function threadName(node: Node, name: string): string {
  return Number.parseInt(node.version, 10) < 24 ? 'WorkerThread' : name.replace('made_', 'worker-').replace('_', '-');
}

/** What the worker allocated whose Buffers have this size, and the names that its function has there. */
function compareWorker(rows: ViewRow[], stacks: Stacks, name: string, bytes: number) {
  const own = rows.filter((row) => row.bytes === row.allocations * bytes);
  const sum = (of: (row: ViewRow) => number) => own.reduce((total, row) => total + of(row), 0);
  assert.deepEqual([sum((row) => row.allocations), sum((row) => row.bytes)], [COUNT, COUNT * bytes], name);
  const tids = new Set(own.map((row) => row.tid));
  assert.equal(tids.size, 1, `${name} ran in the threads ${[...tids]}`);
  const shown = own.map((row) => ({
    row,
    made: stacks.frames(row.stack_id).flatMap((frame) => (frame.function?.startsWith('made_') ? [frame.function] : [])),
  }));
  const stale = shown.flatMap(({ made }) => made.filter((other) => other !== name));
  assert.deepEqual(stale, [], `names of other workers in the stacks of ${name}`);
  const named = shown.filter(({ made }) => made.length > 0).reduce((total, { row }) => total + row.allocations, 0);
  return { named, tid: [...tids][0]! };
}

function compareWorkers(capture: CaptureFile, node: Node): void {
  assert.deepEqual(capture.inconsistencies(), []);
  const stacks = new Stacks(capture);
  const rows = capture.rows('allocations').filter((row) => row.allocator !== 'mmap');
  const workers = Array.from({ length: ROUNDS * WORKERS }, (_, i) =>
    compareWorker(rows, stacks, `made_${Math.floor(i / WORKERS)}_${i % WORKERS}`, FIRST_BYTES + 2 * i),
  );
  assert.equal(new Set(workers.map(({ tid }) => tid)).size, workers.length);
  const names = capture.threadNames();
  workers.forEach(({ tid }, i) => {
    const name = threadName(node, `made_${Math.floor(i / WORKERS)}_${i % WORKERS}`);
    assert.ok(names.get(tid)?.has(name), `thread ${tid} is ${[...(names.get(tid) ?? [])]}, not ${name}`);
  });
  const named = workers.reduce((sum, worker) => sum + worker.named, 0);
  const all = workers.length * COUNT;
  assert.ok(named >= NAMED_SHARE * all, `${named} of ${all} Buffers have their function`);
}

describe('workers', { skip: cannotRecord() }, () => {
  for (const node of findNodes()) {
    for (const mode of ['run', 'trace'] as const) {
      test(`exact sums and no name of another worker, ${mode}, ${node.version}`, async (t) => {
        compareWorkers(await recordNode(t, mode, node, 'workers.cjs'), node);
      });
    }
  }
});
