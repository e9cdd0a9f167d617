import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StackStatuses } from '../../../src/aggregate/stack-statuses.ts';

test('allocations are counted by how far their stack was unwound; one that was never told of is missing', () => {
  const statuses = new StackStatuses();
  const locations = new Uint32Array();
  statuses.add({ index: 0, status: 'complete', locations });
  statuses.add({ index: 700, status: 'incomplete', locations });
  statuses.add({ index: 2, status: 'truncated', locations });
  statuses.add({ index: 3, status: 'merged', locations });
  for (const stack of [0, 0, 700, 700, 2, 3, 9999, 1]) statuses.count(stack);
  assert.deepEqual(statuses.losses, { stack_truncated: 1, stack_incomplete: 2, stack_missing: 2, stack_merged: 1 });
});
