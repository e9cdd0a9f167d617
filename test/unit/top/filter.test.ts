import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Filter, passes } from '../../../src/top/filter.ts';
import { formatMetric } from '../../../src/top/metric.ts';
import { formatFilename, formatSize, formatTimestamp, paintOf } from '../../../src/top/text.ts';

const frame = (file: string | null, line: number | null) => ({
  file,
  line,
  function: null,
  module: null,
  language: 'python',
});
const TRACEBACK = [frame('/srv/app/json/decode.py', 12), frame('/srv/app/main.py', 3)];

test('the only joker is *', () => {
  const matches = (pattern: string, file: string) => new Filter(true, pattern).match(file, 1);
  assert.ok(matches('/srv/*.py', '/srv/app/main.py'));
  assert.ok(matches('*main*', '/srv/app/main.py'));
  assert.ok(!matches('/srv/?.py', '/srv/a.py'));
  assert.ok(!matches('/srv/[a].py', '/srv/a.py'));
  assert.ok(!matches('a.py', 'abpy'));
  assert.ok(matches('a.pyc', 'a.py'));
  assert.ok(matches('a.py', 'a.pyo'));
});

test('frames and lines', () => {
  assert.ok(new Filter(true, '*decode.py', 12).matchTraceback(TRACEBACK));
  assert.ok(!new Filter(true, '*decode.py', 13).matchTraceback(TRACEBACK));
  assert.ok(!new Filter(true, '*main.py').matchTraceback(TRACEBACK));
  assert.ok(new Filter(true, '*main.py', null, true).matchTraceback(TRACEBACK));
  assert.ok(!new Filter(false, '*main.py', 3, true).matchTraceback(TRACEBACK));
  assert.ok(new Filter(false, '*main.py', 4, true).matchTraceback(TRACEBACK));
});

test('some including filter and every excluding one', () => {
  const including = [new Filter(true, '*/json/*'), new Filter(true, '*/xml/*')];
  assert.ok(passes(including, TRACEBACK));
  assert.ok(!passes([...including, new Filter(false, '*decode*')], TRACEBACK));
  assert.ok(passes([new Filter(false, '*decode*', 1)], TRACEBACK));
  assert.ok(!passes(including, []));
  assert.ok(passes([new Filter(false, '*')], []));
});

test('sizes, shares and names', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [5119, '5119 B'],
    [5120, '5 KiB'],
    [1572864, '1536 KiB'],
    [5 * 2 ** 20, '5 MiB'],
    [2 ** 52, '4096 TiB'],
    [2 ** 60, '1048576 TiB'],
  ] as const)
    assert.equal(formatSize(bytes), text);
  assert.equal(formatSize(-6144, true), '-6 KiB');
  assert.equal(formatSize(0, true), '+0 B');
  assert.equal(formatMetric(0.042, 'percent'), '4.2%');
  assert.equal(formatMetric(-0.01, 'percent', true), '-1.0%');
  assert.equal(formatMetric(709, 'int', true), '+709');
  const plain = paintOf(false);
  assert.equal(formatFilename('/a/b/c/d.py', 3, plain), '.../b/c/d.py');
  assert.equal(formatFilename('b/c/d.py', 3, plain), 'b/c/d.py');
  assert.equal(formatFilename('', 3, plain), '???');
  assert.match(formatTimestamp(new Date()), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
});
