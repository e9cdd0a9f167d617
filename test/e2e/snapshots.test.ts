/** Snapshots of programs that are being recorded, and tops of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  processState,
  programPath,
  type Started,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { ENVIRONMENT, findPythons } from './python.ts';

const skip = cannotRecord();
const LIMIT_MS = 60_000;
const MIB = 2 ** 20;
const IN_FILES = ['--snapshot-file', 's-$counter.db'];

before(() => {
  if (!skip) buildPrograms();
});

interface Traced {
  folder: string;
  capture: string;
  target: Started;
  tracer: Started;
  /** Sends a signal to the target and waits for its answer. */
  step(signal: NodeJS.Signals, answer: RegExp): Promise<string>;
  /** Waits until the tracer has said that of a snapshot. */
  said(what: RegExp): Promise<void>;
}

async function traceSteps(t: TestContext, ...args: string[]): Promise<Traced> {
  const folder = scratchFolder(t);
  const capture = join(folder, 'capture.db');
  const target = start(t, programPath('steps'), []);
  await until('the program', () => target.stdout().includes('ready'), LIMIT_MS);
  const tracer = start(t, MP, ['trace', '--pid', `${target.pid}`, '-o', capture, ...args], { cwd: folder });
  await untilTraced(capture, target.pid, tracer);
  await until('the tracer', () => tracer.stderr().includes(`Tracing ${target.pid}`), LIMIT_MS);
  let seen = target.stdout().length;
  const step = async (signal: NodeJS.Signals, answer: RegExp) => {
    process.kill(target.pid, signal);
    const said = await until(`the answer to ${signal}`, () => answer.exec(target.stdout().slice(seen))?.[0], LIMIT_MS);
    seen = target.stdout().length;
    return said;
  };
  const said = async (what: RegExp) => {
    await until(`${what} in ${tracer.stderr()}`, () => what.test(tracer.stderr()), LIMIT_MS);
  };
  return { folder, capture, target, tracer, step, said };
}

interface Top {
  rows: { line: number; size: number; count: number }[];
  metrics: { name: string; value: number }[];
}

async function topOf(t: TestContext, ...args: string[]): Promise<Top> {
  const { stdout, stderr, code } = await mp(t, ['top', '-q', '--json', ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout)[0];
}

const sizesOf = async (t: TestContext, path: string) => (await topOf(t, path)).rows.map(({ size }) => size);

test('a threshold of 0.75 MiB fires once for 1 MiB and once for its release', { skip }, async (t) => {
  const log = `echo "$MP_REASON $MP_TRACED_BYTES $MP_SNAPSHOT" >> log`;
  const traced = await traceSteps(t, ...IN_FILES, '--snapshot-threshold', '0.75MiB', '--traces', '--on-trigger', log);
  const { folder, tracer, step, said } = traced;
  const address = (await step('SIGUSR1', /took (0x[0-9a-f]+)\n/)).slice(5, -1);
  await said(/^Snapshot: s-0001\.db \(threshold\)$/m);
  await until('the command', () => existsSync(join(folder, 'log')), LIMIT_MS);
  await step('SIGUSR2', /gave\n/);
  await said(/^Snapshot: s-0002\.db \(threshold\)$/m);
  await step('SIGTERM', /ok\n/);
  assert.equal((await tracer.finished).code, 0);
  const lines = readFileSync(join(folder, 'log'), 'utf8');
  assert.equal(lines, `threshold ${MIB} s-0001.db\nthreshold 0 s-0002.db\n`);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('s-')),
    ['s-0001.db', 's-0002.db'],
  );

  const top = await topOf(t, join(folder, 's-0001.db'));
  assert.deepEqual(
    top.rows.map(({ size, count }) => [size, count]),
    [[MIB, 1]],
  );
  const metric = (name: string) => top.metrics.find((each) => each.name === name)?.value;
  assert.equal(metric('mp.traced.size'), MIB);
  for (const name of ['process_memory.rss', 'process_memory.vms', 'mp.tracer.rss']) assert.ok(metric(name)! > 0, name);
  const block = async (file: string) => (await mp(t, ['top', '-q', '-b', address, join(folder, file)])).stdout;
  assert.match(
    await block('s-0001.db'),
    /: 1024 KiB\nTraceback \(most recent call first\):\n {2}File ".*steps\.c", line \d+\n/,
  );
  assert.match(await block('s-0002.db'), /\(not found\)\n/);
});

