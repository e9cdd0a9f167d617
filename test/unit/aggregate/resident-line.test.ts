import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResidentLine } from '../../../src/aggregate/resident-line.ts';
import type { ResidentPoint } from '../../../src/model/accounts.ts';

function point(timeNs: number, bytes: number): ResidentPoint {
  const none = { v8HeapBytes: null, jitCodeBytes: 0, brkBytes: 0, stackBytes: 0, fileBytes: 0, sharedBytes: 0 };
  return { ...none, timeNs, anonymousBytes: bytes, untouchedBytes: 0, live: { sites: [timeNs], bytes: [bytes] } };
}

function lineOf(sizes: number[], maxPoints: number): ResidentLine {
  const line = new ResidentLine(maxPoints);
  for (const [timeNs, bytes] of sizes.entries()) line.add(point(timeNs, bytes));
  return line;
}

const times = (line: ResidentLine) => line.points.map(({ timeNs }) => timeNs);

test('first, most and last stay, and the others as far apart as can be', () => {
  assert.deepEqual(times(lineOf([10, 20, 80, 30, 31], 5)), [0, 1, 2, 3, 4]);
  assert.deepEqual(times(lineOf([10, 20, 80, 30, 31, 33], 5)), [0, 2, 3, 4, 5]);
  assert.deepEqual(times(lineOf([10, 20, 80, 30, 31, 33], 3)), [0, 2, 5]);
});

test('the number of points does not grow with time', () => {
  const sizes = Array.from({ length: 5000 }, (_, i) => (i === 1234 ? 1e9 : (i * 7919) % 1000));
  const line = lineOf(sizes, 64);
  assert.equal(line.points.length, 64);
  assert.deepEqual([times(line)[0], times(line).at(-1), times(line).includes(1234)], [0, 4999, true]);
  assert.deepEqual(
    times(line).toSorted((a, b) => a - b),
    times(line),
  );
  const gaps = times(line).map((time, i, all) => time - (all[i - 1] ?? time));
  assert.ok(Math.max(...gaps) < 5000 / 10, `gaps of up to ${Math.max(...gaps)}`);
});

test('what was live is kept of the first, of that of most, and of the last', () => {
  const kept = (line: ResidentLine) => line.points.filter(({ live }) => live !== null).map(({ timeNs }) => timeNs);
  assert.deepEqual(kept(lineOf([10], 64)), [0]);
  assert.deepEqual(kept(lineOf([10, 20, 80, 30, 31, 33], 64)), [0, 2, 5]);
  assert.deepEqual(kept(lineOf([10, 20, 80, 80, 31], 64)), [0, 3, 4], 'of two equal maxima the later one counts');
  assert.deepEqual(kept(lineOf([90, 20, 80], 64)), [0, 2]);
});
