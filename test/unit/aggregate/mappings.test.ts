import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOCATOR, FLAG_INTERNAL, FLAG_MAP_FIXED } from '../../../src/model/abi.gen.ts';
import { oneProcess } from '../helpers/one-process.ts';
import { stackSum, sumOf, temporariesOf } from '../helpers/site-sums.ts';

const PAGE = 4096;
const BASE = 0x7f00_0000_0000;

/** [live bytes, live blocks, ended blocks] */
function state(aggregator: Parameters<typeof sumOf>[0]): [number, number, number] {
  const { liveBytes, liveAllocations, deallocations } = sumOf(aggregator);
  return [liveBytes, liveAllocations, deallocations];
}

test('a mapping goes with its pages, requested bytes count', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.map(thread, BASE, 10_000);
  apply();
  assert.deepEqual(state(aggregator), [10_000, 1, 0]);
  builder.unmap(thread, BASE, 10_000);
  apply();
  assert.deepEqual(state(aggregator), [0, 0, 1]);
});

test('the front, the end and the middle of a mapping', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.map(thread, BASE, 10 * PAGE + 1).unmap(thread, BASE, PAGE);
  apply();
  assert.deepEqual(state(aggregator), [9 * PAGE + 1, 1, 0]);
  builder.unmap(thread, BASE + 10 * PAGE, 1);
  apply();
  assert.deepEqual(state(aggregator), [9 * PAGE, 1, 0], 'the last piece of one byte goes with its page');
  builder.unmap(thread, BASE + 4 * PAGE, 2 * PAGE);
  apply();
  assert.deepEqual(state(aggregator), [7 * PAGE, 2, 0], 'a hole: one block more');
  builder.unmap(thread, BASE, 20 * PAGE);
  apply();
  assert.deepEqual(state(aggregator), [0, 0, 2]);
  assert.equal(aggregator.losses.unmatched_free, 0);
  assert.equal(sumOf(aggregator).allocations, 1);
  assert.deepEqual(temporariesOf(sumOf(aggregator)), {}, 'what goes in pieces was no temporary block');
});

test('munmap of less than a page takes the page', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.map(thread, BASE, 3 * PAGE).unmap(thread, BASE + PAGE, 1);
  apply();
  assert.deepEqual(state(aggregator), [2 * PAGE, 2, 0]);
});

test('one munmap over several mappings and gaps between them', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  const stacks = ['a', 'b', 'c'].map((name) => builder.stack(name));
  builder.map(thread, BASE, 4 * PAGE, 0, stacks[0]!);
  builder.map(other, BASE + 4 * PAGE, 100, 0, stacks[1]!);
  builder.map(thread, BASE + 8 * PAGE, 4 * PAGE, 0, stacks[2]!);
  builder.unmap(thread, BASE + 2 * PAGE, 8 * PAGE);
  apply();
  assert.equal(stackSum(aggregator, stacks[0]!).liveBytes, 2 * PAGE);
  assert.equal(stackSum(aggregator, stacks[1]!).liveBytes, 0);
  assert.equal(stackSum(aggregator, stacks[1]!).deallocations, 1);
  assert.equal(stackSum(aggregator, stacks[2]!).liveBytes, 2 * PAGE);
  assert.equal(aggregator.losses.unmatched_free, 0);
});

test('MAP_FIXED over an old mapping frees what it covers, at once and for good', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [older, newer] = [builder.stack('older'), builder.stack('newer')];
  builder.map(thread, BASE, 8 * PAGE, 0, older).map(thread, BASE + 2 * PAGE, 2 * PAGE, FLAG_MAP_FIXED, newer);
  apply();
  assert.equal(stackSum(aggregator, older).liveBytes, 6 * PAGE);
  assert.equal(stackSum(aggregator, older).liveAllocations, 2);
  assert.equal(stackSum(aggregator, newer).liveBytes, 2 * PAGE);
  assert.equal(aggregator.process(process)!.heap.peakBytes, 8 * PAGE);
  builder.unmap(thread, BASE, 8 * PAGE);
  apply();
  assert.deepEqual(state(aggregator), [0, 0, 3]);
});

