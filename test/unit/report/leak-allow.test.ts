import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllowed, ruleFor } from '../../../src/report/leak-allow.ts';
import type { FrameRow } from '../../../src/report/source.ts';

const frame = (parts: Partial<FrameRow>): FrameRow => ({
  ...{ id: 1, function: null, file: null, line: null, language: 'native', module: null, inlined: 0 },
  ...parts,
});

const matches = (pattern: string, text: string) => parseAllowed(`leak:${pattern}`, 'f')[0]!.matches(text);

test('rules are lines, comments and empty lines are none', () => {
  const rules = parseAllowed('# known\n\n  leak:a\r\nleak:b c\n', 'f');
  assert.deepEqual(
    rules.map((rule) => rule.pattern),
    ['a', 'b c'],
  );
  assert.throws(() => parseAllowed('leak:a\nthread:b', 'allow.txt'), {
    message: 'allow.txt:2 is not of the form leak:PATTERN: thread:b',
  });
  assert.throws(() => parseAllowed('leak:', 'f'), { name: 'UserError' });
});

test('a pattern is a part of a name; ^ and $ are its ends, * is anything', () => {
  for (const [pattern, text, expected] of [
    ['init', 'my_init_all', true],
    ['init', 'inti', false],
    ['^init', 'init_all', true],
    ['^init', 'my_init', false],
    ['init$', 'my_init', true],
    ['init$', 'init_all', false],
    ['^init$', 'init', true],
    ['^init$', 'init2', false],
    ['a*c', 'xxabbcxx', true],
    ['a*c', 'xxcba', false],
    ['^a*b*c$', 'a-b-b-c', true],
    ['^a*b*c$', 'a-b-cd', false],
    ['^ab*ba$', 'aba', false],
    ['*', '', true],
    ['(x)[1]', 'f(x)[1]', true],
    ['.', 'ab', false],
  ] as const)
    assert.equal(matches(pattern, text), expected, `${pattern} ${text}`);
});

test('a hostile name does not make it slow', () => {
  const started = process.cpuUsage().user;
  assert.equal(matches(`${'a*'.repeat(20)}b$`, 'a'.repeat(100_000)), false);
  assert.ok(process.cpuUsage().user - started < 1e6);
});

test('functions, files and modules of any frame count', () => {
  const stack = [
    frame({ function: 'leaf' }),
    frame({ file: '/src/cache.c' }),
    frame({ module: '/usr/lib/libfoo.so.1' }),
  ];
  const rule = (text: string) => ruleFor(parseAllowed(text, 'f'), stack)?.pattern;
  assert.equal(rule('leak:cache.c'), 'cache.c');
  assert.equal(rule('leak:libfoo.so'), 'libfoo.so');
  assert.equal(rule('leak:none\nleak:leaf\nleak:cache'), 'leaf');
  assert.equal(rule('leak:none'), undefined);
  assert.equal(ruleFor(parseAllowed('leak:*', 'f'), []), undefined);
});
