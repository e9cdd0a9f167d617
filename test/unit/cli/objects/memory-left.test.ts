import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftInCgroup, memoryLeft } from '../../../../src/cli/objects/memory-left.ts';

test('some memory is left', () => {
  const left = memoryLeft(process.pid);
  assert.ok(left > 0 && left < 2 ** 50, `${left}`);
});

test('of a cgroup the limit without what is used, but for files that need not be kept', () => {
  assert.equal(leftInCgroup('1000\n', '300\n', ''), 700);
  assert.equal(leftInCgroup('1000\n', '300\n', 'anon 100\ninactive_file 50\n'), 750);
  assert.equal(leftInCgroup('1000\n', '300\n', 'inactive_file 50\ntotal_inactive_file 60\n'), 760);
  assert.equal(leftInCgroup('1000\n', '1200\n', ''), 0);
});
