import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneProcess } from '../helpers/one-process.ts';
import { stackSum, sumOf, temporariesOf } from '../helpers/site-sums.ts';

test('blocks are counted by how many other allocations came before their free, up to 16', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const [temporary, filler] = [builder.stack('temporary'), builder.stack('filler')];
  let fillers = 0;
  for (const distance of [0, 1, 1, 15, 16, 17, 100]) {
    builder.allocate(thread, 0x1000, 100 + distance, { stack: temporary });
    for (let n = 0; n < distance; n++) builder.allocate(thread, 0x10_0000 + 16 * fillers++, 1, { stack: filler });
    builder.free(thread, 0x1000);
  }
  apply();
  const expected = { 0: [1, 100], 1: [2, 202], 15: [1, 115], 16: [1, 116] };
  assert.deepEqual(temporariesOf(stackSum(aggregator, temporary)), expected);
  assert.deepEqual(temporariesOf(stackSum(aggregator, filler)), {});
});

test('allocations of other threads do not count, frees by other threads are not temporary', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 10);
  for (let n = 0; n < 20; n++) builder.allocate(other, 0x2000 + 16 * n, 1);
  builder.free(thread, 0x1000).allocate(thread, 0x1000, 5).free(other, 0x1000);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 0: [1, 10] });
});

test('a renamed thread is the same thread', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 10);
  const renamed = builder.thread(process, { tid: 2000 + thread, name: 'renamed' });
  builder.allocate(renamed, 0x2000, 1).free(renamed, 0x1000);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 1: [1, 10] });
});

test('threads of two processes with the same tid are two threads', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const twin = builder.thread(builder.process(), { tid: 2000 + thread });
  builder.allocate(thread, 0x1000, 10).allocate(twin, 0x1000, 20).free(thread, 0x1000).free(twin, 0x1000);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 0: [2, 30] });
});

test('a thread that takes over the index of one that has ended is another thread', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const renamed = builder.allocate(thread, 0x1000, 10).thread(process, { tid: 2000 + thread, name: 'renamed' });
  builder.allocate(renamed, 0x2000, 20).endThread(renamed);
  apply();
  builder.thread(process, { index: thread, tid: 3000 });
  builder.thread(process, { index: renamed, tid: 3001 });
  builder.free(thread, 0x1000).free(renamed, 0x2000);
  builder.allocate(thread, 0x3000, 1).allocate(renamed, 0x4000, 2);
  builder.release(thread, 0x3000).release(renamed, 0x4000).commit(thread).commit(renamed);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 0: [2, 3] });
  assert.equal(sumOf(aggregator).liveBytes, 0);
});

test('realloc frees before it allocates', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 10).realloc(thread, 0x1000, 0x2000, 20).realloc(thread, 0x2000, 0x2000, 30);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 0: [2, 30] });
});
