/** What stacks look like: names, files and lines, inlined frames, depth. That all reach main is checked with the sums. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { buildPrograms, cannotRecord, LEVELS, lacks, recordRun, sourcePath } from './helpers.ts';
import { matches } from './truth.ts';

/** Number of the first line of a program's source that contains `text`. */
function lineOf(name: string, text: string): number {
  const index = readFileSync(sourcePath(name), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text));
  assert.notEqual(index, -1, `${name} has no line with ${text}`);
  return index + 1;
}

describe('stacks', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const level of LEVELS) {
    test(`function, file and line of a call, ${level}`, async (t) => {
      const { capture } = await recordRun(t, 'leaks', { level });
      const row = capture.ownRows('leaks').find((candidate) => candidate.function === 'leak_in_main');
      assert.ok(row);
      assert.equal(row.line, lineOf('leaks', 'LEAK(101)'));
      assert.ok(row.file?.endsWith('leaks.c'), `file is ${row.file}`);
      const frames = capture.frames(row.stack_id);
      assert.deepEqual(
        frames.slice(0, 2).map((frame) => frame.function),
        ['leak_in_main', 'main'],
      );
      assert.equal(frames[1]!.line, lineOf('leaks', '  leak_in_main();'));
    });

    test(`an inlined function is a frame of its own, ${level}`, async (t) => {
      const { capture } = await recordRun(t, 'leaks', { level });
      const row = capture.ownRows('leaks').find((candidate) => candidate.function === 'inlined_site');
      assert.ok(row);
      const frames = capture.frames(row.stack_id).slice(0, 3);
      assert.deepEqual(
        frames.map((frame) => [frame.function, frame.inlined]),
        [
          ['inlined_site', 1],
          ['calls_inlined', 0],
          ['main', 0],
        ],
      );
      assert.equal(frames[0]!.line, lineOf('leaks', 'LEAK(50)'));
      assert.equal(frames[1]!.line, lineOf('leaks', 'i++) inlined_site();'));
    });

    test(`a callback lies under qsort, ${level}`, async (t) => {
      const { capture } = await recordRun(t, 'leaks', { level });
      const row = capture.ownRows('leaks').find((candidate) => candidate.function === 'compare_and_leak');
      assert.ok(row);
      const frames = capture.frames(row.stack_id);
      assert.ok(frames.some((frame) => frame.module?.includes('libc')));
      assert.ok(frames.some((frame) => frame.function === 'leak_in_callback'));
      assert.equal(frames.at(-1)?.function, '_start');
    });
  }

  test('the view stack_frame gives the same frames', async (t) => {
    const { capture } = await recordRun(t, 'leaks');
    const row = capture.ownRows('leaks').find((candidate) => candidate.function === 'leak_in_main');
    assert.ok(row);
    const frames = capture.all<{ position: number; function: string }>(
      'SELECT position, function FROM stack_frame WHERE stack_id = ? ORDER BY position',
      row.stack_id,
    );
    assert.deepEqual(
      frames,
      capture.frames(row.stack_id).map(({ position, function: name }) => ({ position, function: name })),
    );
  });

  test('C++ names are demangled in full', async (t) => {
    const { capture } = await recordRun(t, 'cpp_sites');
    const names = capture.all<{ function: string }>('SELECT function FROM frame WHERE function IS NOT NULL');
    const own = names.map((row) => row.function);
    assert.ok(own.some((name) => matches('bool pick<long>(long, long)', name) || matches('pick<long>', name)));
    assert.deepEqual(
      own.filter((name) => name.startsWith('_Z')),
      [],
    );
  });

  test('Rust names are demangled', { skip: lacks('rustc') }, async (t) => {
    const { capture } = await recordRun(t, 'rust_sites');
    const names = capture.all<{ function: string }>('SELECT function FROM frame WHERE function IS NOT NULL');
    assert.ok(names.some((row) => row.function.startsWith('rust_sites::leak_box')));
    assert.deepEqual(
      names.filter((row) => /^(_R[A-Z]|_ZN)/.test(row.function)),
      [],
    );
  });

  test('a stack beyond the limit is truncated and counted', async (t) => {
    const { capture, target } = await recordRun(t, 'recursion', { programArgs: ['6000'] });
    assert.equal(target.code, 0);
    assert.equal(capture.losses().get('stack_truncated'), 3);
    const rows = capture.ownRows('allocations');
    assert.deepEqual(
      rows.map((row) => [row.function, row.allocations, row.bytes]),
      [['leaf', 3, 300]],
    );
    const depth = capture.frames(rows[0]!.stack_id).length;
    assert.ok(depth >= 2000 && depth < 6000, `${depth} frames`);
  });
});
