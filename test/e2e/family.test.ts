/** Process trees: test/programs/family.c, whose header states what each kind does. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CaptureFile, ProcessRow } from './capture-file.ts';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  mp,
  type Recorded,
  recordRun,
  recordTrace,
  scratchFolder,
} from './helpers.ts';

interface Work {
  pid: number;
  allocations: number;
  bytes: number;
}

const skip = cannotRecord();
if (!skip) buildPrograms();

/** What a function of the program allocated, by process. */
function workOf(capture: CaptureFile, name: string): Work[] {
  const byPid = new Map<number, Work>();
  for (const { pid, function: caller, allocations, bytes } of capture.ownRows('allocations')) {
    if (caller !== name) continue;
    const work = byPid.get(pid) ?? { pid, allocations: 0, bytes: 0 };
    work.allocations += allocations;
    work.bytes += bytes;
    byPid.set(pid, work);
  }
  return [...byPid.values()];
}

function total(works: Work[]): [processes: number, allocations: number, bytes: number] {
  return [
    works.length,
    works.reduce((sum, work) => sum + work.allocations, 0),
    works.reduce((sum, work) => sum + work.bytes, 0),
  ];
}

/** Nothing is lost, and every stack of the program reaches its main. */
function assertWhole(capture: CaptureFile, root = 'main'): void {
  assertNone(capture.inconsistencies());
  for (const [kind, count] of capture.losses()) {
    if (kind !== 'inherited') assert.equal(count, 0, kind);
  }
  for (const { stack_id } of capture.ownRows('allocations')) {
    assert.ok(
      capture.frames(stack_id).some((frame) => frame.function === root),
      `no ${root} in ${JSON.stringify(capture.frames(stack_id))}`,
    );
  }
}

async function follow(t: TestContext, ...words: string[]): Promise<Recorded> {
  const recorded = await recordRun(t, 'family', { mpArgs: ['--follow-fork'], programArgs: words });
  assert.equal(recorded.target.stderr, '');
  assert.equal(recorded.target.code, 0);
  return recorded;
}

function byOrigin(processes: ProcessRow[], origin: string): ProcessRow[] {
  return processes.filter((process) => process.origin === origin);
}

