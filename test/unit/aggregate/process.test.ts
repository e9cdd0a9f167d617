import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import { ALLOCATOR, FLAG_SHARES_PARENT } from '../../../src/model/abi.gen.ts';
import type { MemoryPoint } from '../../../src/model/accounts.ts';
import { oneProcess } from '../helpers/one-process.ts';
import { processSum, sumOf } from '../helpers/site-sums.ts';

const MS = 1e6;

/** Points of the next commit: [ms, heap, blocks, rss]. */
function commitPoints(aggregator: Aggregator): (number | null)[][] {
  const points = [...aggregator.changes()].flatMap((change) => [...change.points] as MemoryPoint[]);
  aggregator.committed();
  return points.map((point) => [point.timeNs / MS, point.heapBytes, point.liveAllocations, point.rssBytes]);
}

test('what is live when a process ends stays live, its addresses are forgotten', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  for (let n = 0; n < 10_000; n++) builder.allocate(thread, 0x1000 + 16 * n, 10);
  apply();
  const full = aggregator.processes.addressTableBytes;
  builder.end(process, { exitCode: 3 });
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 100_000);
  assert.equal(aggregator.process(process)!.heap.heapBytes, 100_000);
  assert.ok(aggregator.processes.addressTableBytes < full / 50);
});

test('an image that follows by exec begins with nothing', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).end(process);
  const image = builder.process({ origin: 'exec', parent: process });
  const next = builder.thread(image, { tid: 2000 + thread });
  builder.free(next, 0x1000).allocate(next, 0x1000, 7);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
  assert.equal(aggregator.losses.inherited, 0);
  assert.equal(processSum(aggregator, process).liveBytes, 100);
  assert.equal(processSum(aggregator, image).liveBytes, 7);
});

test('a released block whose process ends stays live', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).release(thread, 0x1000).end(process);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 100);
});

test('a forked child frees inherited blocks: no allocation, no unmatched free', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).allocate(thread, 0x2000, 50).map(thread, 0x7f00_0000_0000, 8192);
  const child = builder.process({ origin: 'fork', parent: process });
  const clone = builder.thread(child);
  // The parent goes on: its later blocks are not the child's.
  builder.free(thread, 0x1000).allocate(thread, 0x3000, 9);
  builder.free(clone, 0x1000).release(clone, 0x2000).commit(clone).unmap(clone, 0x7f00_0000_0000, 4096);
  apply();
  assert.equal(aggregator.losses.inherited, 3);
  assert.equal(aggregator.losses.unmatched_free, 0);
  assert.equal(processSum(aggregator, child).allocations, 0);
  assert.equal(processSum(aggregator, process).liveBytes, 50 + 8192 + 9);
  builder.free(clone, 0x3000);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
});

test('a child in the memory of its parent has a copy of nothing', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100);
  builder.process({ origin: 'fork', parent: process }, true, FLAG_SHARES_PARENT);
  builder.free(thread, 0x1000);
  apply();
  assert.equal(aggregator.losses.inherited, 0);
  assert.equal(processSum(aggregator, process).liveBytes, 0);
});

test('a grandchild inherits what is left of both', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 1).allocate(thread, 0x2000, 1);
  const child = builder.process({ origin: 'fork', parent: process });
  const clone = builder.thread(child);
  builder.free(clone, 0x1000).allocate(clone, 0x5000, 1);
  const grandchild = builder.process({ origin: 'fork', parent: child });
  const heir = builder.thread(grandchild);
  builder.free(heir, 0x2000).free(heir, 0x5000);
  apply();
  assert.equal(aggregator.losses.inherited, 2 + 2);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('the memory line has the state that each 10 ms ended with, the exact peak and the end', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.at(1 * MS).allocate(thread, 0x1000, 10);
  builder
    .at(4 * MS)
    .allocate(thread, 0x2000, 10)
    .rss(process, 5000);
  builder.at(8 * MS).allocate(thread, 0x3000, 10);
  builder.at(9 * MS).free(thread, 0x3000);
  builder.at(12 * MS).allocate(thread, 0x4000, 5);
  builder.at(500 * MS).free(thread, 0x4000);
  builder.at(600 * MS).end(process);
  apply();
  assert.deepEqual(commitPoints(aggregator), [
    [9, 20, 2, 5000],
    [12, 25, 3, 5000],
    [8, 30, 3, 5000],
    [500, 20, 2, 5000],
    [600, 20, 2, 5000],
  ]);
  assert.deepEqual(commitPoints(aggregator), [], 'nothing twice');
});

