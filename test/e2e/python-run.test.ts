/** `mp run` of a Python script, module and code: the program can't tell it from `python3 …`. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import {
  assertNone,
  cannotRecord,
  type Finished,
  MP,
  mp,
  openCapture,
  scratchFolder,
  start,
  until,
} from './helpers.ts';
import { findPythons } from './python.ts';

const SHOW = `
import os, sys
print([os.fsencode(word) for word in sys.argv], sys.path, sys.flags, sys.executable)
print(__name__, __file__ if "__file__" in globals() else None, sorted(sys.modules))
`;

/** Words that mp would understand if they stood before the program. */
const TRICKY = ['-q', '--output=x', '-m', 'other', '-c', 'pass', '--', '-', '', '--help', 'naïve', '--no-such-option'];

function python(): string {
  return findPythons().at(-1)!.path;
}

/** A folder with show.py and the package `tool`, to be the working directory. */
function programFolder(t: TestContext): string {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'tool'));
  writeFileSync(join(folder, 'show.py'), SHOW);
  writeFileSync(join(folder, 'tool/__init__.py'), '');
  writeFileSync(join(folder, 'tool/__main__.py'), SHOW);
  return folder;
}

type Form = 'a script' | '-m' | '-c';

/** What stands behind `python3` to run `code` in that form. */
function wordsOf(form: Form, code: string, folder: string): string[] {
  if (form === '-c') return ['-c', code];
  writeFileSync(join(folder, 'program.py'), code);
  return form === '-m' ? ['-m', 'program'] : ['program.py'];
}

interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function outcome({ code, signal, stdout, stderr }: Finished): Outcome {
  return { code, signal, stdout, stderr };
}

/** Runs `python3 WORDS` with and without mp; both must do the same. */
async function compareWithPlain(t: TestContext, folder: string, words: string[]): Promise<Finished> {
  const capture = join(scratchFolder(t), 'capture.db');
  const plain = await start(t, python(), words, { cwd: folder }).finished;
  const traced = await mp(t, ['run', '-q', '--python', python(), '-o', capture, ...words], { cwd: folder });
  assert.deepEqual(outcome(traced), outcome(plain));
  assert.equal(openCapture(t, capture).meta('status'), 'complete');
  return traced;
}

describe('what a Python program sees', { skip: cannotRecord() }, () => {
  const FORMS: [string, string[]][] = [
    ['a script', ['show.py']],
    ['a module', ['-m', 'show']],
    ['a package', ['-m', 'tool']],
    ['a module in the word of the option', ['-mtool']],
    ['code', ['-c', SHOW]],
    ['code in the word of the option', [`-c${SHOW}`]],
  ];
  for (const [name, words] of FORMS) {
    test(`${name}: arguments, path, flags and modules are those of plain python`, async (t) => {
      const folder = programFolder(t);
      const { stdout } = await compareWithPlain(t, folder, [...words, ...TRICKY]);
      assert.ok(stdout.includes("b'--output=x', b'-m', b'other'"), stdout);
      assert.ok(stdout.includes(String.raw`b'na\xc3\xafve', b'--no-such-option']`), stdout);
      assert.deepEqual(
        readdirSync(folder).filter((file) => file.endsWith('.db') || file === 'x'),
        [],
      );
    });
  }

  test('options of mp may be in one word with -m and -c', async (t) => {
    const folder = programFolder(t);
    const args = ['run', '--python', python(), '-o', join(folder, 'c.db'), '-qfm', 'tool', '-q'];
    const module = await mp(t, args, { cwd: folder });
    assert.match(module.stdout, /__main__\.py', b'-q'\]/);
    assert.equal(module.stderr, '');
    const code = 'import sys; print(sys.argv)';
    const finished = await mp(t, ['run', '--python', python(), '-o', join(folder, 'd.db'), `-qc${code}`, '-f']);
    assert.deepEqual([finished.code, finished.stdout, finished.stderr], [0, "['-c', '-f']\n", '']);
  });

  test('arguments that are not UTF-8 keep their bytes', async (t) => {
    const folder = programFolder(t);
    const code = 'import os, sys; print([os.fsencode(word) for word in sys.argv])';
    const forms = ['show.py "$word"', '-mtool "$word"', '-c "$code" "$word"', '-m "$word"', '-m"$word"'];
    for (const [index, form] of forms.entries()) {
      const run = (command: string) => {
        const script = `word=$(printf 'caf\\351'); exec ${command} ${form}`;
        return start(t, 'sh', ['-c', script], { cwd: folder, env: { ...process.env, code } }).finished;
      };
      const plain = await run(python());
      const traced = await run(`${MP} run -q --python ${python()} -o ${join(folder, `${index}.db`)}`);
      assert.deepEqual(outcome(traced), outcome(plain));
      assert.match(plain.stdout + plain.stderr, /caf(\\xe9|\\udce9)/, form);
    }
  });

  test('python3 is looked up in PATH', async (t) => {
    const folder = programFolder(t);
    writeFileSync(join(folder, 'python3'), '#!/bin/sh\necho "$0" "$@"\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    for (const words of [
      ['show.py', '-m'],
      ['-m', 'tool', '-c'],
      ['-c', 'print()', '-q'],
    ]) {
      const finished = await mp(t, ['run', '-q', '-f', '-o', join(folder, 'c.db'), ...words], { env });
      assert.deepEqual([finished.code, finished.stdout], [0, `${folder}/python3 ${words.join(' ')}\n`]);
    }
  });
});

