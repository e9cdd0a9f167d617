import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOfKind } from '../../../src/heap/kinds.ts';
import { difference, partition } from '../../../src/heap/partition.ts';
import { parsePartition, partitionJson } from '../../../src/heap/partition-file.ts';
import { partitionTable } from '../../../src/heap/partition-table.ts';
import { viaKinds } from '../../../src/heap/via.ts';
import { makeHeap } from './made-heap.ts';

/** A module and its dict, an instance and its dict, a dict of nobody, two strs that share a referrer. */
const { heap, names } = makeHeap([
  { type: 'module', size: 70, references: { '.__dict__': 1 } },
  { type: 'dict', size: 1000, owner: 0, references: { "['a']": 2, "['text']": 5 } },
  { type: 'app.Item', size: 50, references: { '.__dict__': 3 } },
  { type: 'dict', size: 100, owner: 2, references: { "['text']": 5, "['other']": 6 } },
  { type: 'dict', size: 64 },
  { type: 'str', size: 53, untracked: true },
  { type: 'str', size: 53, untracked: true },
]);

function rows(by: Parameters<typeof partition>[1]): [string, number, number][] {
  return partition(heap, by).rows.map(({ kind, count, size }) => [kind, count, size]);
}

test('objects by type, class or dict of class, size, module, and one by one', () => {
  assert.deepEqual(rows('type'), [
    ['dict', 3, 1164],
    ['str', 2, 106],
    ['module', 1, 70],
    ['app.Item', 1, 50],
  ]);
  assert.deepEqual(rows('clodo'), [
    ['dict of module', 1, 1000],
    ['str', 2, 106],
    ['dict of app.Item', 1, 100],
    ['module', 1, 70],
    ['dict (no owner)', 1, 64],
    ['app.Item', 1, 50],
  ]);
  assert.deepEqual(rows('size')[1], ['53', 2, 106]);
  assert.deepEqual(rows('module'), [
    ['builtins', 6, 1340],
    ['app', 1, 50],
  ]);
  assert.deepEqual(rows('id')[0], ['dict: 0x1010', 1, 1000]);
  assert.equal(rows('id').length, 7);
});

test('objects by the kinds of what refers to them', () => {
  assert.deepEqual(rows('rcs'), [
    ['module', 1, 1000],
    ['<Nothing>', 2, 134],
    ['app.Item', 1, 100],
    ['dict of app.Item', 1, 53],
    ['dict of app.Item, dict of module', 1, 53],
    ['dict of module', 1, 50],
  ]);
});

test('objects by how others refer to them', () => {
  const found = partition(heap, 'via', undefined, { via: viaKinds(heap, names) }).rows;
  assert.deepEqual(
    found.map(({ kind, count, size }) => [kind, count, size]),
    [
      ["'.__dict__'", 2, 1100],
      ['<Nothing>', 2, 134],
      [`"['other']"`, 1, 53],
      [`"['text']"`, 1, 53],
      [`"['a']"`, 1, 50],
    ],
  );
  assert.throws(() => partition(heap, 'via'));
});

test('an object that is referred to in several ways', () => {
  const made = makeHeap([
    { type: 'list', references: { '[0]': 2, '[1]': 2 } },
    { type: 'dict', references: { "['it\\'s']": 2 } },
    { type: 'str' },
  ]);
  const { rows } = partition(made.heap, 'via', undefined, { via: viaKinds(made.heap, made.names) });
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    ['<Nothing>', `"['it\\\\'s']", '[0]', '[1]'`],
  );
});

test('only some objects', () => {
  const isDict = isOfKind(heap, 'dict of app.Item');
  assert.deepEqual(partition(heap, 'id', isDict!).rows, [{ kind: 'dict: 0x1030', count: 1, size: 100 }]);
  assert.equal(partition(heap, 'type', isOfKind(heap, 'dict')!).count, 3);
  assert.equal(isOfKind(heap, 'list'), null);
});

test('what came since another partition', () => {
  const before = {
    by: 'type' as const,
    count: 2,
    size: 84,
    rows: [
      { kind: 'str', count: 3, size: 60 },
      { kind: 'set', count: 1, size: 24 },
    ],
  };
  const { count, size, rows } = difference(partition(heap, 'type'), before);
  assert.deepEqual([count, size], [5, 1306]);
  assert.deepEqual(
    rows.find(({ kind }) => kind === 'str'),
    { kind: 'str', count: -1, size: 46 },
  );
  assert.deepEqual(rows.at(-1), { kind: 'set', count: -1, size: -24 });
  const now = partition(heap, 'type');
  assert.deepEqual(difference(now, now), { by: 'type', count: 0, size: 0, rows: [] });
});

test('a partition is saved and read again, and nothing else is', () => {
  const saved = partition(heap, 'clodo');
  assert.deepEqual(parsePartition([...partitionJson(saved)].join('')), saved);
  assert.deepEqual(parsePartition([...partitionJson({ ...saved, rows: [] })].join('')), { ...saved, rows: [] });
  for (const text of ['', '[]', 'null', '{}', '{"by":"type","count":1,"size":1,"rows":[{}]}'])
    assert.equal(parsePartition(text), null);
});

test('the table is that of heapy', () => {
  const expected = [
    'Partition of a set of 7 objects. Total size = 1390 bytes.',
    ' Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)',
    '     0      1  14     1000  72       1000 72 dict of module',
    '     1      2  29      106   8       1106 80 str',
    '<4 more rows. Use --rows all to see them.>',
    '',
  ];
  assert.equal(partitionTable(partition(heap, 'clodo'), 2, 120), expected.join('\n'));
});

test('a long kind goes on under its column, and has no power over the terminal', () => {
  const long = { kind: `dict of ${'tank.local.'.repeat(5)}\x1b[31mRule`, count: 1, size: 10 };
  const lines = partitionTable({ by: 'clodo', count: 1, size: 10, rows: [long] }, 10, 80).split('\n');
  assert.match(lines[2]!, / 100 dict of$/);
  assert.ok(lines.slice(2).every((line) => line.length <= 80));
  assert.equal(lines.slice(3).join('').replace(/ /g, ''), `${'tank.local.'.repeat(5)}\\x1b[31mRule`);
});

test('of nothing there is a table, too', () => {
  const empty = partitionTable({ by: 'type', count: 0, size: 0, rows: [] }, 10, 80);
  assert.match(empty, /^Partition of a set of 0 objects\. Total size = 0 bytes\.\n.*Kind \(type\)\n$/);
});
