/** Children and workers of a Node, in one capture: test/programs/node/family.cjs states what each does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { assertNone, cannotRecord } from './helpers.ts';
import { findNodes, recordNode } from './node.ts';

/** Buffers of 100,000 bytes and more that the program's function keeps: `pid tid allocations bytes`, sorted by bytes. */
function kept(capture: CaptureFile) {
  return capture
    .rows('allocations')
    .filter(({ bytes, allocations }) => bytes / allocations >= 100_000)
    .filter(({ stack_id }) =>
      capture
        .frames(stack_id)
        .some(({ function: name, file, line }) => name === 'keep' && file?.endsWith('/family.cjs') && line !== null),
    )
    .sort((one, other) => one.bytes - other.bytes);
}

const sums = (count: number) => [count, count * count * 100_000];

describe('a Node with children and workers', { skip: cannotRecord() }, () => {
  for (const node of cannotRecord() ? [] : findNodes()) {
    test(node.version, async (t) => {
      const stdout = '[3,4,5,6,7]\n';
      const capture = await recordNode(t, 'run', node, 'family.cjs', { options: ['--follow-fork'], stdout });
      const [launched, ...others] = capture.processes();
      const images = others.filter(({ origin }) => origin === 'exec');
      const forks = others.filter(({ origin }) => origin === 'fork');
      assert.equal(launched!.exit_code, 0);
      assert.deepEqual(
        forks.map(({ parent_id, exit_code }) => [parent_id, exit_code]),
        [3, 4, 7].map(() => [launched!.id, null]),
      );
      assert.deepEqual(images.map(({ exit_code }) => exit_code).sort(), [3, 4, 7]);
      for (const image of images) {
        assert.equal(forks.find(({ id }) => id === image.parent_id)?.pid, image.pid);
      }

      const buffers = kept(capture);
      assert.deepEqual(
        buffers.map(({ allocations, bytes }) => [allocations, bytes]),
        [3, 4, 5, 6, 7, 10].map(sums),
      );
      const pidOf = (code: number) => images.find(({ exit_code }) => exit_code === code)!.pid;
      assert.deepEqual(
        buffers.map(({ pid }) => pid),
        [pidOf(3), pidOf(4), launched!.pid, launched!.pid, pidOf(7), launched!.pid],
      );
      const workers = buffers.slice(2, 4).map(({ tid }) => tid);
      assert.ok(new Set([...workers, launched!.pid]).size === 3, 'each worker has a thread of its own');
      assert.equal(capture.losses().get('ring_dropped'), 0);
      assertNone(capture.inconsistencies());
    });
  }
});
