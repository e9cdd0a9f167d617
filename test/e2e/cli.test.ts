/** Messages, exit codes and files of `mp run` and `mp trace`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  recordRun,
  recordTrace,
  scratchFolder,
  start,
  startGated,
  until,
} from './helpers.ts';

/** A pid that no process has: above the kernel's limit for 64-bit systems' default, below the type's. */
const NO_PID = '4194300';
const ONE_SENTENCE = /^mp: [^\n]+\n$/;

function exampleCommands(stderr: string): number {
  return stderr
    .split('\n')
    .filter((line) => /\bmp (summary|table|tree|stats|leaks|flamegraph|sql|info|top) /.test(line)).length;
}

describe('output and files', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('run says what it traces, where the capture is, the losses and what to do next', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '-o', path, '--', programPath('endings')]);
    assert.equal(finished.stdout, 'ok\n');
    assert.match(finished.stderr, /endings/);
    assert.ok(finished.stderr.includes(path));
    assert.match(finished.stderr, /los[st]|dropped/i);
    assert.ok(exampleCommands(finished.stderr) >= 3, finished.stderr);
  });

  test('trace prints "Tracing PID (comm)" when the probes are in place', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const target = startGated(t, 'endings');
    const tracer = start(t, MP, ['trace', '--pid', `${target.pid}`, '-o', path]);
    await until('the line', () => tracer.stderr().includes(`Tracing ${target.pid} (endings)`));
    target.open();
    const finished = await tracer.finished;
    assert.equal(finished.code, 0);
    assert.equal(finished.stdout, '');
    assert.ok(exampleCommands(finished.stderr) >= 3, finished.stderr);
    const rows = openCapture(t, path).ownRows('allocations');
    assert.equal(
      rows.reduce((sum, row) => sum + row.allocations, 0),
      1001,
    );
  });

  test('-q is silent', async (t) => {
    const run = await recordRun(t, 'endings');
    assert.deepEqual([run.target.stdout, run.target.stderr], ['ok\n', '']);
    const trace = await recordTrace(t, 'endings');
    assert.deepEqual([trace.tracer.stdout, trace.tracer.stderr], ['', '']);
  });

  test('the capture is mp-<name>.<pid>.db in the current directory', async (t) => {
    const folder = scratchFolder(t);
    await mp(t, ['run', '-q', '--', programPath('endings')], { cwd: folder });
    const [name, ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    const pid = openCapture(t, join(folder, name!)).processes()[0]?.pid;
    assert.equal(name, `mp-endings.${pid}.db`);

    const second = scratchFolder(t);
    const target = startGated(t, 'endings');
    const tracer = start(t, MP, ['trace', '--pid', `${target.pid}`], { cwd: second });
    await until('the probes', () => tracer.stderr().includes('Tracing'));
    target.open();
    await tracer.finished;
    assert.deepEqual(readdirSync(second), [`mp-endings.${target.pid}.db`]);
  });

  test('an existing file is kept, with --force replaced', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    writeFileSync(path, 'precious');
    const program = programPath('endings');
    const refused = await mp(t, ['run', '-o', path, '--', program]);
    assert.equal(refused.code, 1);
    assert.equal(refused.stdout, '');
    assert.ok(refused.stderr.includes(`File already exists, will not overwrite without --force: ${path}`));
    assert.equal(readFileSync(path, 'utf8'), 'precious');

    const target = startGated(t, 'endings');
    const trace = await mp(t, ['trace', '--pid', `${target.pid}`, '-o', path]);
    assert.equal(trace.code, 1);
    assert.ok(trace.stderr.includes('will not overwrite without --force'));
    assert.equal(readFileSync(path, 'utf8'), 'precious');

    const forced = await mp(t, ['run', '-q', '-f', '-o', path, '--', program]);
    assert.equal(forced.code, 0, forced.stderr);
    assert.equal(openCapture(t, path).meta('status'), 'complete');
  });

  test('under sudo the capture belongs to the caller', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const env = { ...process.env, SUDO_UID: '65534', SUDO_GID: '65534' };
    await mp(t, ['run', '-q', '-o', path, '--', programPath('endings')], { env });
    const { uid, gid } = statSync(path);
    assert.deepEqual([uid, gid], [65534, 65534]);
  });

  test('arguments, environment and directory reach the target', async (t) => {
    const folder = scratchFolder(t);
    const path = join(folder, 'capture.db');
    const script = 'echo "$# $1 $2|$GREETING|$PWD"';
    const args = ['run', '-q', '-o', path, '--', 'sh', '-c', script, 'sh', '-q', '--force'];
    const finished = await mp(t, args, { cwd: folder, env: { ...process.env, GREETING: 'good day' } });
    assert.deepEqual([finished.code, finished.stdout], [0, `2 -q --force|good day|${folder}\n`]);
  });

  test('options behind the program are its own, also without --', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '-q', '-o', path, 'echo', '-n', '-q', '--output=x']);
    assert.deepEqual([finished.code, finished.stdout], [0, '-q --output=x']);
  });
});

