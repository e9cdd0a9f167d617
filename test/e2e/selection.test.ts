/** Targets that nobody gave by pid: `mp trace --comm`, `--cgroup` and `--all`. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { makeCgroup } from './cgroups.ts';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  type Started,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { linksLeft, linksOf } from './probes-left.ts';

const HIERARCHIES = [
  { root: '/sys/fs/cgroup', file: 'cgroup.procs' },
  { root: '/sys/fs/cgroup/unified', file: 'cgroup.procs' },
  { root: '/sys/fs/cgroup/pids', file: 'cgroup.procs' },
];

const skip = cannotRecord();
if (!skip) buildPrograms();

function cgroup(t: TestContext, name: string): string {
  const made = makeCgroup(t, HIERARCHIES, name);
  assert.ok(made, 'this machine lets nobody make a cgroup');
  return made.path;
}

/** What `pair` of the program pairs allocated in each process, by pid. */
function pairsOf(capture: CaptureFile): Map<number, number> {
  const pairs = new Map<number, number>();
  for (const { pid, function: name, allocations } of capture.rows('allocations'))
    if (name === 'pair') pairs.set(pid, (pairs.get(pid) ?? 0) + allocations);
  return pairs;
}

function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

interface Tracer extends Started {
  /** Ends the recording and opens its capture. */
  stop(): Promise<CaptureFile>;
  path: string;
}

function trace(t: TestContext, ...args: string[]): Tracer {
  const path = join(scratchFolder(t), 'capture.db');
  const tracer = start(t, MP, ['trace', '--lossless', '-o', path, ...args]);
  const stop = async () => {
    tracer.child.kill('SIGINT');
    const { code, stderr } = await tracer.finished;
    assert.equal(code, 0, stderr);
    return openCapture(t, path);
  };
  return { ...tracer, stop, path };
}

const settled = (tracer: Started) => until('the word that everybody is traced', () => /Tracing /.test(tracer.stderr()));

/** The program under another name, in a folder of its own. */
function copyOf(t: TestContext, name: string): string {
  const path = join(scratchFolder(t), name);
  copyFileSync(programPath('pairs'), path);
  return path;
}

