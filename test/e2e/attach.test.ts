/** A program that imports the library, and traces a running process with it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { type AttachedSession, attach, DisplayTop, disable, getTracedMemory, Snapshot, UserError } from 'mp';
import { buildPrograms, cannotRecord, processState, programPath, scratchFolder, start, until } from './helpers.ts';

const skip = cannotRecord();
const LIMIT_MS = 60_000;
const MIB = 2 ** 20;

before(() => {
  if (!skip) buildPrograms();
});

async function startSteps(t: TestContext) {
  const target = start(t, programPath('steps'), []);
  await until('the program', () => target.stdout().includes('ready'), LIMIT_MS);
  return target;
}

test('attach, tops and snapshots, stop', { skip }, async (t) => {
  const { pid } = await startSteps(t);
  t.after(disable);
  const session: AttachedSession = await attach({ pid });
  assert.equal(session.isRecording, true);
  await assert.rejects(attach({ pid }), (error) => error instanceof UserError && /is being traced/.test(error.message));
  process.kill(pid, 'SIGUSR1');
  await until('the block', () => getTracedMemory().size === MIB, LIMIT_MS);
  let top = '';
  const write = (text: string) => {
    top += text;
  };
  // names are looked up beside the recording
  const isNamed = () => {
    top = '';
    new DisplayTop().display(5, { groupBy: 'function', file: { write } });
    return top.includes('take');
  };
  await until(`the name, in ${top}`, isNamed, LIMIT_MS);
  assert.match(top, /^#1: take: size=1024 KiB, count=1$/m);
  await session.stop();
  assert.deepEqual([session.isRecording, processState(pid)], [false, 'S']);
  const { stats, metrics } = Snapshot.create();
  assert.deepEqual(
    stats.map(({ size, count }) => [size, count]),
    [[MIB, 1]],
  );
  assert.equal(metrics.get('mp.traced.size')?.value, MIB);
  assert.equal(existsSync(session.capture), true);
  disable();
  await until('the folder to be removed', () => !existsSync(session.capture), LIMIT_MS);
});

test('a recording ends with its program, which it does not keep alive; its capture stays', { skip }, async (t) => {
  const { pid } = await startSteps(t);
  const capture = join(scratchFolder(t), 'capture.db');
  const code = `import { attach } from 'mp'; await attach(${JSON.stringify({ pid, capture })}); console.log('attached')`;
  const cwd = resolve(import.meta.dirname, '../..');
  const program = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd, encoding: 'utf8' });
  assert.deepEqual([program.status, program.stdout, program.stderr], [0, 'attached\n', '']);
  await until('the end of the recording', () => !existsSync(`/run/mp/${pid}`), LIMIT_MS);
  assert.equal(processState(pid), 'S');
  assert.equal(existsSync(capture), true);
});

test('what attach refuses', { skip }, async () => {
  await assert.rejects(attach({ pid: [] }), RangeError);
  await assert.rejects(attach({ pid: 0 }), RangeError);
  const { pid } = spawnSync('/bin/true');
  await assert.rejects(attach({ pid }), (error) => error instanceof UserError && error.message.includes(`${pid}`));
  await assert.rejects(attach({ pid: process.pid, options: ['--no-such'] }), /unknown option/);
});
