/** `mp run` of a JavaScript file: the program can't tell it from `node …`. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** All that a program can find out about how it was started. */
const SHOW = `
const words = fs.readFileSync('/proc/self/cmdline', 'latin1').split('\\0');
const { argv, argv0, execArgv, execPath, title, env, features, report } = process;
console.log(JSON.stringify([words, argv, argv0, execArgv, execPath, title, process.cwd(), Error.stackTraceLimit]));
console.log(JSON.stringify(Object.entries(env)), process.stdin.isTTY, process.channel, process.listenerCount('SIGINT'));
`;
const COMMONJS = `const fs = require('node:fs'); ${SHOW} console.log(require.main === module, __filename);`;
const MODULE = `import fs from 'node:fs'; ${SHOW} console.log(import.meta.url);`;

/** Words that mp and node would understand if they stood before the program. */
const TRICKY = ['-q', '--output=x', '-c', '1', '-e', '1', '--', '-', '', '--help', 'naïve', '--expose-gc', '--no-such'];

/** It takes seconds to find the names of all functions with which Node starts: for tests that are not about them. */
const BRIEFLY = ['--duration', '0.001'];

/** A folder with show.js, show.mjs and show.cjs, to be the working directory. */
function programFolder(t: TestContext): string {
  const folder = scratchFolder(t);
  for (const name of ['show.js', 'show.cjs']) writeFileSync(join(folder, name), COMMONJS);
  writeFileSync(join(folder, 'show.mjs'), MODULE);
  return folder;
}

