import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessFacts } from '../../../src/report/facts.ts';
import { processTree } from '../../../src/report/process-tree.ts';

/** Ids count from 1. */
function tree(...rows: [origin: string, parent: number | null, allocations?: number][]): string[] {
  const processes = rows.map(
    ([origin, parent_id, allocations = 0], i) =>
      ({ id: i + 1, pid: 100 + i, origin, parent_id, allocations, started_ns: i }) as ProcessFacts,
  );
  return processTree(processes).map(
    ({ process, depth, origin, started_ns }) => `${'  '.repeat(depth)}${process.id} ${origin} ${started_ns}`,
  );
}

test('children stand below their parents, an image where it replaced another', () => {
  assert.deepEqual(tree(['launch', null], ['fork', 1], ['fork', 1], ['fork', 2], ['exec', 1]), [
    '1 launch 0',
    '  2 fork 1',
    '    4 fork 3',
    '  3 fork 2',
    '5 exec 4',
  ]);
});

test('a fork that only calls exec is one line with its image', () => {
  assert.deepEqual(tree(['launch', null], ['fork', 1], ['exec', 2], ['fork', 3], ['exec', 4], ['exec', 5]), [
    '1 launch 0',
    '  3 fork, exec 1',
    '    5 fork, exec 3',
    '    6 exec 5',
  ]);
  assert.deepEqual(tree(['launch', null], ['fork', 1, 7], ['exec', 2]), ['1 launch 0', '  2 fork 1', '  3 exec 2']);
  assert.deepEqual(tree(['attach', null], ['fork', 1], ['fork', 2], ['exec', 2]), [
    '1 attach 0',
    '  2 fork 1',
    '    3 fork 2',
    '  4 exec 3',
  ]);
});

test('several roots, and a parent that is not in the capture', () => {
  assert.deepEqual(tree(['attach', null], ['attach', null], ['fork', 2], ['fork', 77]), [
    '1 attach 0',
    '2 attach 1',
    '  3 fork 2',
    '4 fork 3',
  ]);
});

test('a long chain of images', () => {
  const chain = Array.from({ length: 20_000 }, (_, i): [string, number | null] => ['exec', i === 0 ? null : i]);
  assert.equal(tree(...chain).length, 20_000);
});
