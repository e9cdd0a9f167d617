/**
 * SIGKILL of the tracer in the middle of a run, twenty times: the target is unharmed, no probe is left, the capture opens
 * and agrees with itself. Half of the launched targets run through a ring so small that they are being held back.
 */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertNone,
  buildPrograms,
  cannotFind,
  cannotRecord,
  MP,
  openCapture,
  processState,
  programPath,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { changedCodeBytes, linksLeft, linksOf } from './probes-left.ts';

const ROUNDS = 10;
let capturesWithRows = 0;

function ended(pid: number): boolean {
  const state = processState(pid);
  return state === undefined || state === 'Z';
}

/** The capture after the kill: readable, marked as not complete, in agreement with itself. */
function checkCapture(t: TestContext, path: string, pid: number): void {
  const capture = openCapture(t, path);
  assert.equal(capture.meta('status'), 'recording');
  assertNone(capture.inconsistencies());
  const [target] = capture.processes();
  assert.equal(target?.pid, pid);
  assert.equal(target?.ended_ns, null);
  if (capture.ownRows('allocations').length > 0) capturesWithRows++;
}

/** Kills a tracer that is at work and waits until nothing of it is left in the kernel and in the target. */
async function killTracer(tracer: ReturnType<typeof start>, target: number): Promise<void> {
  const links = linksOf(tracer.pid);
  assert.ok(links.length > 0, 'the tracer holds links');
  assert.ok(changedCodeBytes(target) > 0, 'the target has breakpoints');
  tracer.child.kill('SIGKILL');
  await until('the links to go', () => linksLeft(links).length === 0, 5000);
  await until('the breakpoints to go', () => ended(target) || changedCodeBytes(target) === 0, 5000);
}

describe('SIGKILL of the tracer', { skip: cannotRecord() || cannotFind('bpftool') }, () => {
  before(buildPrograms);
  after(() => {
    assert.ok(capturesWithRows >= ROUNDS, `only ${capturesWithRows} captures have rows`);
  });

  for (let round = 0; round < ROUNDS; round++) {
    test(`mp trace, round ${round + 1}`, async (t) => {
      const folder = scratchFolder(t);
      const path = join(folder, 'capture.db');
      const stop = join(folder, 'stop');
      const target = start(t, programPath('spinner'), ['20000', `${1 + (round % 3)}`], {
        env: { ...process.env, MP_STOP: stop },
      });
      const tracer = start(t, MP, ['trace', '-q', '--pid', `${target.pid}`, '-o', path]);
      await untilTraced(path, target.pid, tracer);
      await sleep(40 + round * 60);
      if (round % 2 === 1) await until('rows in the capture', () => hasRows(t, path));
      await killTracer(tracer, target.pid);
      await sleep(50);
      writeFileSync(stop, '');
      const finished = await target.finished;
      assert.match(finished.stdout, /^self-check ok/);
      assert.deepEqual([finished.code, finished.signal, finished.stderr], [0, null, '']);
      checkCapture(t, path, target.pid);
    });

    test(`mp run, round ${round + 1}`, async (t) => {
      const folder = scratchFolder(t);
      const path = join(folder, 'capture.db');
      const ring = round % 2 === 0 ? ['--ring-size', '256K'] : [];
      const stop = join(folder, 'stop');
      const tracer = start(t, MP, ['run', '-q', ...ring, '-o', path, '--', programPath('spinner'), '20000', '2'], {
        env: { ...process.env, MP_STOP: stop },
      });
      const pid = await until('the target', () => launchedPid(t, path));
      t.after(() => {
        if (!ended(pid)) process.kill(pid, 'SIGKILL');
      });
      await sleep(40 + round * 60);
      if (round % 2 === 1) await until('rows in the capture', () => hasRows(t, path));
      await killTracer(tracer, pid);
      await sleep(50);
      writeFileSync(stop, '');
      await until('the target to end by itself', () => ended(pid), 10_000);
      // The target inherited standard output, so this ends after it has written.
      const finished = await tracer.finished;
      assert.match(finished.stdout, /^self-check ok/);
      checkCapture(t, path, pid);
    });
  }
});

function hasRows(t: TestContext, path: string): boolean {
  const capture = openCapture(t, path);
  const { length } = capture.ownRows('allocations');
  capture.close();
  return length > 0;
}

/** Pid of the target of `mp run`, as soon as the capture has its row and it runs its own program. */
function launchedPid(t: TestContext, path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  let pid: number | undefined;
  try {
    const capture = openCapture(t, path);
    pid = capture.processes()[0]?.pid;
    capture.close();
  } catch {
    return undefined;
  }
  return pid !== undefined && processState(pid) !== undefined ? pid : undefined;
}
