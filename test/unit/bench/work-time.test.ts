import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWorkTime } from '../../../scripts/bench/work-time.ts';

test('the time of the work is found among what a tracer says', () => {
  const output = 'heaptrack output: x\nstarting\nelapsed 4.031250 s, processor 3.990000 s\nallocations: 12\n';
  assert.deepEqual(parseWorkTime(output), { elapsed: 4.03125, cpu: 3.99 });
});

test('it is an error if the program did not get so far', () => {
  assert.throws(() => parseWorkTime('Traceback\nelapsed 1 s\n'), /did not say its time: Traceback/);
});
