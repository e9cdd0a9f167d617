import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, endOptionsAtProgram, resolveProgram } from '../../../src/cli/commands/run.ts';
import { UserError } from '../../../src/util/errors.ts';

const INTERPRETERS = { python: '/opt/python3.12', node: 'node' };

test('a file runs as it is, a script under its interpreter', () => {
  assert.deepEqual(resolveProgram(['./app', '-q'], INTERPRETERS), { added: [], given: ['./app', '-q'], name: 'app' });
  const script = resolveProgram(['work/script.py', '-m', 'x'], INTERPRETERS);
  assert.deepEqual(script, { added: ['/opt/python3.12'], given: ['work/script.py', '-m', 'x'], name: 'script.py' });
  for (const file of ['a.js', 'a.mjs', 'a.cjs'])
    assert.deepEqual(resolveProgram([file], INTERPRETERS), { added: ['node'], given: [file], name: file });
  const options = { ...INTERPRETERS, node: './node-24/bin/node' };
  const module = resolveProgram(['lib/server.mjs', '--node', 'x'], options);
  assert.deepEqual(module, {
    added: ['./node-24/bin/node'],
    given: ['lib/server.mjs', '--node', 'x'],
    name: 'server.mjs',
  });
  // Also what other programs run: ts-node, deno, an executable of that name.
  for (const file of ['./a.ts', 'a.mts', 'js', '.js', 'a.json', 'a.js.gz'])
    assert.deepEqual(resolveProgram([file], INTERPRETERS).added, []);
});

test('a module and code run under python', () => {
  const module = resolveProgram(['8000'], { ...INTERPRETERS, m: 'http.server' });
  assert.deepEqual(module, { added: ['/opt/python3.12', '-m'], given: ['http.server', '8000'], name: 'http.server' });
  const code = resolveProgram([], { ...INTERPRETERS, c: 'print(1)' });
  assert.deepEqual(code, { added: ['/opt/python3.12', '-c'], given: ['print(1)'], name: 'python3.12' });
});

test('nothing to run, and a file given as code, are usage errors', () => {
  const isUsageError = (error: unknown) => error instanceof UserError && error.exitCode === 2;
  assert.throws(() => resolveProgram([], INTERPRETERS), isUsageError);
  assert.throws(() => resolveProgram([], { ...INTERPRETERS, c: import.meta.filename }), isUsageError);
});

test('options end behind a module and behind code', () => {
  const takesValue = (flag: string) => ['-o', '-m', '-c', '--python'].includes(flag);
  const end = (line: string) => endOptionsAtProgram(line.split(' '), takesValue).join(' ');
  assert.equal(end('-q -m module -q x'), '-q -m module -- -q x');
  assert.equal(end('-o -m -m module -m'), '-o -m -m module -- -m');
  assert.equal(end('-qo file -fcpass -f'), '-qo file -fcpass -- -f');
  assert.equal(end('-ofile -qm module -- x'), '-ofile -qm module -- -- x');
  assert.equal(end('--python -c --quiet -mmodule'), '--python -c --quiet -mmodule --');
  assert.equal(end('--output=-m -c -- -c'), '--output=-m -c -- -- -c');
});

test('words of a program, and an incomplete option, are left alone', () => {
  const takesValue = (flag: string) => ['-o', '-m', '-c'].includes(flag);
  for (const line of ['program -m module', '-q -- -m module', '- -m module', '-5 -m module', '-q -m', '-o', '']) {
    const words = line.split(' ').filter(Boolean);
    assert.deepEqual(endOptionsAtProgram(words, takesValue), words);
  }
});

test('arguments keep their bytes, also in the word of an option', () => {
  const latin1 = (words: string[]) => words.map((word) => Buffer.from(word, 'latin1'));
  const bytes = (given: string[], line: string[]) =>
    bytesOf(given, latin1(line)).map((word) => word.toString('latin1'));
  const broken = Buffer.from('caf\xe9', 'latin1').toString();
  assert.deepEqual(bytes(['mod', broken], ['node', 'run', '-m', 'mod', 'caf\xe9']), ['mod', 'caf\xe9']);
  assert.deepEqual(bytes([broken, '', '-q'], ['run', '-qccaf\xe9', '', '-q']), ['caf\xe9', '', '-q']);
  assert.deepEqual(bytes(['-mx'], ['run', '-m', '-mx']), ['-mx']);
});
