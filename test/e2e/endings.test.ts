/** However a target ends, the capture has everything before the end, and `mp run` ends like the target. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  processState,
  programPath,
  recordRun,
  recordTrace,
  scratchFolder,
  sourcePath,
  start,
  startGated,
  until,
  untilTraced,
} from './helpers.ts';
import { compareTruth, readTruth } from './truth.ts';

interface Ending {
  args: string[];
  code: number | null;
  signal: NodeJS.Signals | null;
  signalNumber: number | null;
}

const ENDINGS: Ending[] = [
  { args: ['return', '0'], code: 0, signal: null, signalNumber: null },
  { args: ['exit', '3'], code: 3, signal: null, signalNumber: null },
  { args: ['exit', '125'], code: 125, signal: null, signalNumber: null },
  { args: ['_exit', '4'], code: 4, signal: null, signalNumber: null },
  { args: ['segv'], code: null, signal: 'SIGSEGV', signalNumber: 11 },
  { args: ['abort'], code: null, signal: 'SIGABRT', signalNumber: 6 },
  { args: ['kill'], code: null, signal: 'SIGKILL', signalNumber: 9 },
  { args: ['int'], code: null, signal: 'SIGINT', signalNumber: 2 },
];

describe('endings of a target', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const ending of ENDINGS) {
    const name = ending.args.join(' ');

    test(`run: ${name}`, async (t) => {
      const { capture, path, target } = await recordRun(t, 'endings', { programArgs: ending.args });
      assert.deepEqual([target.code, target.signal], [ending.code, ending.signal]);
      assert.equal(target.stdout, 'ok\n');
      assertNone(compareTruth(readTruth('run', sourcePath('endings'), ''), capture));
      const processes = capture.processes();
      assert.deepEqual(
        processes.map((row) => [row.origin, row.exit_code, row.exit_signal]),
        [['launch', ending.code, ending.signalNumber]],
      );
      assert.ok(processes[0]!.ended_ns! > processes[0]!.started_ns);
      assert.equal(capture.meta('status'), 'complete');
      assert.equal(capture.meta('mode'), 'run');
      assert.ok(!existsSync(`${path}-wal`) || capture.meta('journal_mode') === undefined);
    });

    test(`trace: ${name}`, async (t) => {
      const { capture, target, tracer } = await recordTrace(t, 'endings', { programArgs: ending.args });
      assert.deepEqual([target.code, target.signal], [ending.code, ending.signal]);
      assert.equal(tracer.code, 0, tracer.stderr);
      assertNone(compareTruth(readTruth('trace', sourcePath('endings'), ''), capture));
      assert.deepEqual(
        capture.processes().map((row) => [row.origin, row.exit_code, row.exit_signal]),
        [['attach', ending.code, ending.signalNumber]],
      );
      assert.equal(capture.meta('mode'), 'trace');
    });
  }

  test('an exec is followed: one row per image', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const command = `exec ${programPath('endings')} exit 5`;
    const finished = await mp(t, ['run', '-q', '-o', path, '--', '/bin/sh', '-c', command]);
    assert.equal(finished.code, 5, finished.stderr);
    const capture = openCapture(t, path);
    assertNone(compareTruth(readTruth('run', sourcePath('endings'), ''), capture));
    const [shell, program, ...others] = capture.processes();
    assert.deepEqual(others, []);
    assert.equal(shell?.origin, 'launch');
    assert.equal(program?.origin, 'exec');
    assert.equal(program?.pid, shell?.pid);
    assert.equal(program?.parent_id, shell?.id);
    assert.equal(program?.exit_code, 5);
    const wrong = capture.ownRows('allocations').filter((row) => row.pid !== program?.pid);
    assert.deepEqual(wrong, []);
  });

  test('a target without an allocator is named and runs', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '-o', path, '--', programPath('no_allocator')]);
    assert.equal(finished.code, 7);
    assert.equal(finished.stdout, 'ok\n');
    assert.match(finished.stderr, /no allocator found in \S*no_allocator/);
  });
});

describe('endings of a recording', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  interface Recording {
    path: string;
    target: ReturnType<typeof startGated>;
    tracer: ReturnType<typeof start>;
    /** Ends the target when it exists. */
    stop: string;
  }

  async function recordSpinner(t: import('node:test').TestContext, ...mpArgs: string[]): Promise<Recording> {
    const folder = scratchFolder(t);
    const [path, stop] = [join(folder, 'capture.db'), join(folder, 'stop')];
    const target = startGated(t, 'spinner', { programArgs: ['60000', '2'], env: { MP_STOP: stop } });
    const tracer = start(t, MP, ['trace', '-q', ...mpArgs, '--pid', `${target.pid}`, '-o', path]);
    await untilTraced(path, target.pid, tracer);
    target.open();
    return { path, target, tracer, stop };
  }

  async function assertCleanEnd(t: import('node:test').TestContext, recording: Recording): Promise<void> {
    const { path, target, tracer, stop } = recording;
    const ended = await tracer.finished;
    assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
    assert.ok(processState(target.pid), 'the target goes on');
    assert.ok(!existsSync(`${path}-wal`), 'the capture is one plain file');
    const capture = openCapture(t, path);
    assert.equal(capture.meta('status'), 'complete');
    assert.equal(capture.processes()[0]?.exit_code, null);
    assert.ok(capture.ownRows('allocations').length > 0);
    assertNone(capture.inconsistencies());
    assert.equal(capture.losses().get('stack_incomplete'), 0);
    writeFileSync(stop, '');
    const finished = await target.finished;
    assert.match(finished.stdout, /^self-check ok/);
    assert.equal(finished.code, 0);
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} to mp trace`, async (t) => {
      const recording = await recordSpinner(t);
      await sleep(300);
      recording.tracer.child.kill(signal);
      await assertCleanEnd(t, recording);
    });
  }

  test('mp detach PID', async (t) => {
    const recording = await recordSpinner(t);
    await sleep(300);
    const detach = await mp(t, ['detach', `${recording.target.pid}`]);
    assert.equal(detach.code, 0, detach.stderr);
    await assertCleanEnd(t, recording);
  });

  test('mp detach of a process that is not traced', async (t) => {
    const detach = await mp(t, ['detach', `${process.pid}`]);
    assert.equal(detach.code, 1);
    assert.match(detach.stderr, /^mp: .*\n$/);
  });

  test('--duration', async (t) => {
    const began = Date.now();
    const recording = await recordSpinner(t, '--duration', '0.5');
    await assertCleanEnd(t, recording);
    assert.ok(Date.now() - began < 8000);
  });

  test('Ctrl-C on mp run goes to the target, the capture is finished', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const tracer = start(t, MP, ['run', '-q', '-o', path, '--', programPath('spinner'), '8000'], { detached: true });
    await until('a process row', () => existsSync(path) && processState(tracer.pid));
    await sleep(1500);
    process.kill(-tracer.pid, 'SIGINT');
    const finished = await tracer.finished;
    assert.deepEqual([finished.code, finished.signal], [null, 'SIGINT']);
    const capture = openCapture(t, path);
    assert.equal(capture.meta('status'), 'complete');
    assert.equal(capture.processes()[0]?.exit_signal, 2);
    assert.ok(capture.ownRows('allocations').length > 0);
  });

  test('a stopped target can be attached to', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const target = startGated(t, 'endings');
    await until('the target to run', () => processState(target.pid) === 'S');
    process.kill(target.pid, 'SIGSTOP');
    const tracer = start(t, MP, ['trace', '-q', '--pid', `${target.pid}`, '-o', path]);
    await untilTraced(path, target.pid, tracer);
    assert.equal(processState(target.pid), 'T');
    target.open();
    process.kill(target.pid, 'SIGCONT');
    assert.equal((await target.finished).code, 0);
    assert.equal((await tracer.finished).code, 0);
    assertNone(compareTruth(readTruth('trace', sourcePath('endings'), ''), openCapture(t, path)));
  });
});