/** An executable that prints its name and arguments, in brackets. */
function makeEcho(path: string): void {
  writeFileSync(path, `#!/bin/sh\nprintf '[%s]' "$0" "$@"\n`, { mode: 0o755 });
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

/** Runs `node WORDS` with and without mp; both must do the same. */
async function compareWithPlain(
  t: TestContext,
  folder: string,
  words: string[],
  env?: NodeJS.ProcessEnv,
): Promise<Finished> {
  const capture = join(scratchFolder(t), 'capture.db');
  const where = { cwd: folder, env: { ...process.env, ...env } };
  const plain = await start(t, 'node', words, where).finished;
  const traced = await mp(t, ['run', '-q', '-o', capture, ...BRIEFLY, ...words], where);
  assert.deepEqual(outcome(traced), outcome(plain));
  assert.equal(openCapture(t, capture).meta('status'), 'complete');
  return traced;
}

describe('what a Node program sees', { skip: cannotRecord() }, () => {
  test('a module: arguments, options, variables and streams are those of plain node', async (t) => {
    const folder = programFolder(t);
    const env = { NODE_OPTIONS: '--stack-trace-limit=7  --no-warnings', NODE_PATH: '/nowhere', NODE_ENV: 'test' };
    const { stdout } = await compareWithPlain(t, folder, ['show.mjs', ...TRICKY], env);
    assert.ok(stdout.includes(JSON.stringify([join(folder, 'show.mjs'), ...TRICKY]).slice(1)), stdout);
    assert.ok(stdout.includes(JSON.stringify(['NODE_OPTIONS', env.NODE_OPTIONS])), stdout);
    assert.match(stdout, /,7\]\n/);
    assert.deepEqual(readdirSync(folder).sort(), ['show.cjs', 'show.js', 'show.mjs']);
  });

  test('what Node heeds is heeded by the program alone: options, and the channel to its parent', async (t) => {
    const folder = programFolder(t);
    // A title overwrites the arguments of the process.
    writeFileSync(join(folder, 'early.cjs'), 'console.error(process.argv.slice(1)); process.title = "early";');
    const { stderr } = await compareWithPlain(t, folder, ['show.cjs', 'x'], { NODE_OPTIONS: '--require ./early.cjs' });
    assert.equal(stderr, `[ '${join(folder, 'show.cjs')}', 'x' ]\n`);
    writeFileSync(join(folder, 'answer.js'), 'process.once("message", (text) => process.send(text + " answered"));');
    const child = spawn(MP, ['run', '-q', '-f', '-o', 'c.db', ...BRIEFLY, 'answer.js'], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const ended = once(child, 'exit');
    child.send('question');
    assert.deepEqual((await Promise.race([once(child, 'message'), ended]))[0], 'question answered');
    assert.deepEqual(await ended, [0, null]);
    clearTimeout(limit);
  });

  test('a script, with arguments that are not UTF-8', async (t) => {
    const folder = programFolder(t);
    const run = (command: string) =>
      start(t, 'sh', ['-c', `exec ${command} show.cjs "$(printf 'caf\\351')" -q`], { cwd: folder }).finished;
    const plain = await run('node');
    const traced = await run(`${MP} run -q ${BRIEFLY.join(' ')} -o capture.db`);
    assert.deepEqual(outcome(traced), outcome(plain));
    assert.ok(traced.stdout.includes('"show.cjs","caf\u00e9","-q"'), traced.stdout);
    assert.match(traced.stdout, /true .*\/show\.cjs\n$/);
  });

  test('node is looked up in PATH and gets the script and what stands behind it', async (t) => {
    const folder = programFolder(t);
    makeEcho(join(folder, 'node'));
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, MP_NODE: process.execPath };
    for (const script of ['show.js', './show.mjs', join(folder, 'show.cjs')]) {
      const finished = await mp(t, ['run', '-q', '-f', '-o', join(folder, 'c.db'), script, '-f', '--node', 'x'], {
        env,
      });
      assert.deepEqual([finished.code, finished.stdout], [0, `[${folder}/node][${script}][-f][--node][x]`]);
    }
  });

  test('--node: a path, also a relative one, or a name in PATH', async (t) => {
    const folder = programFolder(t);
    makeEcho(join(folder, 'my-node'));
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    for (const [node, name] of [
      ['./my-node', './my-node'],
      ['my-node', join(folder, 'my-node')],
    ] as const) {
      const args = ['run', '-q', '-f', '-o', 'c.db', '--node', node, 'show.js', 'x'];
      const finished = await mp(t, args, { cwd: folder, env });
      assert.deepEqual([finished.code, finished.stdout], [0, `[${name}][show.js][x]`]);
    }
    symlinkSync(process.execPath, join(folder, 'real-node'));
    const args = ['run', '-q', '-f', '-o', 'c.db', ...BRIEFLY, '--node=./real-node', 'show.js', 'x'];
    const real = await mp(t, args, { cwd: folder });
    assert.ok(real.stdout.startsWith('[["./real-node","show.js","x",""]'), real.stdout);
  });

  test('an executable script: the name decides, as for Python; without one its first line does', async (t) => {
    const folder = programFolder(t);
    const script = `#!/usr/bin/env node\n${COMMONJS}`;
    writeFileSync(join(folder, 'tool'), script, { mode: 0o755 });
    writeFileSync(join(folder, 'tool.js'), script.replace('env node', 'false'), { mode: 0o755 });
    makeEcho(join(folder, 'my-node'));
    const run = (...words: string[]) =>
      mp(t, ['run', '-q', '-f', '-o', 'c.db', ...BRIEFLY, '--node', './my-node', ...words], { cwd: folder });
    assert.equal((await run('./tool.js', 'x')).stdout, '[./my-node][./tool.js][x]');
    const finished = await run('./tool', 'x');
    assert.ok(finished.stdout.startsWith('[["node","./tool","x",""]'), finished.stdout);
    assert.equal(finished.code, 0);
  });
});

