import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOCATOR, FLAG_COMMITS_RELEASE } from '../../../src/model/abi.gen.ts';
import { oneProcess } from '../helpers/one-process.ts';
import { stackSum, sumOf, temporariesOf } from '../helpers/site-sums.ts';

test('a moved block is freed, then allocated: the peak never holds both', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [first, second] = [builder.stack('first'), builder.stack('second')];
  builder.allocate(thread, 0x1000, 100, { stack: first }).realloc(thread, 0x1000, 0x2000, 150, second);
  apply();
  assert.equal(stackSum(aggregator, first).deallocations, 1);
  assert.equal(stackSum(aggregator, second, ALLOCATOR.REALLOC).liveBytes, 150);
  assert.equal(aggregator.process(process)!.heap.peakBytes, 150);
  assert.equal(stackSum(aggregator, first).peakBytes, 0);
  builder.free(thread, 0x1000).free(thread, 0x2000);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
});

test('a block that grows where it is', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).realloc(thread, 0x1000, 0x1000, 300);
  apply();
  const sum = sumOf(aggregator);
  assert.deepEqual([sum.allocations, sum.deallocations, sum.liveAllocations, sum.liveBytes], [2, 1, 1, 300]);
});

test('a released block counts until the end of realloc, though its address can be given away', () => {
  const { aggregator, builder, process, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).release(thread, 0x1000).allocate(other, 0x1000, 8);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 108);
  builder.allocate(thread, 0x2000, 200, { allocator: ALLOCATOR.REALLOC, flags: FLAG_COMMITS_RELEASE });
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 208);
  assert.equal(aggregator.process(process)!.heap.peakBytes, 208);
  builder.free(other, 0x1000).free(thread, 0x2000);
  apply();
  assert.equal(sumOf(aggregator).liveAllocations, 0);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('a failed realloc leaves the block live and free-able', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder
    .allocate(thread, 0x1000, 2 ** 33 + 5)
    .release(thread, 0x1000)
    .cancel(thread);
  apply();
  assert.deepEqual([sumOf(aggregator).liveBytes, sumOf(aggregator).deallocations], [2 ** 33 + 5, 0]);
  builder.free(thread, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 0);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('realloc to zero bytes frees', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).release(thread, 0x1000).commit(thread);
  apply();
  const sum = sumOf(aggregator);
  assert.deepEqual([sum.allocations, sum.deallocations, sum.liveBytes], [1, 1, 0]);
  assert.deepEqual(temporariesOf(sum), { 0: [1, 100] });
});

test('a released unknown block is an unmatched free when it is committed, nothing when it is cancelled', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.release(thread, 0x1000).cancel(thread);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 0);
  builder.release(thread, 0x1000).commit(thread);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
  builder.realloc(thread, 0x3000, 0x4000, 10);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 2);
  assert.equal(sumOf(aggregator).liveBytes, 10);
});

test('commit and cancel without a release do nothing', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).commit(thread).cancel(thread);
  builder.allocate(thread, 0x2000, 1, { flags: FLAG_COMMITS_RELEASE });
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 101);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('a second release while one is pending leaves the first block live', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).allocate(thread, 0x2000, 200).release(thread, 0x1000).release(thread, 0x2000);
  builder.commit(thread);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 100);
  builder.free(thread, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 0);
});

test('a cancelled block whose address was given away meanwhile has ended', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).release(thread, 0x1000).allocate(other, 0x1000, 8).cancel(thread);
  apply();
  const sum = sumOf(aggregator);
  assert.deepEqual([sum.liveBytes, sum.liveAllocations, sum.deallocations], [8, 1, 1]);
});

test('releases of two threads do not mix, those of a renamed thread do', () => {
  const { aggregator, builder, process, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 1).allocate(thread, 0x2000, 2).release(thread, 0x1000).release(other, 0x2000);
  const renamed = builder.thread(process, { tid: 2000 + thread, name: 'renamed' });
  builder.commit(renamed).cancel(other);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 2);
});

test('a free from within realloc(p, 0) of the same block ends it once', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).release(thread, 0x1000).free(thread, 0x1000).commit(thread);
  builder.release(thread, 0x5000).free(thread, 0x5000).commit(thread); // a block from before tracing
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 0);
  assert.equal(sumOf(aggregator).deallocations, 1);
  assert.equal(aggregator.losses.unmatched_free, 1);
});
