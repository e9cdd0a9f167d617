/** Samples of V8's heap: what --js-heap shows, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flamegraphPage } from '../../../src/report/flamegraph.ts';
import { findLeaks } from '../../../src/report/leaks.ts';
import type { Selection, View } from '../../../src/report/selection.ts';
import { computeStats } from '../../../src/report/stats.ts';
import { summarize, summaryText } from '../../../src/report/summary.ts';
import { tableRows, tableText } from '../../../src/report/table.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';

const ASSETS = { style: '', script: '' };

/** One malloc of 100 bytes and three samples in two functions. */
function sampledCapture(path: string): void {
  const fixture = new CaptureFixture(path);
  const process = fixture.process({ pid: 10, runtime: 'v8 11.3.244.8' });
  const thread = fixture.thread(process, 10, 'node');
  const root = fixture.frame({ function: 'node::Start(int, char**)' });
  const line = (name: string, at: number) =>
    fixture.frame({ function: name, file: '/srv/app.js', line: at, language: 'javascript' });
  const slowPath = fixture.frame({ function: 'v8::internal::Runtime_AllocateInYoungGeneration(int)' });
  const site = (allocator: string, stack: number, all: [number, number], live: [number, number]) =>
    fixture.site({ process, thread, allocator, stack, all, live, peak: live });
  const points = line('makePoints', 7);
  site('malloc', fixture.stack(root, points), [1, 100], [1, 100]);
  site('v8_sample', fixture.stack(root, points, slowPath), [2, 400_000], [0, 0]);
  site('v8_sample', fixture.stack(root, line('makeArrays', 3), slowPath), [1, 100_000], [0, 0]);
  fixture.close();
}

const view = (name: View): Selection => ({ ...HIGH_WATERMARK, view: name });

test('the table has the lines of JavaScript that allocated', (t) => {
  const rows = tableRows(openCapture(t, sampledCapture), view('v8_samples'), null);
  assert.deepEqual(
    rows.map((row) => [row.bytes, row.allocations, row.allocator, row.function, row.line]),
    [
      [400_000, 2, 'v8_sample', 'makePoints', 7],
      [100_000, 1, 'v8_sample', 'makeArrays', 3],
    ],
  );
});

test('text says that it is an estimate', (t) => {
  const capture = openCapture(t, sampledCapture);
  const table = tableText(capture, view('v8_samples'), { by: null, maxRows: 9 }, PLAIN);
  const summary = summaryText(capture, view('v8_samples'), { sortColumn: 2, maxRows: 9 }, PLAIN);
  for (const text of [table, summary]) {
    assert.match(
      text.replaceAll(/\s+/g, ' '),
      /view: JavaScript heap \(sampled: .* an estimate, not part of any other figure\)/,
    );
    assert.match(text, /in total 100 B in 1 allocation$/m);
  }
  assert.match(table, /Size +Samples +Allocator/);
  assert.match(summary, /Sample/);
});

test('no other view has samples', (t) => {
  const capture = openCapture(t, sampledCapture);
  for (const name of ['high_watermark', 'leaks', 'allocations'] as const) {
    assert.deepEqual(
      tableRows(capture, view(name), null).map((row) => [row.allocator, row.bytes]),
      [['malloc', 100]],
      name,
    );
    assert.equal(
      summarize(capture, view(name)).reduce((sum, row) => sum + row.own_bytes, 0),
      100,
      name,
    );
  }
  assert.deepEqual(tableRows(capture, view('temporary_allocations'), null), []);
  assert.deepEqual(
    findLeaks(capture, view('leaks')).map((leak) => leak.bytes),
    [100],
  );
});

test('statistics and totals are without samples', (t) => {
  const capture = openCapture(t, sampledCapture);
  const stats = computeStats(capture, { pid: null, top: 5 });
  assert.deepEqual(stats.allocator_type_distribution, { malloc: 1 });
  assert.deepEqual([stats.total_bytes_allocated, stats.total_num_allocations, stats.peak_bytes], [100, 1, 100]);
  assert.deepEqual([capture.facts.allocated_bytes, capture.facts.allocations], [100, 1]);
});

test('the page offers the view if there are samples', (t) => {
  const page = (make: (path: string) => void) =>
    flamegraphPage(openCapture(t, make), HIGH_WATERMARK, { by: null }, ASSETS)!;
  assert.match(page(sampledCapture), /<input type="radio" name="view" value="v8_samples"><span>JavaScript heap/);
  assert.doesNotMatch(page(smallCapture), /v8_samples"/);
});