describe('refusals', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('a program that does not exist', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    for (const program of ['/does/not/exist', 'no-such-program-anywhere']) {
      const finished = await mp(t, ['run', '-o', path, '--', program]);
      assert.ok(finished.code === 1 || finished.code === 125, `ended with ${finished.code}`);
      assert.match(finished.stderr, ONE_SENTENCE);
      assert.ok(finished.stderr.includes(program));
      assert.ok(!existsSync(path), 'nothing was recorded, no file is left');
    }
  });

  test('a file that cannot be executed', async (t) => {
    const folder = scratchFolder(t);
    const program = join(folder, 'notes.txt');
    writeFileSync(program, 'not a program');
    chmodSync(program, 0o644);
    const finished = await mp(t, ['run', '-o', join(folder, 'capture.db'), '--', program]);
    assert.ok(finished.code === 1 || finished.code === 125, `ended with ${finished.code}`);
    assert.match(finished.stderr, ONE_SENTENCE);
  });

  test('a process that does not exist', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['trace', '--pid', NO_PID, '-o', path]);
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, ONE_SENTENCE);
    assert.ok(finished.stderr.includes(NO_PID));
    assert.ok(!existsSync(path));
  });

  test('a folder that does not exist', async (t) => {
    const path = join(scratchFolder(t), 'missing/capture.db');
    const finished = await mp(t, ['run', '-o', path, '--', programPath('endings')]);
    assert.ok(finished.code === 1 || finished.code === 125, `ended with ${finished.code}`);
    assert.equal(finished.stdout, '', 'the target did not run');
    assert.match(finished.stderr, ONE_SENTENCE);
  });

  const USAGE: string[][] = [
    ['run'],
    ['trace'],
    ['nonsense'],
    ['run', '--no-such-option', '--', 'true'],
    ['run', '--probe', 'magic', '--', 'true'],
    ['run', '--ring-size', 'many', '--', 'true'],
    ['run', '--duration', '-1', '--', 'true'],
    ['trace', '--pid', 'abc'],
    ['trace', '--pid', '0'],
    ['detach'],
  ];
  for (const args of USAGE) {
    test(`usage: mp ${args.join(' ')}`, async (t) => {
      const finished = await mp(t, args, { cwd: scratchFolder(t) });
      assert.equal(finished.code, 2, finished.stderr);
      assert.notEqual(finished.stderr, '');
      assert.equal(finished.stdout, '');
    });
  }

  for (const option of ['--follow-fork', '--live', '--events', '--aggregate', '--trace-python-allocators']) {
    test(`${option} works or is refused with its name`, async (t) => {
      const folder = scratchFolder(t);
      const finished = await mp(t, ['run', '-q', option, '-o', join(folder, 'c.db'), '--', programPath('endings')]);
      if (finished.code === 0) {
        assert.equal(openCapture(t, join(folder, 'c.db')).meta('status'), 'complete');
        return;
      }
      assert.ok([1, 2, 125].includes(finished.code!), `ended with ${finished.code} ${finished.signal}`);
      assert.ok(finished.stderr.includes(option), finished.stderr);
      assert.equal(finished.stdout, '', 'the target did not run');
    });
  }

  test('without privileges: what is missing and what to do', async (t) => {
    const folder = scratchFolder(t);
    chmodSync(folder, 0o777);
    const args = ['run', '-o', join(folder, 'capture.db'), '--', '/bin/true'];
    const finished = await mp(t, args, { uid: 65534, gid: 65534, cwd: folder });
    assert.ok(finished.code === 1 || finished.code === 125, `ended with ${finished.code}: ${finished.stderr}`);
    assert.match(finished.stderr, ONE_SENTENCE);
    assert.match(finished.stderr, /root|sudo|CAP_/);
  });

  test('help that nobody reads, or that cannot be written', () => {
    const shell = (command: string) =>
      spawnSync('/bin/bash', ['-o', 'pipefail', '-c', command, MP], { encoding: 'utf8' });
    for (let i = 0; i < 3; i++) assert.equal(shell('"$0" run --help | true').stderr, '');
    const full = shell('"$0" run --help > /dev/full');
    assert.deepEqual([full.status, full.stderr], [1, 'mp: cannot write the output: no space left on device\n']);
  });

  test('--help has an example for every recording command', async (t) => {
    for (const command of ['run', 'trace', 'detach']) {
      const finished = await mp(t, [command, '--help']);
      assert.equal(finished.code, 0);
      assert.match(finished.stdout, new RegExp(`mp ${command} `));
      assert.match(finished.stdout, /example/i);
    }
    assert.match((await mp(t, ['--version'])).stdout, /\d+\.\d+\.\d+/);
    assert.equal(basename(MP), 'mp');
  });
});