describe('how a Node program ends', { skip: cannotRecord() }, () => {
  const ENDINGS: [string, string, Partial<Outcome>][] = [
    ['end.cjs', 'function fail() { throw new Error("odd") }\nfail();', { code: 1 }],
    ['end.mjs', 'console.log("waiting"); await new Promise(() => {});', { code: 13, stdout: 'waiting\n' }],
    ['end.js', 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 9999)', { signal: 'SIGTERM' }],
  ];
  for (const [file, code, expected] of ENDINGS) {
    test(`${file}: ${code.replaceAll('\n', ' ')}`, async (t) => {
      const folder = scratchFolder(t);
      writeFileSync(join(folder, file), code);
      const finished = await compareWithPlain(t, folder, [file]);
      assert.deepEqual({ ...finished, ...expected }, finished);
    });
  }

  test('Ctrl-C reaches its handler, and the capture is complete to the last allocation', async (t) => {
    const folder = scratchFolder(t);
    const path = join(folder, 'capture.db');
    const code = `
      const kept = [Buffer.alloc(54321)];
      process.on('SIGINT', () => { kept.push(Buffer.alloc(65432)); process.exit(7); });
      require('fs').writeFileSync('ready', '');
      setTimeout(() => {}, 30_000);`;
    writeFileSync(join(folder, 'wait.js'), code);
    const tracer = start(t, MP, ['run', '-q', '-o', path, 'wait.js'], { cwd: folder, detached: true });
    await until('the program to wait', () => existsSync(join(folder, 'ready')));
    process.kill(-tracer.pid, 'SIGINT');
    const finished = await tracer.finished;
    assert.deepEqual(outcome(finished), { code: 7, signal: null, stdout: '', stderr: '' });
    const capture = openCapture(t, path);
    assert.equal(capture.meta('status'), 'complete');
    assert.deepEqual(
      capture.processes().map((row) => [row.exit_code, row.exit_signal]),
      [[7, null]],
    );
    for (const size of [54321, 65432]) {
      const rows = capture.rows('allocations').filter((row) => row.bytes === size);
      assert.deepEqual(
        rows.map((row) => row.allocator),
        ['calloc'],
      );
    }
    assertNone(capture.inconsistencies());
  });
});

describe('the command line', { skip: cannotRecord() }, () => {
  test('the capture has the name of the script', async (t) => {
    const folder = programFolder(t);
    makeEcho(join(folder, 'my-node'));
    const { code } = await mp(t, ['run', '-q', '--node', './my-node', './show.mjs', 'x'], { cwd: folder });
    assert.equal(code, 0);
    const file = readdirSync(folder).find((entry) => entry.endsWith('.db'))!;
    const capture = openCapture(t, join(folder, file));
    assert.equal(file, `mp-show.mjs.${capture.processes()[0]?.pid}.db`);
    assert.equal(capture.meta('command_line'), './my-node ./show.mjs x');
  });

  const REFUSED: [string, string[], number, RegExp][] = [
    ['no such name', ['--node', 'node9'], 1, /^mp: No such program: node9; give .* --node PATH\n$/],
    ['no such file', ['--node', './node9'], 1, /^mp: No such program: \.\/node9; give .* --node PATH\n$/],
    ['a file that cannot be executed', ['--node', './show.cjs'], 1, /^mp: cannot run \.\/show\.cjs: Permission .*\n$/],
    ['a folder', ['--node', './'], 1, /^mp: cannot run \.\/: Permission denied\n$/],
    ['an empty path', ['--node', ''], 2, /^mp: .*'--node <PATH>' argument '' is invalid\. Give a path/],
  ];
  for (const [name, words, code, message] of REFUSED) {
    test(`${name}: mp run ${words.join(' ')} show.js`, async (t) => {
      const folder = programFolder(t);
      const finished = await mp(t, ['run', ...words, 'show.js'], { cwd: folder });
      assert.equal(finished.code, code, finished.stderr);
      assert.match(finished.stderr, message);
      assert.equal(finished.stdout, '');
      assert.deepEqual(readdirSync(folder).sort(), ['show.cjs', 'show.js', 'show.mjs']);
    });
  }

  test('a script that does not exist is told by node itself', async (t) => {
    const finished = await compareWithPlain(t, scratchFolder(t), ['no-such.mjs', '-q']);
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, /Cannot find module .*no-such\.mjs/);
  });

  test('--help shows --node and an example of it', () => {
    const help = execFileSync(MP, ['run', '--help'], { encoding: 'utf8' });
    assert.match(help, /--node <PATH> .*\.js, \.mjs and \.cjs/);
    assert.match(help, /Examples:[\s\S]* mp run --node \S+ \S+\.mjs/);
  });
});
