/** Children and workers of a Node, in one capture: test/programs/node/family.cjs states what each does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile, ViewRow } from './capture-file.ts';
import { assertNone, cannotRecord } from './helpers.ts';
import { findNodes, recordNode } from './node.ts';

/** The program's Buffers, which are the only blocks of whole 100,000 bytes. */
function buffersOf(capture: CaptureFile): ViewRow[] {
  return capture
    .rows('allocations')
    .filter(({ bytes, allocations }) => bytes >= 100_000 && bytes % (allocations * 100_000) === 0)
    .filter(({ allocator }) => allocator !== 'mmap');
}

/** Allocations and bytes of each thread, sorted by bytes. */
function byThread(rows: ViewRow[]) {
  const threads = [...new Set(rows.map(({ tid }) => tid))].map((tid) => {
    const own = rows.filter((row) => row.tid === tid);
    const sum = (of: 'allocations' | 'bytes') => own.reduce((total, row) => total + row[of], 0);
    return { pid: own[0]!.pid, tid, allocations: sum('allocations'), bytes: sum('bytes') };
  });
  return threads.sort((one, other) => one.bytes - other.bytes);
}

/** Functions of the program on the stacks of `rows`, without those of no name. */
function programFunctions(capture: CaptureFile, rows: ViewRow[]): Set<string | null> {
  const frames = rows.flatMap(({ stack_id }) => capture.frames(stack_id));
  return new Set(frames.filter(({ file }) => file?.endsWith('/family.cjs')).map(({ function: name }) => name));
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

      const rows = buffersOf(capture);
      const buffers = byThread(rows);
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
      // A collection of one worker hides the names of all others for that moment: those with one thread have them.
      const alone = rows.filter(({ tid }) => !workers.includes(tid));
      assert.deepEqual([...programFunctions(capture, alone)].sort(), ['(anonymous)', 'keep']);
      assert.ok([...programFunctions(capture, rows)].every((name) => name === '(anonymous)' || name === 'keep'));
      assert.equal(capture.losses().get('ring_dropped'), 0);
      assertNone(capture.inconsistencies());
    });
  }
});
