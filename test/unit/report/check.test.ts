import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Budgets, check, checkJson, checkText } from '../../../src/report/check.ts';
import { parseAllowed } from '../../../src/report/leak-allow.ts';
import type { Capture } from '../../../src/report/report.ts';
import { emptyCapture, forkCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';

const NONE: Budgets = { maxPeak: null, maxLeak: null, maxLeakPerSite: null };
const SHOWN = { maxRows: 3, maxFrames: 20 };

const checked = (capture: Capture, budgets: Partial<Budgets>, allowed = '', part = {}) =>
  check(capture, { ...HIGH_WATERMARK, ...part }, { ...NONE, ...budgets }, parseAllowed(allowed, 'allow'));

/** [budget, bytes, exceeded, stacks] */
const brief = (...args: Parameters<typeof checked>) =>
  checked(...args).findings.map((one) => [one.budget, one.bytes, one.is_exceeded, one.stacks.length]);

const text = (capture: Capture, ...args: [Partial<Budgets>, string?]) =>
  checkText(capture, HIGH_WATERMARK, checked(capture, ...args), SHOWN, PLAIN);

test('a budget is kept up to its last byte', (t) => {
  const capture = openCapture(t, smallCapture);
  assert.deepEqual(brief(capture, { maxPeak: 3151424, maxLeak: 560, maxLeakPerSite: 400 }), [
    ['max_peak', 3151424, false, 4],
    ['max_leak', 560, false, 3],
    ['max_leak_per_site', 400, false, 0],
  ]);
  assert.deepEqual(brief(capture, { maxPeak: 3151423, maxLeak: 559, maxLeakPerSite: 95 }), [
    ['max_peak', 3151424, true, 4],
    ['max_leak', 560, true, 3],
    ['max_leak_per_site', 400, true, 2],
  ]);
});

test('the peak is that of each process: all that had too much, else that which had most', (t) => {
  const capture = openCapture(t, forkCapture);
  const processes = (maxPeak: number) =>
    checked(capture, { maxPeak }).findings.map((one) => [one.process?.pid, one.bytes, one.is_exceeded]);
  assert.deepEqual(processes(1499), [[200, 1000, false]]);
  assert.deepEqual(processes(999), [[200, 1000, true]]);
  assert.deepEqual(processes(499), [
    [200, 1000, true],
    [201, 500, true],
  ]);
  assert.deepEqual(brief(capture, { maxPeak: 600, maxLeak: 500 }, '', { pid: 201 }), [
    ['max_peak', 500, false, 1],
    ['max_leak', 500, false, 1],
  ]);
});

test('what a rule allows does not count as leaked, and is told by rule; peaks are as they are', (t) => {
  const capture = openCapture(t, smallCapture);
  const allowed = 'leak:strdup\nleak:handler.py\nleak:unused';
  const { findings, allowed: sums } = checked(capture, { maxPeak: 0, maxLeak: 400, maxLeakPerSite: 399 }, allowed);
  assert.deepEqual(
    findings.map((one) => [one.bytes, one.is_exceeded]),
    [
      [3151424, true],
      [400, false],
      [400, true],
    ],
  );
  assert.deepEqual(sums, [
    { pattern: 'strdup', bytes: 96, allocations: 6 },
    { pattern: 'handler.py', bytes: 64, allocations: 2 },
    { pattern: 'unused', bytes: 0, allocations: 0 },
  ]);
  assert.match(text(capture, { maxLeak: 400 }, allowed), /^allowed: 160 B leaked by what 2 of 3 rules matched$/m);
});

test('one sentence if all is kept, one line for each budget that is not, with its stacks', (t) => {
  const capture = openCapture(t, smallCapture);
  const kept = text(capture, { maxPeak: 4 << 20, maxLeak: 1024 });
  assert.equal(kept, 'All budgets are kept: peak 3.005 MiB of 4.000 MiB, leaked 560 B of 1.000 KiB.\nlosses: none\n');
  const exceeded = text(capture, { maxPeak: 4 << 20, maxLeak: 60, maxLeakPerSite: 70 });
  assert.deepEqual(exceeded.split('\n').slice(0, 5), [
    'exceeded: --max-leak 60 B: 560 B leaked, 500 B too much',
    'exceeded: --max-leak-per-site 70 B: 2 stacks leaked more, the biggest 400 B',
    'losses: none',
    '',
    '--max-leak 60 B:',
  ]);
  assert.match(exceeded, /^#1 {2}400 B {2}80\.65% {2}4 × malloc$/m);
  assert.doesNotMatch(exceeded, /max-peak/);
});

test('losses, warnings and an unfinished process are said', (t) => {
  const lossy = openCapture(t, (path) =>
    smallCapture(path, { losses: { ring_dropped: 4 }, warning: 'no allocator found in x', running: true }),
  );
  const kept = text(lossy, { maxLeak: 600 });
  assert.match(kept, /^All budgets are kept by what was recorded: leaked 560 B of 600 B\.$/m);
  assert.match(kept, /^warning: no allocator found in x/m);
  assert.match(kept, /^losses: 4 ring_dropped/m);
  assert.match(text(lossy, { maxLeak: 0 }), /^Not necessarily leaked: 100 \(app\)/m);
});

test('nothing recorded keeps every budget, and is said', (t) => {
  const capture = openCapture(t, emptyCapture);
  assert.deepEqual(brief(capture, { maxPeak: 0, maxLeak: 0, maxLeakPerSite: 0 }), [
    ['max_peak', 0, false, 0],
    ['max_leak', 0, false, 0],
    ['max_leak_per_site', 0, false, 0],
  ]);
  assert.match(text(capture, { maxPeak: 0 }), /^No allocations were recorded\.$/m);
});

test('JSON', (t) => {
  const capture = openCapture(t, smallCapture);
  const result = checked(capture, { maxPeak: 100, maxLeak: 1000 }, 'leak:strdup');
  const document = JSON.parse(checkJson(capture, HIGH_WATERMARK, result, 1));
  assert.equal(document.is_kept, false);
  const [peak, leak] = document.budgets;
  assert.deepEqual(peak.process, { pid: 100, name: '100 (app)' });
  assert.deepEqual([peak.budget, peak.limit_bytes, peak.is_exceeded, peak.stacks.length], ['max_peak', 100, true, 1]);
  assert.deepEqual([leak.budget, leak.bytes, leak.is_exceeded], ['max_leak', 464, false]);
  assert.deepEqual(document.allowed, [{ pattern: 'strdup', bytes: 96, allocations: 6 }]);
  assert.equal(document.metadata.losses.ring_dropped, 0);
});
