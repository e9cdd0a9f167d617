import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cutEnd,
  cutStart,
  formatBytes,
  formatCount,
  formatDuration,
  formatExactBytes,
  formatPercent,
  formatPlural,
  printable,
  shortenPath,
  wrap,
} from '../../../src/util/format.ts';
import { renderTable } from '../../../src/util/table.ts';

test('sizes have binary units and three decimals', () => {
  const expected: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.000 KiB'],
    [1293942, '1.234 MiB'],
    [1024 ** 3 * 5.5, '5.500 GiB'],
    [1024 ** 2 - 1, '1023.999 KiB'],
    [1024 ** 3 - 1, '1.000 GiB'],
    [1024 ** 2 - 10, '1023.990 KiB'],
  ];
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
  assert.equal(formatExactBytes(1293942), '1.234 MiB (1,293,942 bytes)');
  assert.equal(formatExactBytes(12), '12 B');
});

test('counts, shares and durations', () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.deepEqual([formatPlural(1, 'allocation'), formatPlural(2000, 'stack')], ['1 allocation', '2,000 stacks']);
  assert.deepEqual([formatPercent(1, 3), formatPercent(0, 0), formatPercent(3, 3)], ['33.33%', '0.00%', '100.00%']);
  const times = [0, 350e6, 999.6e6, 12.345e9, 59.996e9, 83e9, 3599.6e9, 7500e9].map(formatDuration);
  assert.deepEqual(times, ['0 ms', '350 ms', '1.00 s', '12.35 s', '1 min 0 s', '1 min 23 s', '1 h 0 min', '2 h 5 min']);
});

test('what a target chose has no power over the terminal', () => {
  assert.equal(printable('a\x1b[2Jb\nc\u0007'), 'a\\x1b[2Jb\\x0ac\\x07');
  assert.equal(printable('evil\u202etxt'), 'evil\\u202etxt');
  assert.equal(printable('grüße 漢字'), 'grüße 漢字');
});

test('paths keep their end', () => {
  assert.equal(shortenPath('/usr/src/app/lib/pool.c:12', 40), '/usr/src/app/lib/pool.c:12');
  assert.equal(shortenPath('/usr/src/app/lib/pool.c:12', 16), '…/lib/pool.c:12');
  assert.equal(shortenPath('/usr/src/app/lib/pool.c:12', 8), '…ol.c:12');
  const module = 'node:internal/process/task_queues:95';
  assert.deepEqual(
    [36, 35, 22, 12, 11].map((width) => shortenPath(module, width)),
    [module, 'node:…/process/task_queues:95', 'node:…/task_queues:95', 'node:…ues:95', '…_queues:95'],
  );
  assert.deepEqual([cutEnd('abcdef', 5), cutStart('abcdef', 5), cutEnd('abc', 3)], ['abcd…', '…cdef', 'abc']);
});

test('sentences break at spaces', () => {
  assert.deepEqual(wrap('one two three', 8, '  '), ['one two', '  three']);
  assert.deepEqual(wrap('unbreakable word', 5), ['unbreakable', 'word']);
});

test('a table fits its width when its texts can give way', () => {
  const columns = [
    { title: 'Size of it', align: 'right' as const },
    { title: 'Function', shorten: cutEnd },
    { title: 'File', shorten: shortenPath },
  ];
  const rows = [
    ['1 B', 'f'.repeat(50), '/a/very/long/path/to/some/file.c:100'],
    ['10.000 KiB', 'g', 'x.c:1'],
  ];
  for (const width of [60, 45, 40]) {
    const table = renderTable(columns, rows, width);
    for (const line of [...table.titles, table.rule, ...table.rows]) assert.ok([...line].length <= width, line);
    assert.match(table.rows[1]!, /^10\.000 KiB {2}g +x\.c:1$/);
    assert.match(table.rows[0]!, /^ +1 B {2}f+…/);
  }
  const wide = renderTable(columns, rows, 200);
  assert.equal(wide.titles.length, 1);
  assert.ok(wide.rows[0]!.includes('f'.repeat(50)));
});

test('long titles break before texts are cut', () => {
  const { titles } = renderTable(
    [{ title: 'Own Memory %' }, { title: 'Name', shorten: cutEnd }],
    [['1%', 'n'.repeat(30)]],
    38,
  );
  assert.deepEqual(titles, ['Own', 'Memory', '%       Name']);
});
