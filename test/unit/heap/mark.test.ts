/** Objects that are remembered, and what is new beside them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeapGraph } from '../../../src/heap/graph.ts';
import { decodeMark, encodeMark, markOf, membership } from '../../../src/heap/mark.ts';
import { newObjects, newObjectsTable } from '../../../src/heap/new-objects.ts';
import { makeHeap } from './made-heap.ts';

const before = makeHeap([{ type: 'list' }, { type: 'a.Item' }, { type: 'a.Item' }, { type: 'str', untracked: true }]);
/** The list is gone, and an Item is where it was; one Item has gone and two have come. */
const now = makeHeap([{ type: 'a.Item' }, { type: 'a.Item' }, { type: 'str', untracked: true }, { type: 'b.Item' }]);
const graph = new HeapGraph(now.heap, now.names);

test('an object is known if one of its type was at its address', () => {
  const isKnown = membership(markOf(before.heap), now.heap);
  assert.deepEqual([0, 1, 2, 3].map(isKnown), [false, true, false, false]);
});

test('a set is read as it was written, and nothing else is', () => {
  const set = markOf(before.heap, (object) => object > 0);
  const bytes = encodeMark(set);
  assert.deepEqual(decodeMark(bytes), set);
  const shifted = Buffer.concat([Buffer.from('x'), bytes]).subarray(1);
  assert.deepEqual(decodeMark(shifted), set, 'wherever it is in memory');
  for (let length = 0; length < bytes.length; length++) assert.equal(decodeMark(bytes.subarray(0, length)), null);
  const damaged = Uint8Array.from(bytes);
  damaged[damaged.length - 1] = 0xff;
  assert.equal(decodeMark(damaged), null, 'a type that is none');
  for (const head of [
    '{"format":1,"count":-1,"types":[]}',
    '{"format":2,"count":0,"types":[]}',
    'null',
    '{"count":1e99}',
  ])
    assert.equal(decodeMark(Buffer.from(`${head}\n`)), null, head);
});

test('what came and went by type, as objgraph counts it', () => {
  const tracked = markOf(before.heap, (object) => object < 3);
  const rows = newObjects(graph, tracked, 'deltas', true);
  assert.deepEqual(
    rows.map((row) => [row.name, row.old, row.current, row.new, row.deltas, row.objects]),
    [
      ['Item', 2, 3, 2, 1, [0, 3]],
      ['list', 1, 0, 0, -1, []],
    ],
  );
  const names = newObjects(graph, tracked, 'old', false).map(({ name }) => name);
  assert.deepEqual(names, ['a.Item', 'list', 'b.Item']);
  assert.equal(newObjects(graph, null, 'new', true)[0]!.new, 3);
});

test('the table is that of objgraph', () => {
  const [row] = newObjects(
    graph,
    markOf(before.heap, (object) => object < 3),
    'deltas',
    true,
  );
  const rule = '='.repeat(56);
  const expected = [
    rule,
    'Type      Old_ids  Current_ids      New_ids Count_Deltas',
    rule,
    'Item            2            3           +2           +1',
    rule,
    '',
  ];
  assert.equal(newObjectsTable([row!]), expected.join('\n'));
  assert.equal(newObjectsTable([]), '');
});
