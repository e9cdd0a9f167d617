import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backreferenceChain, chainText, chainTree } from '../../../src/heap/chain.ts';
import { DeepSizer } from '../../../src/heap/deep-size.ts';
import { HeapGraph } from '../../../src/heap/graph.ts';
import { referenceTree, treeDot, treeText } from '../../../src/heap/reference-tree.ts';
import { rememberedNames } from '../../../src/heap/remembered-names.ts';
import { growth, leaking, mostCommon, typeCounts } from '../../../src/heap/type-counts.ts';
import type { HeapNames } from '../../../src/model/heap.ts';
import { UserError } from '../../../src/util/errors.ts';
import { makeHeap } from './made-heap.ts';

/** app.cache is a list of two Items that share a str; the second leads back to the list. A cycle of two Nodes. */
const { heap, names } = makeHeap([
  { type: 'module', text: 'app', size: 70, references: { '.__dict__': 1 } },
  { type: 'dict', owner: 0, size: 200, references: { "['cache']": 2 } },
  { type: 'list', size: 88, references: { '[0]': 3, '[1]': 4 } },
  { type: 'app.Item', size: 48, references: { '.name': 5 } },
  { type: 'app.Item', size: 48, references: { '.name': 5, '.owner': 2 } },
  { type: 'str', text: "'a\x1b'", size: 50, untracked: true },
  { type: 'app.sub.Node', size: 40, references: { '.other': 7 } },
  { type: 'app.sub.Node', size: 40, references: { '.other': 6 } },
  { type: 'app.Item', size: 48 },
]);
const graph = new HeapGraph(heap, names);
const options = { direction: 'refs' as const, maxDepth: 3, tooMany: 10, referenceCounts: false };

test('objects are meant by address, by type and index, and by attributes of a module', () => {
  assert.equal(graph.resolve('0x1030'), 3);
  assert.equal(graph.resolve('4144'), 3);
  assert.equal(graph.resolve('Item[1]'), 4);
  assert.equal(graph.resolve('app.Item[2]'), 8);
  assert.equal(graph.resolve('app'), 0);
  assert.equal(graph.resolve('app.cache'), 2);
  for (const what of ['0x1031', 'Item[3]', 'app.no', 'app.cache.name', ''])
    assert.throws(() => graph.resolve(what), UserError);
});

test('references are followed in both directions, each once', () => {
  assert.deepEqual(graph.referents(4), [5, 2]);
  assert.deepEqual(graph.referrers(2), [1, 4]);
  assert.deepEqual(graph.referrers(0), []);
});

test('types are counted as objgraph does: what is tracked, by short name', () => {
  const counting = { shortNames: true, all: false };
  assert.deepEqual(mostCommon(typeCounts(graph, null, counting)), [
    ['Item', 3],
    ['Node', 2],
    ['dict', 1],
    ['list', 1],
    ['module', 1],
  ]);
  const all = typeCounts(graph, null, { shortNames: false, all: true });
  assert.equal(all.get('str'), 1);
  assert.equal(all.get('app.sub.Node'), 2);
});

test('growth is beyond the most that there ever were', () => {
  const peaks = new Map([['a', 5]]);
  assert.deepEqual(growth(new Map([['a', 5]]), peaks), []);
  assert.deepEqual(
    growth(
      new Map([
        ['a', 3],
        ['b', 1],
      ]),
      peaks,
    ),
    [{ name: 'b', count: 1, delta: 1 }],
  );
  assert.deepEqual(
    growth(
      new Map([
        ['a', 7],
        ['b', 1],
      ]),
      peaks,
    ),
    [{ name: 'a', count: 7, delta: 2 }],
  );
});

test('what nothing refers to', () => {
  assert.deepEqual(leaking(graph), [0, 8]);
});

test('the chain from a module, or only the object', () => {
  assert.deepEqual(backreferenceChain(graph, 4, 20), [0, 1, 2, 4]);
  assert.deepEqual(backreferenceChain(graph, 4, 2), [4]);
  assert.deepEqual(backreferenceChain(graph, 6, 20), [6]);
  assert.equal(
    chainText(graph, [0, 1, 2, 4]),
    [
      'module app 0x1000',
      '  → .__dict__ dict 0x1010',
      "    → ['cache'] list 0x1020",
      '      → [1] app.Item 0x1040',
      '',
    ].join('\n'),
  );
});

