import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import { oneProcess } from '../helpers/one-process.ts';

const MS = 1e6;

/** Rows since the last commit. */
function rowsOf({ intervals }: Aggregator) {
  const { sites, frees, peaks } = intervals!;
  return { sites: [...sites], frees: [...frees], peaks: [...peaks] };
}

test('the example of the file', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [a, b] = [builder.stack('A'), builder.stack('B')];
  builder
    .at(1 * MS)
    .allocate(thread, 0x10, 10, { stack: a })
    .allocate(thread, 0x20, 5, { stack: a })
    .free(thread, 0x10);
  builder
    .at(11 * MS)
    .allocate(thread, 0x30, 7, { stack: b })
    .free(thread, 0x20);
  builder.at(21 * MS).allocate(thread, 0x40, 1, { stack: a });
  apply();
  assert.deepEqual(rowsOf(aggregator), {
    sites: [
      [0, 0, 2, 15, 1, 10, 2, 15],
      [1, 1, 1, 7, 0, 0, 1, 7],
    ],
    frees: [[1, 0, 0, 1, 5]],
    peaks: [
      [0, process, 15, 1 * MS + 1],
      [1, process, 12, 11 * MS],
    ],
  });
  aggregator.committed();
  aggregator.intervals!.close();
  assert.deepEqual(rowsOf(aggregator).sites, [[2, 0, 1, 1, 0, 0, 1, 1]]);
});

test('an interval in which nothing happened leaves no row, and its end may be told', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.at(5 * MS).allocate(thread, 0x10, 10);
  apply();
  assert.deepEqual(rowsOf(aggregator).sites, []);
  aggregator.passTime(9.9 * MS);
  assert.equal(aggregator.intervals!.openTick, 0);
  aggregator.passTime(1000 * MS);
  assert.equal(aggregator.intervals!.openTick, 100);
  assert.equal(rowsOf(aggregator).sites.length, 1);
  aggregator.passTime(2000 * MS);
  assert.equal(rowsOf(aggregator).sites.length, 1);
});

test('a high watermark at the beginning is what was live before', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder
    .at(5 * MS)
    .allocate(thread, 0x10, 10)
    .allocate(thread, 0x20, 30);
  builder
    .at(15 * MS)
    .free(thread, 0x20)
    .allocate(thread, 0x30, 5);
  apply();
  aggregator.committed();
  aggregator.passTime(20 * MS);
  const { sites, peaks } = rowsOf(aggregator);
  assert.deepEqual(peaks, [[1, process, 40, 10 * MS]]);
  assert.deepEqual(sites, [[1, 0, 1, 5, 0, 0, 0, 0]]);
});

test('a realloc that fails keeps the birth of its block', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.at(5 * MS).allocate(thread, 0x10, 10);
  builder.at(15 * MS).release(thread, 0x10);
  builder.at(25 * MS).cancel(thread);
  builder.at(35 * MS).free(thread, 0x10);
  apply();
  aggregator.intervals!.close();
  assert.deepEqual(rowsOf(aggregator).frees, [[3, 0, 0, 1, 10]]);
});

test('a hole in a mapping makes a block more, each piece is as old as the mapping', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const page = 4096;
  builder.at(5 * MS).map(thread, 0x10000, 4 * page);
  builder.at(15 * MS).unmap(thread, 0x10000 + page, page);
  builder
    .at(25 * MS)
    .unmap(thread, 0x10000, page)
    .unmap(thread, 0x10000 + 2 * page, page);
  apply();
  aggregator.intervals!.close();
  assert.deepEqual(rowsOf(aggregator).frees, [
    [1, 0, 0, -1, page],
    [2, 0, 0, 1, 2 * page],
  ]);
});

test('wider intervals begin where the last one ended', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const intervals = aggregator.intervals!;
  builder.at(55 * MS).allocate(thread, 0x10, 10);
  apply();
  intervals.widen();
  intervals.widen();
  assert.deepEqual([intervals.openTick, intervals.endNs, intervals.widthTicks], [5, 80 * MS, 4]);
  aggregator.passTime(110 * MS);
  assert.deepEqual([intervals.openTick, intervals.endNs], [8, 120 * MS]);
});

test('a process that is heard of after its end has one high watermark in the interval', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder
    .at(1 * MS)
    .allocate(thread, 0x10, 10)
    .end(process);
  apply();
  aggregator.committed();
  builder.at(2 * MS).sample(thread, 100);
  apply();
  aggregator.intervals!.close();
  assert.deepEqual(rowsOf(aggregator).peaks, [[0, process, 10, 1 * MS]]);
});

test('nothing of this is kept when only sums are asked for', () => {
  const aggregator = new Aggregator({ withIntervals: false });
  assert.equal(aggregator.intervals, null);
  aggregator.passTime(1e9);
});
