import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneProcess } from '../helpers/one-process.ts';
import { processSum, stackSum, sumOf } from '../helpers/site-sums.ts';

test('every site keeps what it held at the peak', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => builder.stack(name)) as [number, number, number];
  builder.allocate(thread, 0x1000, 10, { stack: a }).allocate(thread, 0x2000, 5, { stack: b });
  builder.free(thread, 0x2000).allocate(thread, 0x3000, 1, { stack: c }).free(thread, 0x1000);
  apply();
  assert.deepEqual(
    [a, b, c].map((stack) => stackSum(aggregator, stack).peakBytes),
    [10, 5, 0],
  );
  assert.equal(aggregator.process(process)!.heap.peakBytes, 15);
  assert.equal(sumOf(aggregator).peakAllocations, 2);
});

test('of two equal maxima the later one is the peak', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const [first, second] = [builder.stack('first'), builder.stack('second')];
  builder.at(100).allocate(thread, 0x1000, 64, { stack: first });
  builder.at(200).free(thread, 0x1000);
  builder.at(300).allocate(thread, 0x2000, 64, { stack: second });
  apply();
  assert.equal(stackSum(aggregator, second).peakBytes, 64, 'while the heap stands there');
  builder.at(400).free(thread, 0x2000);
  apply();
  assert.equal(stackSum(aggregator, first).peakBytes, 0);
  assert.equal(stackSum(aggregator, second).peakBytes, 64);
  assert.equal(aggregator.process(process)!.heap.peakNs, 300);
});

test('a block of no bytes at the maximum belongs to the peak', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.at(100).allocate(thread, 0x1000, 64).at(200).allocate(thread, 0x2000, 0);
  builder.at(300).free(thread, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).peakAllocations, 2);
  assert.equal(aggregator.process(process)!.heap.peakNs, 200);
});

test('freeing no bytes at the maximum moves the peak to the moment after', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.at(100).allocate(thread, 0x2000, 0).at(200).allocate(thread, 0x1000, 64);
  builder.at(300).free(thread, 0x2000).at(400).free(thread, 0x1000);
  apply();
  assert.equal(sumOf(aggregator).peakAllocations, 1);
  assert.equal(aggregator.process(process)!.heap.peakNs, 300);
});

test('peaks are per process', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const second = builder.process();
  const stranger = builder.thread(second);
  builder.allocate(thread, 0x1000, 100).free(thread, 0x1000).allocate(stranger, 0x1000, 7);
  builder.allocate(thread, 0x2000, 99);
  apply();
  assert.equal(processSum(aggregator, process).peakBytes, 100);
  assert.equal(processSum(aggregator, second).peakBytes, 7);
});

test('reading the peak in between changes nothing', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  const [a, b] = [builder.stack('a'), builder.stack('b')];
  const peaks: number[][] = [];
  const steps = [
    () => builder.allocate(thread, 0x1000, 10, { stack: a }),
    () => builder.allocate(thread, 0x2000, 10, { stack: b }),
    () => builder.free(thread, 0x1000),
    () => builder.allocate(thread, 0x3000, 30, { stack: b }),
    () => builder.free(thread, 0x2000),
    () => builder.allocate(thread, 0x4000, 10, { stack: a }),
    () => builder.free(thread, 0x3000),
  ];
  for (const step of steps) {
    step();
    apply();
    peaks.push([stackSum(aggregator, a).peakBytes, stackSum(aggregator, b).peakBytes]);
  }
  assert.deepEqual(peaks, [
    [10, 0],
    [10, 10],
    [10, 10],
    [0, 40],
    [0, 40],
    [10, 30],
    [10, 30],
  ]);
});