test('a tree of references, without power over the terminal', () => {
  assert.equal(
    treeText(graph, referenceTree(graph, [2], options), options),
    [
      'list 0x1020 [88 bytes]',
      '├→ [0] app.Item 0x1030 [48 bytes]',
      "│  └→ .name str 'a\\x1b' 0x1050 [50 bytes]",
      '└→ [1] app.Item 0x1040 [48 bytes]',
      "   ├→ .name str 'a\\x1b' 0x1050 [50 bytes] (above)",
      '   └→ .owner list 0x1020 [88 bytes] (above)',
      '',
    ].join('\n'),
  );
});

test('a tree shows how many references it leaves out', () => {
  const few = { ...options, tooMany: 1, maxDepth: 1, referenceCounts: true };
  assert.equal(
    treeText(graph, referenceTree(graph, [2], few), few),
    ['list 0x1020 [88 bytes, 1 references]', '├→ [0] app.Item 0x1030 [48 bytes, 1 references]', '└→ … 1 more', ''].join(
      '\n',
    ),
  );
});

test('an object is meant by the address of its block, too, if something is in front of it', () => {
  const made = makeHeap([{ type: 'list' }, { type: 'str', untracked: true }]);
  made.heap.addresses.set([0x5020, 0x6010]);
  const graph = new HeapGraph(made.heap, made.names);
  assert.deepEqual(
    [0x5020, 0x5010, 0x5000].map((address) => graph.resolve(`${address}`)),
    [0, 0, 0],
  );
  for (const address of [0x4ff0, 0x6000, 0x6008]) assert.throws(() => graph.resolve(`${address}`), UserError);
});

test('what a process was asked for is known when it goes on', () => {
  let asked = 0;
  const counted: HeapNames = {
    describe: (object) => {
      asked++;
      return names.describe(object);
    },
    references: (from, to) => {
      asked++;
      return names.references(from, to);
    },
  };
  const first = new HeapGraph(heap, rememberedNames(counted));
  const text = () => treeText(first, referenceTree(first, [first.resolve('app.cache')], options), options);
  const before = text();
  const count = asked;
  assert.equal(text(), before);
  assert.ok(count > 0 && asked === count);
});

test('a chain is a tree without branches, and objects can have notes', () => {
  const chain = backreferenceChain(graph, 4, 20);
  const how = { ...options, noteOf: (object: number) => ` from line ${object}` };
  const text = treeText(graph, chainTree(graph, chain), how);
  assert.match(text, /^module app 0x1000 \[70 bytes\] from line 0\n└→ \.__dict__ dict /);
  assert.match(text, /\n {6}└→ \[1\] app\.Item 0x1040 \[48 bytes\] from line 4\n$/);
  assert.match(chainText(graph, chain, how.noteOf), / {2}→ \.__dict__ dict 0x1010 from line 1\n/);
});

test('arrows of a graph point to what is referred to', () => {
  const back = { ...options, direction: 'backrefs' as const, maxDepth: 1 };
  const dot = treeDot(graph, referenceTree(graph, [2], back), back);
  assert.match(dot, /^digraph ObjectGraph \{\n/);
  assert.match(dot, / o1010 -> o1020\[label="\['cache'\]"\];\n/);
  assert.match(dot, / o1040 -> o1020\[label="\.owner"\];\n/);
  assert.match(dot, / o1020\[label="list 0x1020 \[88 bytes\]", fillcolor=lightpink\];\n/);
  const noted = { ...back, noteOf: () => ' from "a\\b"' };
  const lines = treeDot(graph, referenceTree(graph, [2], noted), noted);
  assert.match(lines, / o1020\[label="list 0x1020 \[88 bytes\]\\nfrom \\"a\\\\b\\"", fillcolor=lightpink\];\n/);
});

test('deep sizes count each object once, and what two share for the first', () => {
  const sizer = new DeepSizer(graph, 100);
  assert.deepEqual(sizer.size(3, 0), { object: 3, flat: 48, deep: 98, count: 2, depth: 1, parts: [] });
  assert.equal(sizer.size(4, 0).deep, 48 + 88);
  assert.ok(sizer.duplicates > 0);
  const [largest, other] = new DeepSizer(graph, 100).size(2, 1).parts;
  assert.deepEqual([largest!.object, largest!.deep, other!.deep], [3, 98, 48]);
  assert.equal(new DeepSizer(graph, 1).size(2, 0).deep, 88 + 2 * 48);
  // a module is not data, but what is asked for is
  assert.equal(new DeepSizer(graph, 100).size(0, 0).deep, 70 + 200 + 88 + 2 * 48 + 50);
});
