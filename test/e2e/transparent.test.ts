/** A target of `mp run` is started, stopped, continued and ended as if mp were not there. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  processState,
  programPath,
  scratchFolder,
  start,
  startGated,
  until,
  untilTraced,
} from './helpers.ts';

/** Surroundings that Node or a shell would change, then the command that is given. */
const ODD_SURROUNDINGS = `
import os, resource, signal, sys
os.environb[b"odd.name"] = b"1"
os.environb[b"BASH_FUNC_greet%%"] = b"() { :; }"
os.environb[b"NOT_UTF8"] = b"caf\\xe9"
for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGXFSZ): signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH, signal.SIGRTMIN + 1})
os.dup2(os.open("/dev/null", os.O_RDONLY), 12)
os.dup2(os.open("/dev/null", os.O_WRONLY), 3)
resource.setrlimit(resource.RLIMIT_NOFILE, (777, 4096))
os.umask(0o027)
command = [os.fsencode(word) for word in sys.argv[1:]]
os.execvp(command[0], command + [b"caf\\xe9", b"", b"--", b"-q"])
`;

describe('what a target is given', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('arguments, environment, descriptors, limits and signals are those of the caller', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const run = async (command: string[]) => {
      const finished = await start(t, 'python3', ['-c', ODD_SURROUNDINGS, ...command], { cwd: '/' }).finished;
      assert.equal(finished.code, 0, finished.stderr);
      return finished.stdout;
    };
    const program = programPath('surroundings');
    const expected = await run([program]);
    assert.match(expected, /^file 12 /m);
    assert.match(expected, /^signal 1 ignored$/m);
    assert.match(expected, /^argument caf\\xe9$/m);
    assert.equal(await run([MP, 'run', '-q', '-o', path, '--', program]), expected);
  });

  test('a pipe that is shared with mp stays blocking', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const script = 'sleep 0.3; grep flags /proc/self/fdinfo/2';
    const plain = await start(t, 'sh', ['-c', script]).finished;
    const traced = await mp(t, ['run', '-o', path, '--', 'sh', '-c', script]);
    assert.equal(traced.stdout, plain.stdout);
  });

  test('the search in PATH is that of the shell', async (t) => {
    const folder = scratchFolder(t);
    const [forbidden, allowed] = [join(folder, 'forbidden'), join(folder, 'allowed')];
    for (const directory of [forbidden, allowed]) {
      mkdirSync(directory);
      writeFileSync(join(directory, 'found'), 'echo "found $0 $1"\n'); // no #!: a script for sh
    }
    chmodSync(join(allowed, 'found'), 0o755);
    const env = { ...process.env, PATH: [forbidden, allowed, process.env.PATH].join(delimiter) };
    const finished = await mp(t, ['run', '-q', '-o', join(folder, 'c.db'), '--', 'found', 'it'], { env });
    assert.deepEqual([finished.code, finished.stdout], [0, `found ${allowed}/found it\n`]);
  });

  test('a program that cannot be executed anywhere in PATH', async (t) => {
    const folder = scratchFolder(t);
    writeFileSync(join(folder, 'plain'), '');
    const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) };
    const finished = await mp(t, ['run', '-q', '-o', join(folder, 'c.db'), '--', 'plain'], { env });
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, /^mp: cannot run plain: Permission denied\n$/);
    assert.ok(!existsSync(join(folder, 'c.db')));
  });
});

describe('a target that is held', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('cannot tell', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '-q', '-o', path, '--', programPath('undisturbed')]);
    assert.equal(finished.stdout, 'ok\n');
  });

  test('is not held by an event that has no place in the ring', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const gate = join(scratchFolder(t), 'gate');
    const args = [
      '--no-lossless',
      '--ring-size',
      '256K',
      '-o',
      path,
      '--',
      programPath('flood'),
      programPath('endings'),
    ];
    const tracer = start(t, MP, ['run', '-q', ...args], { env: { ...process.env, MP_GATE: gate } });
    await untilTraced(path, null, tracer);
    tracer.child.kill('SIGSTOP');
    writeFileSync(gate, '');
    await sleep(700);
    tracer.child.kill('SIGCONT');
    const finished = await tracer.finished;
    assert.deepEqual([finished.code, finished.stdout], [0, 'ok\n']);
    assert.ok(openCapture(t, path).losses().get('ring_dropped')! > 0, 'the ring was full');
  });

  test('is not held once the recording has ended', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const command = `sleep 1.5; exec ${programPath('endings')} exit 6`;
    const finished = await mp(t, ['run', '-q', '--duration', '0.5', '-o', path, '--', 'sh', '-c', command]);
    assert.deepEqual([finished.code, finished.stdout], [6, 'ok\n']);
    assert.deepEqual(
      openCapture(t, path)
        .processes()
        .map((row) => row.comm),
      ['sh'],
    );
  });
});

describe('signals', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const delayMs of [0, 100, 200, 300, 400, 600, 900]) {
    test(`SIGTERM to mp run after ${delayMs} ms ends the target`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const tracer = start(t, MP, ['run', '-q', '-o', path, '--', 'sleep', '20']);
      await sleep(delayMs);
      tracer.child.kill('SIGTERM');
      const finished = await tracer.finished;
      assert.deepEqual([finished.code, finished.signal], [null, 'SIGTERM']);
    });
  }

  for (const signal of ['SIGPIPE', 'SIGUSR1', 'SIGHUP', 'SIGALRM'] as const) {
    test(`mp run ends by ${signal} as its target`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const command = `kill -${signal.slice(3)} $$`;
      const finished = await mp(t, ['run', '-q', '-o', path, '--', 'sh', '-c', command]);
      assert.deepEqual([finished.code, finished.signal, finished.stderr], [null, signal, '']);
    });
  }

  test('mp trace under nohup goes on after SIGHUP', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const target = startGated(t, 'spinner', { programArgs: ['1500', '1'] });
    const trace = `${MP} trace --pid ${target.pid} -o ${path}`;
    const tracer = start(t, 'sh', ['-c', `trap '' HUP; exec ${trace}`]);
    await until('the probes', () => tracer.stderr().includes('Tracing'));
    target.open();
    tracer.child.kill('SIGHUP');
    await sleep(300);
    assert.ok(processState(tracer.pid), 'mp goes on');
    assert.equal((await target.finished).code, 0);
    assert.equal((await tracer.finished).code, 0);
    assert.equal(openCapture(t, path).processes()[0]?.exit_code, 0);
  });
});

describe('where process ids are others', { skip: cannotRecord() }, () => {
  function inPidNamespace(t: TestContext, args: string[]) {
    return start(t, 'unshare', ['--pid', '--fork', '--mount-proc', MP, ...args]).finished;
  }

  test('mp says so instead of recording nothing', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await inPidNamespace(t, ['run', '-o', path, '--', '/bin/echo', 'ran']);
    assert.deepEqual([finished.code, finished.stdout], [1, '']);
    assert.match(finished.stderr, /^mp: .*container.*--pid=host.*\n$/);
    assert.ok(!existsSync(path));
    assert.match(readFileSync('/proc/self/status', 'utf8'), /^NSpid:\t\d+$/m);
  });
});
