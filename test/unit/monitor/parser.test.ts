import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Expression, parseStatement } from '../../../src/monitor/parser.ts';
import { MAX_LINE } from '../../../src/monitor/tokens.ts';
import { UserError } from '../../../src/util/errors.ts';

/** Fully bracketed, so that one sees what binds. */
function written(e: Expression): string {
  switch (e.kind) {
    case 'name':
      return e.name;
    case 'value':
      return JSON.stringify(e.value);
    case 'list':
      return `[${e.items.map(written).join(', ')}]`;
    case 'attribute':
      return `${written(e.of)}.${e.name}`;
    case 'call':
      return `${written(e.of)}(${e.args.map(written).join(', ')})`;
    case 'item':
      return `${written(e.of)}[${written(e.index)}]`;
    case 'slice':
      return `${written(e.of)}[${e.from ? written(e.from) : ''}:${e.to ? written(e.to) : ''}]`;
    case 'unary':
      return `(${e.operator}${written(e.of)})`;
    case 'binary':
      return `(${written(e.left)} ${e.operator} ${written(e.right)})`;
  }
}

function parsed(line: string): string {
  const statement = parseStatement(line);
  if (statement.kind === 'nothing') return '';
  if (statement.kind === 'delete') return `del ${statement.name}`;
  return `${statement.kind === 'assign' ? `${statement.name} = ` : ''}${written(statement.of)}`;
}

test('chains, calls, indexes and slices', () => {
  assert.equal(parsed('hp.heap().byrcs[0].shpaths'), 'hp.heap().byrcs[0].shpaths');
  assert.equal(parsed("hp.iso(0x7f12, 'app.cache',)"), 'hp.iso(32530, "app.cache")');
  assert.equal(parsed('h[1:-2]'), 'h[1:(-2)]');
  assert.equal(parsed('h[:]  # all'), 'h[:]');
  assert.equal(parsed('[1, [2.5], []]'), '[1, [2.5], []]');
  assert.equal(parsed('h [ 0 ] . more'), 'h[0].more');
});

test('operators bind as in Python', () => {
  assert.equal(parsed('a | b & c - d ^ e'), '(a | ((b & (c - d)) ^ e))');
  assert.equal(parsed('a - b - c'), '((a - b) - c)');
  assert.equal(parsed('~a.b & -c[0]'), '((~a.b) & (-c[0]))');
  assert.equal(parsed('(a | b) & c'), '((a | b) & c)');
});

test('assignments and deletions', () => {
  assert.equal(parsed('a = hp.heap()'), 'a = hp.heap()');
  assert.equal(parsed('del a'), 'del a');
  assert.equal(parsed('   '), '');
  assert.equal(parsed('# nothing'), '');
  assert.equal(parsed('delta'), 'delta');
});

test('strings have escapes', () => {
  assert.equal(parsed(String.raw`'it\'s\n' "\"\\"`.split(' ')[0]!), JSON.stringify("it's\n"));
  assert.equal(parsed(String.raw`"\"\\"`), JSON.stringify('"\\'));
});

test('a mistake is said with its column', () => {
  const saying = (line: string, message: RegExp) =>
    assert.throws(
      () => parseStatement(line),
      (error) => error instanceof UserError && message.test(error.message),
      line,
    );
  saying('hp.', /the line ends at column 4, where a name is expected/);
  saying('hp.heap(', /the line ends at column 9, where a name, a number or a string is expected/);
  saying('h[0', /the line ends at column 4, where \] is expected/);
  saying('a b', /b is at column 3, where the end of the line is expected/);
  saying('a = = b', /= is at column 5/);
  saying('1 = 2', /= is at column 3/);
  saying('del', /a name is expected/);
  saying("'open", /a string without its end at column 1/);
  saying('a @ b', /unexpected @ at column 3/);
  saying('a\x1b', /unexpected/);
  saying('import os; os.system("x")', /at column/);
  saying('99999999999999999999', /too large/);
  saying('\u{1f600}', /unexpected \u{1f600} at column 1/u);
});

test('hostile lines end in a sentence, whatever their nesting', () => {
  const hostile = ['(', '[', '-', '~', 'f(', 'a[', 'a.', "'", '"\\', '|', '((((]]]', '`', '${', '\u202e', '\0', '0x'];
  for (const part of hostile) {
    for (const count of [1, 50, 101, MAX_LINE / 2, 100_000]) {
      const line = part.repeat(count);
      assert.throws(() => parseStatement(line), UserError, `${part} × ${count}`);
    }
  }
  assert.throws(() => parseStatement(`a${' '.repeat(MAX_LINE)}`), UserError);
});

test('random lines are parsed, or refused in a sentence', () => {
  const words = [
    'a',
    'hp',
    '.',
    '(',
    ')',
    '[',
    ']',
    ':',
    ',',
    '&',
    '|',
    '-',
    '~',
    '=',
    '1',
    '0x1f',
    "'s'",
    'del',
    ' ',
    '#',
    '\\',
  ];
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  let good = 0;
  for (let i = 0; i < 20_000; i++) {
    const line = Array.from({ length: 1 + random(12) }, () => words[random(words.length)]).join('');
    try {
      parsed(line);
      good++;
    } catch (error) {
      assert.ok(error instanceof UserError, line);
    }
  }
  assert.ok(good > 500, `${good} lines were good`);
});
