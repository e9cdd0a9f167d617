import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressIndex } from '../../../src/heap/address-index.ts';
import { HeapGraph } from '../../../src/heap/graph.ts';
import { ObjectSet } from '../../../src/heap/object-set.ts';
import { referencePattern } from '../../../src/heap/reference-pattern.ts';
import { pathText, shortestPaths } from '../../../src/heap/shortest-paths.ts';
import { APP } from './app-heap.ts';
import { addressOf, type MadeObject, makeHeap } from './made-heap.ts';

function graphOf(objects: MadeObject[]): HeapGraph {
  const { heap, names } = makeHeap(objects);
  return new HeapGraph(heap, names);
}

const graph = graphOf(APP);
const all = ObjectSet.all(graph);
const of = (...objects: number[]) => ObjectSet.of(graph, objects);
const members = (set: ObjectSet) => [...set.members];

test('a set has sums, and the objects of its rows', () => {
  assert.deepEqual([all.count, all.size], [9, 632]);
  assert.deepEqual([of(3, 8, 3).count, of(8, 3).size], [2, 96]);
  assert.deepEqual(
    all.partition.rows.slice(0, 3).map(({ kind }) => kind),
    ['dict of module', 'app.Item', 'list'],
  );
  assert.deepEqual(members(all.rows(0, 1)), [1]);
  assert.deepEqual(members(all.rows(1, 3)), [2, 3, 4, 8]);
  assert.deepEqual(members(of(4, 6).groupedBy('type').rows(0, 1)), [4]);
});

test('rows by id are the largest first, and say what the object is', () => {
  const { rows } = all.groupedBy('id').partition;
  assert.equal(rows.length, 9);
  assert.deepEqual(rows.slice(0, 4), [
    { kind: 'dict: 0x1010', count: 1, size: 200 },
    { kind: 'list: 0x1020', count: 1, size: 88 },
    { kind: 'module: 0x1000 app', count: 1, size: 70 },
    { kind: "str: 0x1050 'a\x1b'", count: 1, size: 50 },
  ]);
  assert.deepEqual(members(all.groupedBy('id').rows(4, 7)), [3, 4, 8]);
});

test('the algebra of sets', () => {
  const [a, b] = [of(1, 2, 3), of(3, 4)];
  assert.deepEqual(members(a.and(b)), [3]);
  assert.deepEqual(members(a.or(b)), [1, 2, 3, 4]);
  assert.deepEqual(members(a.minus(b)), [1, 2]);
  assert.deepEqual(members(a.xor(b)), [1, 2, 4]);
  assert.deepEqual(members(a.not()), [0, 4, 5, 6, 7, 8]);
  assert.deepEqual(members(all.ofKinds('type', new Set(['app.Item', 'str']))), [3, 4, 5, 8]);
});

test('an object of another moment is the same if its address and its type are', () => {
  const later = [...APP.slice(0, 8), { type: 'list' }, { type: 'app.Item' }];
  const now = ObjectSet.all(graphOf(later));
  assert.deepEqual(members(now.minus(all)), [8, 9]);
  assert.deepEqual(members(all.minus(now)), [8]);
  assert.deepEqual(members(now.since(new AddressIndex(graph.heap))), [8, 9]);
});

test('many addresses are found, and no others', () => {
  const many = graphOf(Array.from({ length: 5000 }, (_, i) => ({ type: i % 2 === 0 ? 'int' : 'str' })));
  const index = new AddressIndex(many.heap);
  const [int, str] = many.heap.types.map(({ address }) => address) as [number, number];
  for (let i = 0; i < 5000; i++) assert.equal(index.find(addressOf(i), i % 2 === 0 ? int : str), i);
  assert.equal(index.find(addressOf(0), str), undefined);
  assert.equal(index.find(addressOf(5000), int), undefined);
  assert.equal(new AddressIndex(graphOf([]).heap).find(0x1000, int), undefined);
});

test('neighbours, and whose dict it is', () => {
  assert.deepEqual(members(of(3, 4).referents()), [2, 5]);
  assert.deepEqual(members(of(5).referrers()), [1, 3, 4]);
  assert.deepEqual(members(of(0).referrers()), []);
  assert.deepEqual(members(all.owners()), [0]);
});

test('what would go with an object: cycles, too, but not what others hold', () => {
  assert.deepEqual(members(of(2).dominated()), [2, 3, 4]);
  assert.deepEqual(members(of(6).dominated()), [6, 7]);
  assert.deepEqual(members(of(0).dominated()), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(members(of().dominated()), []);
});

test('garbage in cycles is what only each other holds', () => {
  assert.deepEqual(members(all.filter((object) => graph.isTracked(object)).unheld()), [6, 7]);
});

test('the shortest ways from modules', () => {
  const texts = (goals: number[], limit: number) =>
    shortestPaths(graph, goals, limit).map((path) => pathText(graph, path));
  assert.deepEqual(texts([4], 10), ["modules['app'].__dict__['cache'][1]"]);
  assert.deepEqual(texts([3, 4], 10), ["modules['app'].__dict__['cache'][0]", "modules['app'].__dict__['cache'][1]"]);
  assert.deepEqual(texts([3, 4], 1), ["modules['app'].__dict__['cache'][0]"]);
  assert.deepEqual(texts([0], 10), ["modules['app']"]);
  assert.deepEqual(texts([8], 10), ['<app.Item 0x1080>'], 'no module leads to it');
  assert.deepEqual(texts([6], 10), [], 'nothing but a cycle');
  assert.deepEqual(texts([], 10), []);
});

test('a reference without a name, and a name that would write to the terminal', () => {
  const odd = graphOf([
    { type: 'module', text: 'm\x1b[2J', references: { '+16': 1 } },
    { type: 'app.C', references: { key: 2 } },
    { type: 'int' },
  ]);
  const [path] = shortestPaths(odd, [2], 1);
  assert.equal(pathText(odd, path!), "modules['m\\x1b[2J']->app.C->key");
});

test('the pattern of references ends at modules, and at what is above', () => {
  assert.equal(
    referencePattern(of(3, 4), 4),
    [
      'Reference Pattern by <[dict of] class>.',
      ' 0: _ --- [-] 2 app.Item',
      ' 1: a      [-] 1 list',
      ' 2: aa ----- [-] 1 dict of module',
      ' 3: aaa        [R] 1 module',
    ].join('\n'),
  );
  assert.match(referencePattern(of(3, 4), 1), /1: a {6}\[\+\] 1 list$/);
  assert.match(referencePattern(of(6), 4), /1: a {6}\[\^\] 1 app\.sub\.Node$/);
  assert.match(referencePattern(of(8), 4), /0: _ --- \[-\] 1 app\.Item$/);
});