describe('how a Python program ends', { skip: cannotRecord() }, () => {
  const ENDINGS: [Form, string, Partial<Outcome>][] = [
    ['a script', 'print("done")', { code: 0, stdout: 'done\n' }],
    ['-m', 'import sys; sys.exit(3)', { code: 3 }],
    ['-c', 'import sys; sys.exit("no input")', { code: 1, stderr: 'no input\n' }],
    ['a script', 'import os; os._exit(7)', { code: 7 }],
    ['a script', 'def fail():\n  raise ValueError("odd")\nfail()', { code: 1 }],
    ['-m', 'raise ValueError("odd")', { code: 1 }],
    ['-c', 'raise KeyboardInterrupt', { signal: 'SIGINT' }],
    ['-m', 'import os; os.kill(os.getpid(), 15)', { signal: 'SIGTERM' }],
    ['a script', 'import os; os.abort()', { signal: 'SIGABRT' }],
    ['-c', 'not python', { code: 1 }],
  ];
  for (const [form, code, expected] of ENDINGS) {
    test(`${form}: ${code.replaceAll('\n', ' ')}`, async (t) => {
      const folder = programFolder(t);
      const finished = await compareWithPlain(t, folder, wordsOf(form, code, folder));
      assert.deepEqual({ ...finished, ...expected }, finished);
    });
  }

  for (const form of ['a script', '-m', '-c'] as const) {
    test(`Ctrl-C reaches ${form}: KeyboardInterrupt, and the capture is complete`, async (t) => {
      const folder = programFolder(t);
      const path = join(folder, 'capture.db');
      const code = 'import mmap, time\nkept = mmap.mmap(-1, 54321)\nopen("ready", "w").close()\ntime.sleep(30)\n';
      const args = ['run', '-q', '--python', python(), '-o', path, ...wordsOf(form, code, folder)];
      const tracer = start(t, MP, args, { cwd: folder, detached: true });
      await until('the program to wait', () => existsSync(join(folder, 'ready')));
      process.kill(-tracer.pid, 'SIGINT');
      const finished = await tracer.finished;
      assert.deepEqual([finished.code, finished.signal], [null, 'SIGINT']);
      assert.match(finished.stderr, /^Traceback [\s\S]*\nKeyboardInterrupt\n$/);
      const capture = openCapture(t, path);
      assert.equal(capture.meta('status'), 'complete');
      assert.deepEqual(
        capture.processes().map((row) => [row.exit_code, row.exit_signal]),
        [[null, 2]],
      );
      const rows = capture.rows('allocations').filter((row) => row.allocator === 'mmap' && row.bytes === 54321);
      assert.equal(rows.length, 1);
      assertNone(capture.inconsistencies());
    });
  }
});

describe('the command line', { skip: cannotRecord() }, () => {
  test('the capture has the name of the script, the module or the interpreter', async (t) => {
    const names: [string[], string][] = [
      [['show.py'], 'show.py'],
      [['-m', 'tool.__main__'], 'tool.__main__'],
      [['-c', 'pass'], basename(python())],
    ];
    for (const [words, name] of names) {
      const folder = programFolder(t);
      const { code } = await mp(t, ['run', '-q', '--python', python(), ...words], { cwd: folder });
      assert.equal(code, 0);
      const [file, ...others] = readdirSync(folder).filter((entry) => entry.endsWith('.db'));
      assert.deepEqual(others, []);
      const capture = openCapture(t, join(folder, file!));
      assert.equal(file, `mp-${name}.${capture.processes()[0]?.pid}.db`);
      assert.ok(capture.meta('command_line')?.startsWith(`${python()} ${words.join(' ')}`));
    }
  });

  const REFUSED: [string, string[], number, RegExp][] = [
    ['nothing to run', ['-q'], 2, /^mp: say what to run: .*-m MODULE or -c CODE\n$/],
    ['-m without a module', ['-m'], 2, /^mp: .*'-m <MODULE>' argument missing/],
    ['-c without code', ['-c'], 2, /^mp: .*'-c <CODE>' argument missing/],
    ['a file as code', ['-c', 'show.py'], 2, /^mp: show\.py .*remove the option -c to run a file\n$/],
    ['no such python', ['--python', 'python9', '-m', 'tool'], 1, /^mp: .*python9.*--python PATH\n$/],
    ['no such python', ['--python', '/nowhere/python3', 'show.py'], 1, /^mp: .*\/nowhere\/python3.*--python PATH\n$/],
    ['no such node', ['--node', 'node9', 'show.js'], 1, /^mp: .*node9.*--node PATH\n$/],
    ['a python that cannot be executed', ['--python', './show.py', '-c', '1'], 1, /^mp: cannot run \.\/show\.py: Perm/],
  ];
  for (const [name, words, code, message] of REFUSED) {
    test(`${name}: mp run ${words.join(' ')}`, async (t) => {
      const folder = programFolder(t);
      const finished = await mp(t, ['run', ...words], { cwd: folder });
      assert.equal(finished.code, code, finished.stderr);
      assert.match(finished.stderr, message);
      assert.equal(finished.stdout, '');
      assert.deepEqual(readdirSync(folder).sort(), ['show.py', 'tool']);
    });
  }

  test('a module that does not exist is told by python itself', async (t) => {
    const folder = programFolder(t);
    const finished = await compareWithPlain(t, folder, ['-m', 'no_such_module', '-q']);
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, /No module named no_such_module\n$/);
  });

  test("--help shows the forms, and behind a module is the module's", async (t) => {
    const help = await mp(t, ['run', '-q', '--help']);
    assert.match(help.stdout, /mp run \[options\] -m <module> \[args…\]\n/);
    assert.match(help.stdout, /mp run \[options\] -c <code> \[args…\]\n/);
    assert.match(help.stdout, /Examples:[\s\S]* mp run -m /);
    const finished = await compareWithPlain(t, scratchFolder(t), ['-m', 'zipfile', '--help']);
    assert.match(finished.stdout, /usage: .*zipfile/i);
  });
});
