import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownLine } from '../../../src/heap/partition-table.ts';
import { makeHeap } from './made-heap.ts';

test('says how many objects it cannot look into', () => {
  const { heap } = makeHeap([]);
  assert.equal(unknownLine(heap), '');
  const one = { ...heap, unknownObjects: 1, unknownTypes: 1 };
  assert.equal(unknownLine(one), 'What 1 object of 1 C type refers to is not known to mp.\n');
  const many = { ...heap, unknownObjects: 12345, unknownTypes: 2 };
  assert.equal(unknownLine(many), 'What 12,345 objects of 2 C types refer to is not known to mp.\n');
});