describe('targets by name or cgroup', { skip }, () => {
  test('by name: those that run, those that begin later, and nobody else', async (t) => {
    const program = copyOf(t, `mp-a-${process.pid}`);
    const stranger = copyOf(t, `mp-b-${process.pid}`);
    const gate = join(scratchFolder(t), 'gate');
    const early = start(t, program, ['1', '500'], { env: { ...process.env, MP_GATE: gate } });
    const tracer = trace(t, '--comm', `mp-a-${process.pid}`);
    await untilTraced(tracer.path, early.pid, tracer);
    await settled(tracer);
    assert.match(tracer.stderr(), /^Tracing processes named mp-a-\d+: 1 process\. New ones/m);
    writeFileSync(gate, '');
    const late = start(t, program, ['2', '700']);
    const other = start(t, stranger, ['1', '900']);
    for (const { finished } of [early, late, other]) assert.equal((await finished).stdout, 'ok\n');
    const capture = await tracer.stop();
    assert.deepEqual(
      pairsOf(capture),
      new Map([
        [early.pid, 500],
        [late.pid, 1400],
      ]),
    );
    assert.deepEqual(
      capture.processes().map(({ pid, origin, parent_id, exit_code }) => ({ pid, origin, parent_id, exit_code })),
      [
        { pid: early.pid, origin: 'attach', parent_id: null, exit_code: 0 },
        { pid: late.pid, origin: 'exec', parent_id: null, exit_code: 0 },
      ],
    );
    assertNone(capture.inconsistencies());
    assert.equal(capture.losses().get('process_unheld'), 0);
  });

  test('by name: a process that becomes another program is followed no further', async (t) => {
    const program = copyOf(t, `mp-c-${process.pid}`);
    const tracer = trace(t, '--comm', 'sh');
    await settled(tracer);
    const shell = start(t, 'sh', ['-c', `exec ${program} 1 100`]);
    assert.equal((await shell.finished).stdout, 'ok\n');
    const capture = await tracer.stop();
    const rows = capture.processes().filter(({ pid }) => pid === shell.pid);
    assert.deepEqual(
      rows.map(({ origin, comm }) => ({ origin, comm })),
      [{ origin: 'exec', comm: 'sh' }],
    );
    assert.equal(pairsOf(capture).size, 0);
  });

  test('one that cannot be traced in full is no reason not to trace the others', async (t) => {
    const name = `mp-d-${process.pid}`;
    const python = join(scratchFolder(t), name);
    copyFileSync('/usr/bin/python3', python); // Debian's has its allocator inlined
    const target = start(t, python, ['-c', 'import time; time.sleep(60)']);
    const tracer = trace(t, '--comm', name, '--trace-python-allocators');
    await untilTraced(tracer.path, target.pid, tracer);
    const capture = await tracer.stop();
    assert.match(tracer.stderr(), /^mp: small objects of Python are not traced: this build .* inlined$/m);
    assert.equal(capture.processes()[0]!.origin, 'attach');
  });

  test('by cgroup: its path, that of its directory, the beginning of the id of a container; cgroups below', async (t) => {
    const id = `${process.pid.toString(16)}feed`.padStart(12, 'a');
    let inner = '';
    t.after(() => inner && rmdirSync(inner)); // before the one that it lies in
    const outer = cgroup(t, `docker-${id}${'0'.repeat(52)}.scope`);
    inner = join(outer, 'inner');
    mkdirSync(inner);
    const program = programPath('pairs');
    for (const name of [outer, `/${outer.split('/').at(-1)}`, id]) {
      const tracer = trace(t, '--cgroup', name);
      await settled(tracer);
      const enter = (folder: string, pairs: number) =>
        start(t, 'sh', ['-c', `echo $$ > ${folder}/cgroup.procs; exec ${program} 1 ${pairs}`]);
      const inside = [enter(outer, 300), enter(inner, 400)];
      const outside = start(t, program, ['1', '500']);
      for (const { finished } of [...inside, outside]) assert.equal((await finished).stdout, 'ok\n');
      const capture = await tracer.stop();
      assert.deepEqual(
        pairsOf(capture),
        new Map([
          [inside[0]!.pid, 300],
          [inside[1]!.pid, 400],
        ]),
      );
    }
  });

  test('all: two copies of a program in different cgroups and mount namespaces; nothing stays behind', async (t) => {
    const cgroups = ['one', 'two'].map((name) => cgroup(t, `mp-e2e-${name}-${process.pid}`));
    const gate = join(scratchFolder(t), 'gate');
    const folder = copyOf(t, 'pairs').replace(/\/pairs$/, '');
    const copies = cgroups.map((path, i) =>
      start(
        t,
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          `echo $$ > ${path}/cgroup.procs; mount --bind ${folder} /mnt && exec /mnt/pairs 1 ${i + 1}000`,
        ],
        { env: { ...process.env, MP_GATE: gate } },
      ),
    );
    await until('both programs', () => copies.every(({ pid }) => executableOf(pid) === '/mnt/pairs'));
    const tracer = trace(t, '--all');
    for (const { pid } of copies) await untilTraced(tracer.path, pid, tracer);
    await settled(tracer);
    const links = linksOf(tracer.pid);
    writeFileSync(gate, '');
    for (const { finished } of copies) assert.equal((await finished).stdout, 'ok\n');
    const capture = await tracer.stop();
    const pairs = pairsOf(capture);
    assert.deepEqual(
      copies.map(({ pid }) => pairs.get(pid)),
      [1000, 2000],
    );
    const rows = capture.all<{ pid: number; cgroup: string }>('SELECT pid, cgroup FROM process');
    for (const [i, { pid }] of copies.entries())
      assert.ok(cgroups[i]!.endsWith(rows.find((row) => row.pid === pid)!.cgroup));
    assert.ok(!rows.some(({ pid }) => pid === tracer.pid), 'a tracer does not trace itself');
    assertNone(capture.inconsistencies());
    assert.deepEqual(linksLeft(links), []);
  });

  test('all: whatever begins while the recording ends goes on', async (t) => {
    const loop = 'i=0; while [ $i -lt 150 ]; do /bin/true; i=$((i+1)); done; echo ok';
    const busy = [1, 2].map(() => start(t, 'sh', ['-c', loop]));
    for (let i = 0; i < 3; i++) {
      const tracer = trace(t, '--all', '--duration', '0.5');
      assert.equal((await tracer.finished).code, 0);
    }
    for (const { finished } of busy) assert.equal((await finished).stdout, 'ok\n');
  });

  test('bad input gets a sentence', async (t) => {
    const said = async (...args: string[]) => {
      const { code, stderr } = await mp(t, ['trace', ...args]);
      return { code, stderr };
    };
    assert.deepEqual(await said(), {
      code: 2,
      stderr: 'mp: say what to trace: --pid PID, --comm NAME, --cgroup PATH or --all\n',
    });
    assert.deepEqual(await said('--all', '--comm', 'x'), {
      code: 2,
      stderr: 'mp: give one of --pid, --comm, --cgroup and --all\n',
    });
    assert.match(
      (await said('--cgroup', '/no/such')).stderr,
      /^mp: no cgroup \/no\/such; give its directory below \/.*\n$/,
    );
  });
});
