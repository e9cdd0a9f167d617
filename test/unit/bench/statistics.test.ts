import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRatio, formatRow, median } from '../../../scripts/bench/statistics.ts';

test('the median is the middle value, or the mean of the two in the middle, and leaves its argument as it is', () => {
  const values = [10, 9, 100];
  assert.equal(median(values), 10);
  assert.deepEqual(values, [10, 9, 100]);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.throws(() => median([]), /no values/);
});

test('a ratio has three digits', () => {
  const written = [1, 1.046, 9.994, 9.996, 23.44, 99.94, 99.96, 1234.4].map(formatRatio);
  assert.deepEqual(written, ['1.00 x', '1.05 x', '9.99 x', '10.0 x', '23.4 x', '99.9 x', '100 x', '1234 x']);
});

test('the values of a table are aligned at the right', () => {
  assert.equal(formatRow(['  mp run', '2.50 x']), `  mp run${' '.repeat(59)}2.50 x`);
  assert.equal(formatRow(['x'.repeat(56), '1 ns']).length, formatRow(['a', '109 x (77.2 x)']).length);
});
