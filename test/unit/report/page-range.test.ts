import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PageTime } from '../../../src/report/page/format.ts';
import { rangeAddress, rangeOfAddress } from '../../../src/report/page/range.ts';

/** Ten seconds; opens with the third and the fourth. */
const TIME = { interval_ms: 20, intervals: 500, from: 100, to: 200 } as PageTime;

test('a range comes back from the address that it was written to', () => {
  for (const range of [
    { from: 0, to: 500 },
    { from: 100, to: 200 },
    { from: 3, to: 4 },
    { from: 100, to: 101 },
    { from: 499, to: 500 },
  ]) {
    const { from, to } = rangeAddress(TIME, range);
    assert.deepEqual(rangeOfAddress(TIME, from || null, to || null), range);
  }
  assert.deepEqual(rangeAddress(TIME, { from: 100, to: 201 }), { from: '', to: '4.02' });
});

test('an address that makes no sense is the range that the page opens with', () => {
  const opened = { from: 100, to: 200 };
  for (const [from, to] of [
    ['x', 'y'],
    ['5', '4'],
    ['4', '4'],
    ['20', '30'],
    [null, '1'],
    ['', ''],
  ] as const) {
    assert.deepEqual(rangeOfAddress(TIME, from, to), opened, `${from} to ${to}`);
  }
  assert.deepEqual(rangeOfAddress(TIME, '-3', '1e9'), { from: 0, to: 500 });
});
