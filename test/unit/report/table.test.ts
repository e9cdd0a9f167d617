import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TablePageData, TablePageRow } from '../../../src/report/page/table-format.ts';
import { PAGE_ROWS, pageOf, visibleRows } from '../../../src/report/page/table-state.ts';
import { tableJson, tableRows } from '../../../src/report/table.ts';
import { tablePage } from '../../../src/report/table-page.ts';
import { CaptureFixture, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture } from './command.ts';

const ASSETS = { style: '', script: '' };
const ALL = { by: null, maxRows: Number.POSITIVE_INFINITY };

test('rows are what SQL gives for the view', (t) => {
  const capture = openCapture(t, smallCapture);
  const rows = tableRows(capture, { ...HIGH_WATERMARK, view: 'allocations' }, null);
  assert.deepEqual(
    rows.map((row) => [row.bytes, row.allocations, row.allocator, row.function, row.line, row.module]),
    [
      [3145728, 3, 'calloc', LONG_NAME, 446, '/usr/bin/app'],
      [4096, 1, 'mmap', null, null, null],
      [1600, 100, 'malloc', 'strdup', null, '/usr/lib/x86_64-linux-gnu/libc.so.6'],
      [1000, 10, 'malloc', 'load', 20, '/usr/bin/app'],
      [64, 2, 'malloc', 'handler', 5, null],
    ],
  );
});

test('stacks with one innermost frame are one row; threads split it', (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    const process = fixture.process({ pid: 9 });
    const leaf = fixture.frame({ function: 'leaf', file: 'l.c', line: 1 });
    const stacks = ['a', 'b'].map((name) => fixture.stack(fixture.frame({ function: name }), leaf));
    for (const [i, stack] of stacks.entries()) {
      const thread = fixture.thread(process, 9 + i, `t${i}`);
      fixture.site({ process, thread, allocator: 'malloc', stack, all: [1, 8 - i], peak: [1, 8 - i] });
    }
    fixture.close();
  });
  assert.deepEqual(
    tableRows(capture, HIGH_WATERMARK, null).map((row) => [row.bytes, row.allocations]),
    [[15, 2]],
  );
  assert.deepEqual(
    tableRows(capture, HIGH_WATERMARK, 'thread').map((row) => [row.pid, row.tid, row.thread_name, row.bytes]),
    [
      [9, 9, 't0', 8],
      [9, 10, 't1', 7],
    ],
  );
});

test('JSON has the names of the views', (t) => {
  const { rows, selection } = JSON.parse(
    tableJson(openCapture(t, smallCapture), HIGH_WATERMARK, { ...ALL, maxRows: 1 }),
  );
  assert.deepEqual(Object.keys(rows[0]), ['bytes', 'allocations', 'allocator', 'function', 'file', 'line', 'module']);
  assert.equal(rows.length, 1);
  assert.equal(selection.view, 'high_watermark');
});

test('the page carries all rows and can not be broken out of', (t) => {
  const evil = '</script><script>alert(1)</script>';
  const capture = openCapture(t, (path) => smallCapture(path, { meta: { command_line: evil } }));
  const page = tablePage(capture, HIGH_WATERMARK, ALL, ASSETS)!;
  assert.doesNotMatch(page, /<script>alert/);
  const data = JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(page)![1]!) as TablePageData;
  assert.equal(
    data.rows.reduce((sum, row) => sum + row[1], 0),
    3151424,
  );
  assert.equal(tablePage(capture, { ...HIGH_WATERMARK, pid: 1 }, ALL, ASSETS), null);
});

test('the page searches all columns, sorts stably and cuts pages of a hundred', () => {
  const rows = Array.from(
    { length: 250 },
    (_, i): TablePageRow => ['', i % 7, i, 'malloc', `f${i}`, `a.c:${i}`, 'lib.so'],
  );
  const state = { search: '', column: 1, isAscending: false, page: 2 };
  const sorted = visibleRows(rows, state);
  assert.equal(sorted[0]![1], 6);
  assert.deepEqual(
    sorted.slice(0, 3).map((row) => row[2]),
    [6, 13, 20],
  );
  const page = pageOf(sorted, state);
  assert.deepEqual([page.from, page.rows.length, page.isLast], [2 * PAGE_ROWS, 50, true]);
  const found = visibleRows(rows, { ...state, search: 'LIB.so F24', column: 4, isAscending: true });
  assert.deepEqual(
    found.slice(0, 2).map((row) => row[4]),
    ['f24', 'f240'],
  );
  assert.equal(found.length, 11);
});
