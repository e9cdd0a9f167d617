/** A full ring: with --lossless the target waits and everything is there; without, what is missing is counted. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureFile } from './capture-file.ts';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  recordRun,
  scratchFolder,
  start,
  startGated,
  until,
  untilTraced,
} from './helpers.ts';

/** As much as fits into a ring of 256K many times over. */
const THREADS = 8;
const PAIRS = 5000;
const TRUTH = THREADS * PAIRS;
const STALL_MS = 500;

function pairsOf(capture: CaptureFile) {
  const rows = capture.rows('allocations').filter((row) => row.function === 'pair');
  return rows.reduce((sum, row) => sum + row.allocations, 0);
}

function lossesOf(capture: CaptureFile) {
  const losses = capture.losses();
  const of = (kind: string) => losses.get(kind) ?? Number.NaN;
  return { dropped: of('ring_dropped'), allocations: of('allocations_dropped'), frees: of('frees_dropped') };
}

/** Runs `pairs` with a tracer that takes nothing out of the ring for a while. */
async function recordStalled(t: TestContext, mpArgs: string[], programArgs: string[]) {
  const folder = scratchFolder(t);
  const path = join(folder, 'capture.db');
  const gate = join(folder, 'gate');
  const program = [programPath('pairs'), ...programArgs];
  const args = ['run', '-q', '--ring-size', '256K', ...mpArgs, '-o', path, '--', ...program];
  const tracer = start(t, MP, args, { env: { ...process.env, MP_GATE: gate } });
  await untilTraced(path, null, tracer);
  tracer.child.kill('SIGSTOP');
  writeFileSync(gate, '');
  await sleep(STALL_MS);
  tracer.child.kill('SIGCONT');
  const finished = await tracer.finished;
  assert.deepEqual([finished.code, finished.stdout], [0, 'ok\n'], finished.stderr);
  return { path, capture: openCapture(t, path) };
}

/** Threads that wait for a tracer which is attached and takes nothing out of the ring. */
async function attachStalled(t: TestContext, pairs: number) {
  const path = join(scratchFolder(t), 'capture.db');
  const target = startGated(t, 'pairs', { programArgs: [`${THREADS}`, `${pairs}`] });
  const args = ['trace', '-q', '--lossless', '--ring-size', '256K', '-o', path, '--pid', `${target.pid}`];
  const tracer = start(t, MP, args);
  await untilTraced(path, target.pid, tracer);
  tracer.child.kill('SIGSTOP');
  target.open();
  await sleep(STALL_MS);
  return { target, tracer };
}

describe('a ring that is too small', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('run: eight threads lose nothing', async (t) => {
    const options = { mpArgs: ['--ring-size', '1'], programArgs: ['8', '50000'] };
    const { capture, target } = await recordRun(t, 'pairs', options);
    assert.equal(target.code, 0, target.stderr);
    assert.equal(pairsOf(capture), 8 * 50000);
    assert.deepEqual(lossesOf(capture), { dropped: 0, allocations: 0, frees: 0 });
    assert.deepEqual(
      capture.rows('leaks').filter((row) => row.function === 'pair'),
      [],
    );
  });

  test('run: nothing is lost while the tracer is stuck', async (t) => {
    const { capture } = await recordStalled(t, [], [`${THREADS}`, `${PAIRS}`]);
    assert.equal(pairsOf(capture), TRUTH);
    assert.deepEqual(lossesOf(capture), { dropped: 0, allocations: 0, frees: 0 });
  });

  test('--no-lossless: allocations and drops are the truth, and reports say what that means', async (t) => {
    const { capture, path } = await recordStalled(t, ['--no-lossless'], ['0', `${TRUTH}`]);
    const { dropped, allocations, frees } = lossesOf(capture);
    assert.ok(allocations > 0 && frees > 0, 'the ring was full');
    assert.ok(dropped >= allocations + frees);
    const all = capture.rows('allocations').filter((row) => row.allocator === 'malloc');
    const recorded = all
      .filter((row) => row.bytes === 32 * row.allocations)
      .reduce((sum, row) => sum + row.allocations, 0);
    assert.equal(recorded + allocations, TRUTH);
    for (const report of ['summary', 'table', 'leaks', 'stats', 'info']) {
      const { stdout } = await mp(t, [report, path]);
      assert.match(stdout.replaceAll(/\s+/g, ' '), /frees_dropped .*although they were freed/, report);
    }
  });
});

describe('threads that wait for room', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  /** Starts `pairs` as the child of a shell's kin, which says of every child how waitpid(2) saw it change. */
  const PARENT = `
import os, sys
pid = os.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
print("child", pid, flush=True)
while True:
    status = os.waitpid(pid, os.WUNTRACED | os.WCONTINUED)[1]
    if os.WIFSTOPPED(status): print("stopped", flush=True)
    elif os.WIFCONTINUED(status): print("continued", flush=True)
    else: print("ended", status, flush=True); break
`;

  test('a parent that waits for stopped children sees none', async (t) => {
    const folder = scratchFolder(t);
    const [path, gate] = [join(folder, 'capture.db'), join(folder, 'gate')];
    const program = [programPath('pairs'), `${THREADS}`, `${PAIRS}`];
    const parent = start(t, 'python3', ['-c', PARENT, ...program], { env: { ...process.env, MP_GATE: gate } });
    const pid = Number(await until('the child', () => /^child (\d+)$/m.exec(parent.stdout())?.[1]));
    const args = ['trace', '-q', '--lossless', '--ring-size', '256K', '-o', path, '--pid', `${pid}`];
    const tracer = start(t, MP, args);
    await untilTraced(path, pid, tracer);
    tracer.child.kill('SIGSTOP');
    writeFileSync(gate, '');
    await sleep(STALL_MS);
    tracer.child.kill('SIGCONT');
    assert.equal((await parent.finished).stdout, `child ${pid}\nok\nended 0\n`);
    assert.equal((await tracer.finished).code, 0);
    assert.equal(pairsOf(openCapture(t, path)), TRUTH);
  });

  test('go on when the tracer is killed', async (t) => {
    const { target, tracer } = await attachStalled(t, PAIRS);
    assert.equal(target.child.exitCode, null, 'it waits');
    tracer.child.kill('SIGKILL');
    assert.deepEqual(await target.finished, { code: 0, signal: null, stdout: 'ok\n', stderr: '' });
  });

  test('can be killed', async (t) => {
    const { target, tracer } = await attachStalled(t, 100_000);
    const begin = Date.now();
    target.child.kill('SIGKILL');
    assert.equal((await target.finished).signal, 'SIGKILL');
    assert.ok(Date.now() - begin < 1000, `${Date.now() - begin} ms`);
    tracer.child.kill('SIGCONT');
    assert.equal((await tracer.finished).code, 0);
  });
});