test('a late munmap does not end the mapping that another thread got in its place', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  const [older, newer] = [builder.stack('older'), builder.stack('newer')];
  builder.map(thread, BASE, 4 * PAGE, 0, older).map(other, BASE + PAGE, 2 * PAGE, 0, newer);
  apply();
  assert.equal(stackSum(aggregator, older).liveBytes, 2 * PAGE, 'the overlap must be free already');
  builder.unmap(thread, BASE, 4 * PAGE);
  apply();
  assert.equal(stackSum(aggregator, older).liveBytes, 0);
  assert.equal(stackSum(aggregator, newer).liveBytes, 2 * PAGE);
  assert.equal(stackSum(aggregator, newer).liveAllocations, 1);
  assert.equal(aggregator.losses.unmatched_free, 0);
  builder.unmap(other, BASE + PAGE, 2 * PAGE);
  apply();
  assert.equal(sumOf(aggregator).liveBytes, 0, 'the debt is paid: this one counts');
});

test('a late munmap that never comes is forgotten after a second', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.map(thread, BASE, PAGE).map(other, BASE, PAGE);
  builder.at(builder.timeNs + 1e9 + 10).unmap(other, BASE, PAGE);
  apply();
  assert.deepEqual(state(aggregator), [0, 0, 2]);
});

test('a late munmap in two parts', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.map(thread, BASE, 4 * PAGE).map(other, BASE, 4 * PAGE);
  builder.unmap(thread, BASE, PAGE).unmap(thread, BASE + PAGE, 3 * PAGE);
  apply();
  assert.deepEqual(state(aggregator), [4 * PAGE, 1, 1]);
  builder.unmap(other, BASE + 3 * PAGE, PAGE);
  apply();
  assert.deepEqual(state(aggregator), [3 * PAGE, 1, 1]);
});

test('mremap: the old range goes, the new one is an allocation by mremap', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [mapped, moved] = [builder.stack('mapped'), builder.stack('moved')];
  builder.map(thread, BASE, 2 * PAGE, 0, mapped).unmap(thread, BASE, 2 * PAGE);
  builder.allocate(thread, BASE + 64 * PAGE, 5 * PAGE, { allocator: ALLOCATOR.MREMAP, stack: moved });
  apply();
  assert.equal(stackSum(aggregator, mapped).deallocations, 1);
  assert.equal(stackSum(aggregator, moved, ALLOCATOR.MREMAP).liveBytes, 5 * PAGE);
  assert.equal(aggregator.process(process)!.heap.peakBytes, 5 * PAGE);
});

test('munmap of unknown ranges: an unmatched free, unless the allocator did it', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.unmap(thread, BASE, PAGE, FLAG_INTERNAL).unmap(thread, BASE, 0);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 0);
  builder.unmap(thread, BASE, PAGE);
  apply();
  assert.equal(aggregator.losses.unmatched_free, 1);
  builder.map(thread, BASE, PAGE).unmap(thread, BASE, PAGE, FLAG_INTERNAL);
  apply();
  assert.deepEqual(state(aggregator), [0, 0, 1], 'a known range is freed whoever does it');
});

test('mappings beyond 2^53, as a hint may place them', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const base = 2 ** 56 - 64 * PAGE;
  builder.map(thread, base, 3 * PAGE + 5).unmap(thread, base + PAGE, PAGE);
  apply();
  assert.deepEqual(state(aggregator), [2 * PAGE + 5, 2, 0]);
});

test('a terabyte mapping, page by page from the end', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.map(thread, BASE, 2 ** 40);
  for (let page = 1; page <= 100; page++) builder.unmap(thread, BASE + 2 ** 40 - page * PAGE, PAGE);
  apply();
  assert.deepEqual(state(aggregator), [2 ** 40 - 100 * PAGE, 1, 0]);
});

test('a mapping unmapped whole by its thread is a temporary allocation', () => {
  const { aggregator, builder, thread, other, apply } = oneProcess();
  builder.map(thread, BASE, 10).allocate(thread, 0x1000, 1).unmap(thread, BASE, 10);
  builder.map(thread, BASE, 20).unmap(other, BASE, 20);
  apply();
  assert.deepEqual(temporariesOf(sumOf(aggregator)), { 1: [1, 10] });
});