test('a commit brings the memory line up to date', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.at(1 * MS).allocate(thread, 0x1000, 10);
  apply();
  assert.deepEqual(commitPoints(aggregator), [[1, 10, 1, null]]);
  builder
    .at(2 * MS)
    .allocate(thread, 0x2000, 10)
    .at(3 * MS)
    .free(thread, 0x1000);
  apply();
  assert.deepEqual(commitPoints(aggregator), [
    [2, 20, 2, null],
    [3, 10, 1, null],
  ]);
  builder
    .at(50 * MS)
    .rss(process, 4096)
    .at(51 * MS)
    .rss(process, 4096);
  apply();
  assert.deepEqual(commitPoints(aggregator), [[50, 10, 1, 4096]], 'the resident set alone, when it changes');
});

test('a busy process gets a point per 10 ms', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  for (let n = 0; n < 1000; n++) builder.at(n * 0.1 * MS + 1).allocate(thread, 0x1000 + n * 16, 1);
  apply();
  const times = commitPoints(aggregator).map(([time]) => time as number);
  assert.ok(times.length >= 9 && times.length <= 12, `${times.length} points in 100 ms`);
  for (let n = 1; n < times.length; n++) assert.ok(times[n]! - times[n - 1]! <= 10.2);
});

test('a process stays out of the capture until its ProcessInfo arrives; nothing is lost meanwhile', () => {
  const aggregator = new Aggregator();
  const { builder } = oneProcess();
  const process = builder.process({}, false);
  const thread = builder.thread(process);
  builder.allocate(thread, 0x1000, 100);
  aggregator.apply(builder.take());
  const listed = () => [...aggregator.changes()].map(({ index }) => index);
  assert.ok(!listed().includes(process));
  aggregator.committed();
  builder.know(process);
  aggregator.apply(builder.take());
  const change = [...aggregator.changes()].find(({ index }) => index === process)!;
  const sites: number[] = [];
  change.visitSites((site) => sites.push(site));
  assert.deepEqual([sites.length, change.threads.length, [...change.points].length], [1, 1, 1]);
});

test('sizes by class and allocator, as differences to the last commit', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  for (const bytes of [0, 15, 16, 17, 18, 2 ** 33]) builder.allocate(thread, 0x1000 * (bytes + 1), bytes);
  builder.allocate(thread, 0x10, 17, { allocator: ALLOCATOR.CALLOC });
  apply();
  const sizes = () => [...aggregator.changes()].flatMap((change) => [...change.sizes]);
  const rows = sizes().map((size) => [size.allocator, size.minBytes, size.maxBytes, size.allocations, size.bytes]);
  assert.deepEqual(rows, [
    [1, 0, 0, 1, 0],
    [1, 15, 15, 1, 15],
    [1, 16, 17, 2, 33],
    [1, 18, 19, 1, 18],
    [1, 2 ** 33, 2 ** 33 + 2 ** 30 - 1, 1, 2 ** 33],
    [2, 16, 17, 1, 17],
  ]);
  aggregator.committed();
  builder.allocate(thread, 0x20, 16);
  apply();
  assert.deepEqual(
    sizes().map((size) => [size.minBytes, size.allocations]),
    [[16, 1]],
  );
});

test('frees of a cache of freed blocks at the end of a thread are no unmatched frees', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.free(thread, 0x9000); // from before tracing, and not at the end of the thread
  builder.allocate(thread, 0x1000, 10).allocate(thread, 0x2000, 10).free(thread, 0x1000).free(thread, 0x2000);
  builder.free(thread, 0x1000).free(thread, 0x2000).endThread(thread);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
});
