import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capture } from '../../../src/report/report.ts';
import type { Selection } from '../../../src/report/selection.ts';
import { sortSummary, summarize } from '../../../src/report/summary.ts';
import { CaptureFixture, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture } from './command.ts';

/** [total bytes, own bytes, allocations] by function. */
function numbers(capture: Capture, selection: Partial<Selection> = {}): Record<string, [number, number, number]> {
  const rows = summarize(capture, { ...HIGH_WATERMARK, ...selection });
  return Object.fromEntries(rows.map((row) => [row.function, [row.total_bytes, row.own_bytes, row.allocations]]));
}

test('own and total memory at the high watermark; a recursive function counts once for a stack', (t) => {
  assert.deepEqual(numbers(openCapture(t, smallCapture)), {
    main: [3147328, 0, 61],
    [LONG_NAME]: [3145728, 3145728, 3],
    walk: [3145728, 0, 3],
    '<stack trace unavailable>': [4096, 4096, 1],
    load: [1600, 800, 58],
    strdup: [800, 800, 50],
  });
});

test('the views', (t) => {
  const capture = openCapture(t, smallCapture);
  assert.deepEqual(numbers(capture, { view: 'leaks' }), {
    main: [560, 0, 12],
    load: [496, 400, 10],
    strdup: [96, 96, 6],
    handler: [64, 64, 2],
  });
  assert.deepEqual(numbers(capture, { view: 'allocations' }).main, [3148392, 0, 115]);
  const temporary = (threshold: number) => numbers(capture, { view: 'temporary_allocations', threshold });
  assert.deepEqual(temporary(0), { main: [200, 0, 2], load: [200, 200, 2] });
  assert.deepEqual(temporary(1), { main: [840, 0, 42], load: [840, 200, 42], strdup: [640, 640, 40] });
  assert.deepEqual(temporary(4), temporary(1));
  assert.deepEqual(temporary(5).load, [940, 300, 43]);
});

test('one process, one thread', (t) => {
  const capture = openCapture(t, smallCapture);
  assert.deepEqual(numbers(capture, { tid: 100 }), {
    '<stack trace unavailable>': [4096, 4096, 1],
    main: [800, 0, 8],
    load: [800, 800, 8],
  });
  assert.deepEqual(numbers(capture, { pid: 99 }), {});
});

test('shares are of what was selected', (t) => {
  const [top] = summarize(openCapture(t, smallCapture), { ...HIGH_WATERMARK, view: 'leaks' });
  assert.equal(top!.total_percent, 100);
  assert.equal(top!.own_percent, 0);
});

test('sorting by each column', (t) => {
  const rows = summarize(openCapture(t, smallCapture), HIGH_WATERMARK);
  const first = (column: number) => sortSummary([...rows], column)[0]!.function;
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(first), [
    '<stack trace unavailable>',
    'main',
    'main',
    LONG_NAME,
    LONG_NAME,
    'main',
  ]);
});

test('a function of one name in two files is two rows; lines of one function are one', (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    const process = fixture.process({ pid: 1 });
    const thread = fixture.thread(process, 1, 'x');
    for (const [file, line] of [
      ['a.c', 1],
      ['a.c', 2],
      ['b.c', 1],
    ] as const) {
      const stack = fixture.stack(fixture.frame({ function: 'init', file, line }));
      fixture.site({ process, thread, allocator: 'malloc', stack, all: [1, 10], peak: [1, 10] });
    }
    fixture.close();
  });
  const rows = summarize(capture, HIGH_WATERMARK).map((row) => [row.function, row.file, row.total_bytes]);
  assert.deepEqual(rows, [
    ['init', 'a.c', 20],
    ['init', 'b.c', 10],
  ]);
});

test('a damaged prefix tree is refused instead of being followed for ever', (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    const frame = fixture.frame({ function: 'f' });
    fixture.insert('stack', { id: 1, parent_id: 2, frame_id: frame, depth: 2 });
    fixture.insert('stack', { id: 2, parent_id: 1, frame_id: frame, depth: 1 });
    fixture.close();
  });
  assert.throws(() => summarize(capture, HIGH_WATERMARK), /The capture is damaged: stack \d/);
});
