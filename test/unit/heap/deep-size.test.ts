/** Sizes of objects with all that they lead to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeepSizer } from '../../../src/heap/deep-size.ts';
import { HeapGraph } from '../../../src/heap/graph.ts';
import { partition } from '../../../src/heap/partition.ts';
import { makeHeap } from './made-heap.ts';

/** A dict with two lists that share a str; a function; a list that refers to itself. */
const { heap, names } = makeHeap([
  { type: 'dict', size: 200, references: { "['a']": 1, "['b']": 2, "['f']": 4 } },
  { type: 'list', size: 64, references: { '[0]': 3 } },
  { type: 'list', size: 72, references: { '[0]': 3, '[1]': 3 } },
  { type: 'str', size: 50, untracked: true },
  { type: 'function', size: 136, references: { '.__dict__': 5 } },
  { type: 'dict', size: 64 },
  { type: 'list', size: 56, references: { '[0]': 6 } },
]);

const sizer = (limit = 100) => new DeepSizer(new HeapGraph(heap, names), limit);

test('what is shared counts once, and functions are not data', () => {
  const { flat, deep, count, depth } = sizer().size(0, 0);
  assert.deepEqual([flat, deep, count, depth], [200, 386, 4, 2]);
});

test("parts, the largest first; what two share is the first one's", () => {
  const { deep, parts } = sizer().size(0, 1);
  assert.equal(deep, 386);
  assert.deepEqual(
    parts.map((part) => [part.object, part.deep]),
    [
      [1, 114],
      [2, 72],
    ],
  );
});

test('cycles end, and a limit ends chains', () => {
  const one = sizer();
  assert.equal(one.size(6, 3).deep, 56);
  assert.equal(one.duplicates, 1);
  assert.equal(sizer(1).size(0, 0).deep, 336);
});

test('what was counted, by type', () => {
  const one = sizer();
  const sizes = [one.size(1, 0), one.size(6, 0)];
  const counted = partition(heap, 'type', one.counted());
  assert.equal(
    counted.size,
    sizes.reduce((sum, { deep }) => sum + deep, 0),
  );
  assert.deepEqual(
    counted.rows.map(({ kind, count, size }) => [kind, count, size]),
    [
      ['list', 2, 120],
      ['str', 1, 50],
    ],
  );
});