describe('children of a launched program', { skip }, () => {
  test('a pool of workers: each has what it did, the parent has nothing of it', async (t) => {
    const { capture, targetPid } = await follow(t, 'pool');
    const tasks = workOf(capture, 'pool_task');
    assert.deepEqual(total(tasks), [3, 15_111, 15_111 * 1234]);
    assert.ok(tasks.every(({ pid, allocations }) => pid !== targetPid && allocations === 5037));
    assert.deepEqual(workOf(capture, 'keep'), [{ pid: targetPid, allocations: 100, bytes: 500_000 }]);
    const leaks = capture.ownRows('leaks');
    assert.ok(leaks.every(({ function: name }) => name === 'keep'));
    const [parent, ...workers] = capture.processes();
    assert.ok(
      workers.every(
        ({ origin, parent_id, exit_code }) => origin === 'fork' && parent_id === parent!.id && exit_code === 0,
      ),
    );
    assertWhole(capture);
  });

  test('two hundred that end at once: all their allocations with their stacks', async (t) => {
    const { capture } = await follow(t, 'crowd');
    assert.deepEqual(total(workOf(capture, 'brief')), [200, 600, 200 * 60]);
    assert.equal(byOrigin(capture.processes(), 'fork').length, 200);
    assertWhole(capture);
  });

  test('a daemon that outlives its parent and the program', async (t) => {
    const { capture } = await follow(t, 'daemon');
    const [launched, child, grandchild] = capture.processes();
    assert.deepEqual([child!.parent_id, grandchild!.parent_id], [launched!.id, child!.id]);
    assert.deepEqual([launched!.exit_code, child!.exit_code, grandchild!.exit_code], [0, 0, 7]);
    assert.deepEqual(workOf(capture, 'keep'), [{ pid: grandchild!.pid, allocations: 7, bytes: 4900 }]);
    assertWhole(capture);
  });

  test('a chain of five images', async (t) => {
    const { capture, targetPid } = await follow(t, 'chain', '5');
    const processes = capture.processes();
    assert.deepEqual(
      processes.map(({ pid, origin }) => [pid, origin]),
      ['launch', 'exec', 'exec', 'exec', 'exec'].map((origin) => [targetPid, origin]),
    );
    assert.deepEqual(
      processes.map(({ parent_id }) => parent_id),
      [null, ...processes.slice(0, -1).map(({ id }) => id)],
    );
    assert.deepEqual(total(workOf(capture, 'keep')), [1, 15, 5500]);
    assertWhole(capture);
  });

  for (const [how, count] of [
    ['vfork', 3],
    ['spawn', 4],
    ['fork', 5],
  ] as const) {
    test(`${how} and exec`, async (t) => {
      const { capture } = await follow(t, how);
      const [launched, child, image] = capture.processes();
      assert.deepEqual([child!.origin, child!.parent_id, child!.exit_code], ['fork', launched!.id, null]);
      assert.deepEqual([image!.origin, image!.parent_id, image!.exit_code], ['exec', child!.id, count]);
      assert.equal(image!.pid, child!.pid);
      assert.deepEqual(workOf(capture, 'keep'), [{ pid: image!.pid, allocations: count, bytes: count * count * 100 }]);
      assertWhole(capture);
    });
  }

  test('one that is killed', async (t) => {
    const { capture } = await follow(t, 'killed');
    const [, child] = capture.processes();
    assert.deepEqual([child!.exit_code, child!.exit_signal], [null, 9]);
    assert.deepEqual(workOf(capture, 'keep'), [{ pid: child!.pid, allocations: 2, bytes: 400 }]);
    assertWhole(capture);
  });

  test('a parent that stops itself when its child has stopped goes on', async (t) => {
    const { capture } = await follow(t, 'wrapper');
    assert.deepEqual(total(workOf(capture, 'keep')), [1, 3, 900]);
    assertWhole(capture);
  });

  test('a shell that has its children as jobs is not told of stops', async (t) => {
    const script = 'set -m; for i in 1 2 3; do (exit 7) & wait $!; echo $?; /bin/true & wait $!; echo $?; done';
    const path = join(scratchFolder(t), 'capture.db');
    const { stdout } = await mp(t, ['run', '-q', '--follow-fork', '-o', path, '--', 'bash', '-c', script]);
    assert.equal(stdout, '7\n0\n'.repeat(3));
  });

  test('forks by several threads at the same time', async (t) => {
    const { capture } = await follow(t, 'threads');
    assert.deepEqual(total(workOf(capture, 'keep')), [100, 100, 6400]);
    assertWhole(capture, 'fork_often');
  });
});

test('children of a process that was attached to', { skip }, async (t) => {
  const { capture, targetPid, tracer } = await recordTrace(t, 'family', {
    mpArgs: ['--follow-fork'],
    programArgs: ['crowd'],
  });
  assert.equal(tracer.code, 0, tracer.stderr);
  assert.deepEqual(total(workOf(capture, 'brief')), [200, 600, 200 * 60]);
  assert.ok(byOrigin(capture.processes(), 'fork').every(({ parent_id }) => parent_id === 1));
  assert.equal(byOrigin(capture.processes(), 'attach')[0]!.pid, targetPid);
  assertWhole(capture);
});

test('without --follow-fork children are nobody', { skip }, async (t) => {
  const { capture } = await recordRun(t, 'family', { programArgs: ['pool'] });
  assert.deepEqual(
    capture.processes().map(({ origin }) => origin),
    ['launch'],
  );
  assert.deepEqual(workOf(capture, 'pool_task'), []);
});