test('a delay fires though nothing is allocated, three times; SIGUSR2 and mp snapshot take more', {
  skip,
}, async (t) => {
  const traced = await traceSteps(
    t,
    ...IN_FILES,
    ...['--snapshot-delay', '0.3', '--snapshot-repeat', '3', '--top-delay', '0.3'],
  );
  const { folder, target, tracer, step, said } = traced;
  await said(/^Snapshot: s-0003\.db \(delay\)$/m);
  await said(/: Top 0 allocations per filename and line number\n(.*\n)*.*Top 0 .* \(compared to /m);
  await step('SIGUSR1', /took .*\n/);
  process.kill(tracer.pid, 'SIGUSR2');
  await said(/^Snapshot: s-0004\.db \(signal\)$/m);
  assert.deepEqual(await sizesOf(t, join(folder, 's-0004.db')), [MIB]);
  const taken = join(folder, 'now.db');
  const { code, stderr } = await mp(t, ['snapshot', '-o', taken, `${target.pid}`]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await sizesOf(t, taken), [MIB]);
  assert.match((await mp(t, ['leaks', taken])).stdout, /take/);
  assert.equal((await mp(t, ['detach', `${target.pid}`])).code, 0);
  assert.equal((await tracer.finished).code, 0);
  await step('SIGTERM', /ok\n/);
});

test('snapshots inside the capture, by a trigger and by mp snapshot', { skip }, async (t) => {
  const traced = await traceSteps(t, '--snapshot-threshold', '0.75MiB', '--traces', '--metric', 'answer=echo 42');
  const { capture, target, tracer, step, said } = traced;
  const address = (await step('SIGUSR1', /took (0x[0-9a-f]+)\n/)).slice(5, -1);
  await said(/^Snapshot: .*capture\.db@1 \(threshold\)$/m);
  const { code, stderr } = await mp(t, ['snapshot', `${target.pid}`]);
  assert.deepEqual([code, stderr], [0, `Snapshot: ${capture}@2\n`]);
  await step('SIGUSR2', /gave\n/);
  await said(/^Snapshot: .*capture\.db@3 \(threshold\)$/m);
  await step('SIGTERM', /ok\n/);
  assert.equal((await tracer.finished).code, 0, tracer.stderr());

  const [first, last] = [`${capture}@1`, `${capture}@3`];
  assert.deepEqual([await sizesOf(t, first), await sizesOf(t, last)], [[MIB], []]);
  assert.match((await mp(t, ['top', '-q', '-b', address, first])).stdout, /: 1024 KiB\nTraceback/);
  const { stdout } = await mp(t, ['top', '-q', first, last]);
  assert.match(stdout, /steps\.c:\d+: size=0 B \(-1024 KiB\), count=0 \(-1\)\n/);
  assert.match(stdout, /^answer: 42 \(\+0\)$/m);
  assert.match((await mp(t, ['info', capture])).stdout, /capture\.db@2 .* 1\.000 MiB +1 +signal, with blocks\n/);
});

test('mp snapshot --traces keeps the blocks of a recording without events', { skip }, async (t) => {
  const { capture, folder, target, tracer, step } = await traceSteps(t);
  const address = (await step('SIGUSR1', /took (0x[0-9a-f]+)\n/)).slice(5, -1);
  const inFile = await mp(t, ['snapshot', '--traces', '-o', join(folder, 'file.db'), `${target.pid}`]);
  assert.deepEqual([inFile.code, existsSync(join(folder, 'file.db'))], [1, false]);
  assert.match(inFile.stderr, /does not know its single blocks/);
  const taken = await mp(t, ['snapshot', '--traces', `${target.pid}`]);
  assert.equal(taken.code, 0, taken.stderr);
  const kept = /^Snapshot: (.*@\d+)$/m.exec(taken.stderr)![1]!;
  const block = await mp(t, ['top', '-q', '-b', address, kept]);
  assert.match(block.stdout, /: 1024 KiB\nTraceback \(most recent call first\):\n {2}File ".*steps\.c", line \d+\n/);
  assert.match((await mp(t, ['top', '-q', '-t', kept])).stdout, new RegExp(`^Memory block ${address}: 1024 KiB$`, 'm'));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('-traces')),
    [],
  );
  const plain = /^Snapshot: (.*)$/m.exec((await mp(t, ['snapshot', capture])).stderr)![1]!;
  assert.equal((await mp(t, ['top', '-q', '-b', address, plain])).code, 1);
  await step('SIGTERM', /ok\n/);
  assert.equal((await tracer.finished).code, 0);
});

test('--stop-on-trigger ends the recording, not the target', { skip }, async (t) => {
  const { folder, target, tracer, step } = await traceSteps(
    t,
    ...IN_FILES,
    '--growth',
    '512K/min',
    '--stop-on-trigger',
  );
  await step('SIGUSR1', /took .*\n/);
  const { code, stderr } = await tracer.finished;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Snapshot: s-0001\.db \(growth\)$/m);
  assert.ok(existsSync(join(folder, 's-0001.db')));
  assert.notEqual(processState(target.pid), undefined);
  await step('SIGTERM', /ok\n/);
});

test('mp top by line agrees with tracemalloc of the same program', { skip }, async (t) => {
  const script = resolve(import.meta.dirname, '../programs/python/agrees.py');
  const { path, version } = findPythons().at(-1)!;
  const options = { encoding: 'utf8', env: ENVIRONMENT } as const;
  const stated = JSON.parse(execFileSync(path, ['-S', script, 'traced'], options)) as Record<string, [number, number]>;
  assert.equal(Object.keys(stated).length, 4);
  const capture = join(scratchFolder(t), 'capture.db');
  const args = ['run', '-q', '--trace-python-allocators', '-o', capture, '--', path, '-S', script];
  const { stdout, stderr } = await mp(t, args, { env: ENVIRONMENT });
  assert.equal(stdout, 'ok\n', stderr);
  const { rows } = await topOf(t, '-i', '*/agrees.py', capture);
  const found = Object.fromEntries(rows.map(({ line, size, count }) => [line, [size, count]]));
  assert.deepEqual(Object.fromEntries(Object.keys(stated).map((line) => [line, found[line]])), stated, version);
});
