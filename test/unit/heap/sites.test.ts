/** Objects joined with the live blocks of a capture. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partition } from '../../../src/heap/partition.ts';
import { hasSites, parsePartition, partitionJson } from '../../../src/heap/partition-file.ts';
import { partitionTable } from '../../../src/heap/partition-table.ts';
import { objectSites } from '../../../src/heap/sites.ts';
import { makeHeap } from './made-heap.ts';

const { heap } = makeHeap([
  { type: 'str', size: 50 },
  { type: 'dict', size: 64 },
  { type: 'app.Item', size: 48 },
  { type: 'dict', size: 64 },
  { type: 'dict', size: 64 },
  { type: 'str', size: 50 },
]);
heap.addresses.set([0x1000, 0x2010, 0x3020, 0x4010, 0x5010, 0x9000]);

const sites = objectSites(
  heap,
  [
    { address: 0x1000, bytes: 50, stack: 7 },
    { address: 0x2000, bytes: 64, stack: 8 },
    { address: 0x3000, bytes: 80, stack: 8 },
    { address: 0x4000, bytes: 64, stack: null },
    // ends before the object begins
    { address: 0x5000, bytes: 16, stack: 7 },
  ],
  {
    lineOf: (stack) => (stack === null ? '(unknown line)' : stack === 7 ? 'app.py:7 (load)' : 'app.py:8 (work)'),
    withoutBlock: (address) => (address === 0x9000 ? '(static data)' : '(before tracing)'),
  },
);
const lineOf = (object: number) => sites.lines[sites.siteOf[object]!];

test('the block of an object begins at most its headers before it', () => {
  const lines = Array.from({ length: 6 }, (_, i) => lineOf(i));
  const expected = ['app.py:7 (load)', 'app.py:8 (work)', 'app.py:8 (work)', '(unknown line)', '(before tracing)'];
  assert.deepEqual(lines, [...expected, '(static data)']);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(sites.stackOf), [7, 8, 8, null, null, null]);
  assert.equal(new Set(sites.lines).size, sites.lines.length);
});

test('a partition by kind and line, as a table and as a file', () => {
  const found = partition(heap, 'type', undefined, { sites });
  assert.deepEqual(
    found.rows.map(({ kind, site, count }) => [kind, site, count]),
    [
      ['dict', '(before tracing)', 1],
      ['dict', '(unknown line)', 1],
      ['dict', 'app.py:8 (work)', 1],
      ['str', '(static data)', 1],
      ['str', 'app.py:7 (load)', 1],
      ['app.Item', 'app.py:8 (work)', 1],
    ],
  );
  const table = partitionTable(found, 10, 120);
  assert.match(table, / Kind \(type\), and the line that allocated\n/);
  assert.match(table, / app\.Item from app\.py:8 \(work\)\n/);
  const read = parsePartition([...partitionJson(found)].join(''));
  assert.deepEqual(read, found);
  assert.deepEqual([hasSites(found), hasSites(partition(heap, 'type'))], [true, false]);
  assert.equal(
    parsePartition(JSON.stringify({ ...found, rows: [...found.rows, { kind: 'a', count: 1, size: 1 }] })),
    null,
  );
});
