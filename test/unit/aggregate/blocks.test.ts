import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOCATOR, OPERATION } from '../../../src/model/abi.gen.ts';
import { oneProcess } from '../helpers/one-process.ts';
import { processSum, stackSum, sumOf } from '../helpers/site-sums.ts';

test('an allocation and its free leave calls and bytes, nothing live', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).allocate(thread, 0x2000, 50).free(thread, 0x1000);
  apply();
  const sum = sumOf(aggregator);
  assert.equal(sum.allocations, 2);
  assert.equal(sum.allocatedBytes, 150);
  assert.equal(sum.deallocations, 1);
  assert.equal(sum.liveAllocations, 1);
  assert.equal(sum.liveBytes, 50);
});

test('zero-byte blocks are blocks', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 0).allocate(thread, 0x1010, 0).free(thread, 0x1000);
  apply();
  const sum = sumOf(aggregator);
  assert.deepEqual([sum.allocations, sum.liveAllocations, sum.allocatedBytes], [2, 1, 0]);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('a free of an unknown address counts as loss only', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 8).free(thread, 0x1000).free(thread, 0x5000).free(thread, 0x1000);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 2);
  assert.equal(aggregator.process(process)!.unmatchedFrees, 2);
  assert.equal(sumOf(aggregator).liveBytes, 0);
  assert.equal(sumOf(aggregator).deallocations, 1);
});

test('a block that one function passes on to another to be freed ends once', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 8).free(thread, 0x1000).free(thread, 0x1000);
  builder.allocate(other, 0x1000, 8).free(thread, 0x1000).free(thread, 0x1000).free(other, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).deallocations, 2);
  assert.equal(sumOf(aggregator).liveBytes, 0);
  assert.equal(aggregator.losses.unmatched_free, 1);
});

test('an address given out again before its free was seen ends the older block', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  const [older, newer] = [builder.stack('older'), builder.stack('newer')];
  builder.allocate(thread, 0x1000, 100, { stack: older }).allocate(other, 0x1000, 7, { stack: newer });
  apply();
  assert.equal(stackSum(aggregator, older).deallocations, 1);
  assert.equal(stackSum(aggregator, older).liveBytes, 0);
  assert.equal(stackSum(aggregator, newer).liveBytes, 7);
  // Nobody was seen to free it, so it is no temporary allocation.
  assert.deepEqual(stackSum(aggregator, older).temporaries.flat(), new Array(34).fill(0));
});

test('a block freed by another thread is charged to the site that allocated it', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100).free(other, 0x1000);
  apply();
  assert.equal(sumOf(aggregator, (site) => aggregator.threadOf(site) === thread).deallocations, 1);
  assert.equal(sumOf(aggregator, (site) => aggregator.threadOf(site) === other).deallocations, 0);
});

test('the same address in two processes is two blocks', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const second = builder.process();
  const stranger = builder.thread(second);
  builder.allocate(thread, 0x1000, 100).allocate(stranger, 0x1000, 7).free(thread, 0x1000);
  apply();
  assert.equal(processSum(aggregator, process).liveBytes, 0);
  assert.equal(processSum(aggregator, second).liveBytes, 7);
});

test('sizes of 4 GiB and more and high addresses are exact', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const sizes = [2 ** 32, 2 ** 40 + 1, 2 ** 32 - 1];
  const addresses = [0x7fff_ffff_f000, 0x7f12_0000_0000, 0x5555_0000_0010];
  for (const [index, address] of addresses.entries()) builder.allocate(thread, address, sizes[index]!);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 2 ** 32 + 2 ** 40 + 1 + 2 ** 32 - 1);
  builder.free(thread, addresses[1]!);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 2 ** 33 - 1);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('addresses that differ in one half only are different blocks', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1_0000_1000, 1).allocate(thread, 0x2_0000_1000, 2).allocate(thread, 0x1_0000_2000, 4);
  builder.free(thread, 0x2_0000_1000);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 5);
});

test('a size beyond 48 bits is cut, and freeing it balances', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 2 ** 50);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 2 ** 48 - 1);
  builder.free(thread, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 0);
  assert.equal(aggregator.process(0)!.heap.heapBytes, 0);
});

test('allocators of one stack are different sites', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const stack = builder.stack('main');
  builder.allocate(thread, 0x1000, 1, { stack, allocator: ALLOCATOR.CALLOC }).allocate(thread, 0x2000, 2, { stack });
  apply();
  assert.equal(stackSum(aggregator, stack, ALLOCATOR.CALLOC).liveBytes, 1);
  assert.equal(stackSum(aggregator, stack, ALLOCATOR.MALLOC).liveBytes, 2);
});

test('allocations are counted by the status of their stack', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const stacks = (['complete', 'truncated', 'incomplete', 'missing'] as const).map((s) => builder.bareStack(s, 'f'));
  stacks.forEach((stack, index) => {
    for (let n = 0; n <= index; n++) builder.allocate(thread, 0x1000 * (index + 1) + 16 * n, 1, { stack });
  });
  builder.allocate(thread, 0x9000, 1, { stack: 77 });
  apply();
  const { stack_truncated, stack_incomplete, stack_missing } = aggregator.losses;
  assert.deepEqual([stack_truncated, stack_incomplete, stack_missing], [2, 3, 5]);
});

test('records that make no sense are counted, not applied', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(99, 0x1000, 100).raw(200, 0).raw(0, thread).raw(OPERATION.COMMIT, thread);
  apply();
  assert.equal(aggregator.losses.event_invalid, 3);
  assert.equal(aggregator.siteCount, 0);
});
