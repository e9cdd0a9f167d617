import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { backreferenceChain, chainText } from '../../../../src/heap/chain.ts';
import { HeapGraph } from '../../../../src/heap/graph.ts';
import { readSnapshot } from '../../../../src/heap/node/read-snapshot.ts';
import { RetainedSizer } from '../../../../src/heap/node/retained-size.ts';
import { partition } from '../../../../src/heap/partition.ts';
import { mostCommon, typeCounts } from '../../../../src/heap/type-counts.ts';
import { UserError } from '../../../../src/util/errors.ts';
import { fileWith, idOf, type MadeNode, snapshotText } from './made-snapshot.ts';

/** The table 9 of a WeakMap has the value 10 of the key 7. Session 6 is only weakly held by the global object. */
const PAIR = '12 / part of key (Object @15) -> value (Object @21) pair in WeakMap (table @19)';
const NODES: MadeNode[] = [
  {
    type: 'synthetic',
    name: '',
    size: 0,
    edges: [
      ['element:1', 1],
      ['shortcut:2', 2],
    ],
  },
  { type: 'synthetic', name: '(GC roots)', size: 0, edges: [['element:0', 9]] },
  {
    type: 'object',
    name: 'global / ',
    edges: [
      ['property:keep', 3],
      ['weak:3', 6],
      ['property:a key', 7],
    ],
  },
  { type: 'closure', name: 'keep', size: 64, edges: [['internal:context', 4]] },
  { type: 'object', name: 'system / Context', size: 40, edges: [['context:leaked', 5]] },
  {
    type: 'object',
    name: 'Array',
    size: 32,
    edges: [
      ['element:3', 8],
      ['hidden:4', 8],
    ],
  },
  { type: 'object', name: 'Session', size: 24 },
  { type: 'object', name: 'Object', size: 56, edges: [[`internal:${PAIR}`, 10]] },
  { type: 'object', name: 'Session', size: 24, edges: [['property:name', 11]] },
  { type: 'array', name: 'system / WeakCollection', edges: [[`internal:${PAIR}`, 10]] },
  { type: 'object', name: 'Object', size: 100 },
  { type: 'string', name: 'séance "1"\n', size: 48 },
];

function graphOf(t: TestContext, text = snapshotText(NODES)): HeapGraph {
  const { heap, names } = readSnapshot(fileWith(t, text), 'process 1');
  return new HeapGraph(heap, names);
}

test('kinds are constructors, or what V8 has an object for', (t) => {
  const { heap } = graphOf(t);
  const rows = partition(heap, 'type').rows.map(({ kind, count, size }) => [kind, count, size]);
  assert.deepEqual(rows, [
    ['Object', 2, 156],
    ['Function', 1, 64],
    ['Session', 2, 48],
    ['(string)', 1, 48],
    ['system / Context', 1, 40],
    ['Array', 1, 32],
    ['(array)', 1, 16],
    ['global', 1, 16],
    ['(synthetic)', 2, 0],
  ]);
  assert.equal(partition(heap, 'id').rows[0]!.kind, 'Object: @21');
});

test('objects of JavaScript are counted, others if that is asked for', (t) => {
  const graph = graphOf(t);
  const counts = (all: boolean) => new Map(mostCommon(typeCounts(graph, null, { shortNames: true, all })));
  assert.equal(counts(false).get('Session'), 2);
  assert.equal(counts(false).get('(string)'), undefined);
  assert.equal(counts(true).get('(string)'), 1);
});

test('objects are meant by id, and by constructor and index', (t) => {
  const graph = graphOf(t);
  assert.equal(graph.resolve('@17'), 8);
  assert.equal(graph.resolve('17'), 8);
  assert.equal(graph.resolve('Session[1]'), 8);
  for (const what of ['@18', '0x11', 'Session[2]', '']) assert.throws(() => graph.resolve(what), UserError);
});

test('weak references, and those of a WeakMap to its values, keep nothing', (t) => {
  const graph = graphOf(t);
  assert.deepEqual(graph.referrers(6), []);
  assert.deepEqual(graph.referrers(10), [7]);
  assert.deepEqual(graph.referents(9), []);
  assert.deepEqual(backreferenceChain(graph, 10, 20), [2, 7, 10]);
});

test('a chain says by which property, element or variable', (t) => {
  const graph = graphOf(t);
  const lines = [
    'global @5',
    '  → .keep Function keep @7',
    '    → (context) system / Context @9',
    '      → variable leaked Array @11',
    '        → [3] Session @17',
    '          → .name (string) "séance \\"1\\"\\n" @23',
  ];
  assert.equal(chainText(graph, backreferenceChain(graph, 11, 20)), `${lines.join('\n')}\n`);
  assert.equal(graph.label(2, 7), "['a key']");
  assert.equal(graph.label(7, 10), '(value in WeakMap @19)');
});

test('what would be gone with an object is its retained size', (t) => {
  const sizer = new RetainedSizer(graphOf(t));
  assert.deepEqual(sizer.size(8, 0), { object: 8, flat: 24, deep: 72, count: 2, depth: 1, parts: [] });
  assert.equal(sizer.size(5, 0).deep, 32 + 72);
  assert.equal(sizer.size(7, 0).deep, 156);
  assert.deepEqual(
    sizer.size(2, 1).parts.map(({ object, deep }) => [object, deep]),
    [
      [3, 64 + 40 + 32 + 72],
      [7, 156],
    ],
  );
});

test('what was counted is what the sizes asked for consist of', (t) => {
  const graph = graphOf(t);
  const sizer = new RetainedSizer(graph);
  const { deep } = sizer.size(5, 0);
  const counted = partition(graph.heap, 'type', sizer.counted());
  assert.deepEqual([counted.size, counted.count], [deep, 3]);
});

test('strings are found wherever they are in a large file', (t) => {
  const filler = Array.from({ length: 40_000 }, (_, i) => `${'\\"'.repeat(i % 11)}é${i}\\`);
  const graph = graphOf(t, snapshotText(NODES, filler));
  assert.equal(graph.describe(11), '(string) "séance \\"1\\"\\n" @23');
  assert.equal(graph.typeOf(8), 'Session');
});

test('long names are cut', (t) => {
  const long: MadeNode[] = [
    { type: 'object', name: 'é'.repeat(10_000) },
    { type: 'string', name: '\n'.repeat(70) },
  ];
  const graph = graphOf(t, snapshotText(long));
  assert.equal(graph.typeOf(0), `${'é'.repeat(100)}…`);
  assert.equal(graph.names.describe(idOf(1)), JSON.stringify(`${'\n'.repeat(60)}…`));
});
