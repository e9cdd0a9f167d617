import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heap, ObjectSet, UserError } from '../../../src/lib/index.ts';
import { APP } from '../heap/app-heap.ts';
import { makeHeap } from '../heap/made-heap.ts';

const { heap: columns, names } = makeHeap(APP);
const heap = new Heap(columns, names);

test('objects in rows, and those of a row', () => {
  const { count, size, rows } = heap.objects.partition;
  assert.deepEqual([count, size], [9, 632]);
  assert.deepEqual(rows.slice(0, 2), [
    { kind: 'dict of module', count: 1, size: 200 },
    { kind: 'app.Item', count: 3, size: 144 },
  ]);
  assert.equal(heap.objects.ofKinds('type', new Set(['app.Item'])).count, 3);
  assert.deepEqual([heap.pauseMs, heap.wasCut, heap.problems.objects], [0, false, 0]);
});

test('an object by its name, and what would go with it', () => {
  const cache = heap.find('app.cache');
  assert.ok(cache instanceof ObjectSet);
  assert.equal(cache.dominated().size, 184);
  assert.throws(() => heap.find('app.nothing'), UserError);
});

test('types, growth, and what nothing refers to', () => {
  assert.deepEqual(heap.mostCommonTypes(2), [
    ['Item', 3],
    ['Node', 2],
  ]);
  assert.deepEqual(heap.mostCommonTypes(1, { shortNames: false, all: true }), [['app.Item', 3]]);
  const peaks = new Map([
    ['Item', 1],
    ['Node', 2],
    ['dict', 5],
  ]);
  assert.deepEqual(heap.growth(peaks), [
    { name: 'Item', count: 3, delta: 2 },
    { name: 'list', count: 1, delta: 1 },
    { name: 'module', count: 1, delta: 1 },
  ]);
  assert.deepEqual(heap.growth(peaks), []);
  assert.deepEqual([...heap.leaking().members], [0, 8]);
});

test('references, chains and deep sizes', () => {
  assert.match(heap.backrefs('Item[0]', { maxDepth: 1 }).text, /^app\.Item 0x1030 .*\n└← \[0\] list 0x1020/);
  assert.match(heap.refs('app.cache').dot, /^digraph/);
  assert.deepEqual(heap.refs('app.cache', { tooMany: 1 }).left.get(2), 1);
  assert.deepEqual(heap.chain('Item[0]'), [0, 1, 2, 3]);
  assert.deepEqual(heap.paths('Item[1]'), ["modules['app'].__dict__['cache'][1]"]);
  assert.deepEqual(
    heap.sizeof(['app.cache', 'app.name']).map(({ flat, deep, count }) => [flat, deep, count]),
    [
      [88, 234, 4],
      [50, 50, 1],
    ],
  );
});

test('a process that is not there, and one that is no Python', () => {
  assert.throws(() => Heap.read(2 ** 22 + 1), UserError);
  assert.throws(() => Heap.read(process.pid, { maxPauseMs: 0 }), UserError);
});
