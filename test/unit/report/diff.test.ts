import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type DiffBy, diffJson, diffRows, diffSide, diffText } from '../../../src/report/diff.ts';
import type { View } from '../../../src/report/selection.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';
import { EVIL, groupsCapture } from './groups-capture.ts';

/** Function, file, line, [allocations, bytes], all of it live. */
type Made = [string | null, string, number, [number, number]];

function madeCapture(...sites: Made[]): (path: string) => void {
  return (path) => {
    const capture = new CaptureFixture(path);
    // Other ids and pids in each.
    const process = capture.process({ pid: 10 + sites.length, comm: 'app' });
    const thread = capture.thread(process, 1, 't');
    for (const [name, file, line, sum] of sites) {
      const stack = name === null ? null : capture.stack(capture.frame({ function: name, file, line }));
      capture.site({ process, thread, allocator: 'malloc', stack, all: sum, peak: sum, live: sum });
    }
    capture.close();
  };
}

const BEFORE = madeCapture(
  ['same', 's.c', 1, [1, 10]],
  ['grown', 'g.c', 5, [1, 100]],
  ['moved', 'm.c', 7, [2, 64]],
  ['vanished', 'v.c', 1, [3, 300]],
  [null, '', 0, [1, 8]],
);
const AFTER = madeCapture(
  ['appeared', 'n.c', 1, [1, 200]],
  ['moved', 'm.c', 9, [2, 64]],
  ['grown', 'g.c', 5, [2, 150]],
  ['same', 's.c', 1, [1, 10]],
  [null, '', 0, [2, 8]],
);

function sides(t: TestContext, by: DiffBy = 'function', before = BEFORE, after = AFTER, view: View = 'high_watermark') {
  const side = (build: (path: string) => void) => diffSide(openCapture(t, build), { ...HIGH_WATERMARK, view }, by);
  return [side(before), side(after)] as const;
}

const brief = (...args: Parameters<typeof sides>) =>
  diffRows(...sides(...args)).map((row) => [row.label, row.difference_bytes, row.difference_allocations, row.change]);

test('what differs, biggest first, whatever its sign; lines do not matter to functions', (t) => {
  assert.deepEqual(brief(t), [
    ['vanished at v.c', -300, -3, 'gone'],
    ['appeared at n.c', 200, 1, 'new'],
    ['grown at g.c', 50, 1, 'changed'],
    ['<stack trace unavailable>', 0, 1, 'changed'],
  ]);
});

test('by line, by file', (t) => {
  assert.deepEqual(brief(t, 'line').slice(2, 5), [
    ['moved at m.c:7', -64, -2, 'gone'],
    ['moved at m.c:9', 64, 2, 'new'],
    ['grown at g.c:5', 50, 1, 'changed'],
  ]);
  assert.deepEqual(
    brief(t, 'file').map(([file]) => file),
    ['v.c', 'n.c', 'g.c', '<stack trace unavailable>'],
  );
});

test('by command, cgroup and allocator', (t) => {
  const other = madeCapture(['main', 'main.c', 3, [1, 5]]);
  assert.deepEqual(brief(t, 'comm', groupsCapture, other).slice(0, 2), [
    ['gcc', -1548, -9, 'gone'],
    ['make', -200, -2, 'gone'],
  ]);
  assert.deepEqual(brief(t, 'allocator', groupsCapture, other), [
    ['malloc', -1805, -12, 'changed'],
    ['calloc', -48, -2, 'gone'],
  ]);
  assert.deepEqual(brief(t, 'cgroup', groupsCapture, other)[0], ['/build/a', -1324, -8, 'gone']);
});

test('differences add up to that of the sums, in each view', (t) => {
  for (const view of ['high_watermark', 'leaks', 'allocations'] as const) {
    const [before, after] = sides(t, 'line', smallCapture, groupsCapture, view);
    const sum = ({ sums }: typeof before) => [...sums.values()].reduce((total, one) => total + one.bytes, 0);
    const differences = diffRows(before, after).reduce((total, row) => total + row.difference_bytes, 0);
    assert.equal(differences, sum(after) - sum(before), view);
  }
});

test('a capture does not differ from itself', (t) => {
  const [before, after] = sides(t, 'line', smallCapture, smallCapture);
  assert.deepEqual(diffRows(before, after), []);
  const text = diffText(before, after, HIGH_WATERMARK, { by: 'line', maxRows: 9 }, PLAIN);
  assert.match(text, /^The captures do not differ in this view\.$/m);
  assert.match(text, /^together: 3\.005 MiB → 3\.005 MiB \(0 B\), 62 → 62 allocations \(0\)$/m);
});

test('as text: new and gone are said, the rest is counted, names are escaped', (t) => {
  const [before, after] = sides(t);
  const text = diffText(before, after, HIGH_WATERMARK, { by: 'function', maxRows: 3 }, PLAIN);
  const rows = text.split('\n').filter((line) => / at /.test(line));
  assert.deepEqual(
    rows.map((row) => row.trim().split(/ {2,}/)),
    [
      ['-300 B', '300 B', 'gone', '-3', 'vanished at v.c'],
      ['+200 B', 'new', '200 B', '+1', 'appeared at n.c'],
      ['+50 B', '100 B', '150 B', '+50.0%', '+1', 'grown at g.c'],
    ],
  );
  assert.match(text, /^2 rows without a difference$/m);
  assert.match(text, /^1 more row;/m);
  const [one, other] = sides(t, 'comm', groupsCapture, BEFORE);
  const hostile = diffText(one, other, HIGH_WATERMARK, { by: 'comm', maxRows: 99 }, PLAIN);
  assert.ok(hostile.includes('\\x1b[2J</script>\\x0a') && !hostile.includes(EVIL));
});

test('losses of both are said', (t) => {
  const lossy = (path: string) => smallCapture(path, { losses: { ring_dropped: 2 } });
  const [before, after] = sides(t, 'function', lossy, smallCapture);
  const text = diffText(before, after, HIGH_WATERMARK, { by: 'function', maxRows: 9 }, PLAIN);
  assert.match(text, /^before: .*\n {2}losses: 2 ring_dropped/m);
  assert.match(text, /^after: .*\n {2}losses: none$/m);
});

test('JSON', (t) => {
  const [before, after] = sides(t, 'line');
  const document = JSON.parse(diffJson(before, after, HIGH_WATERMARK, { by: 'line', maxRows: 2 }));
  assert.deepEqual(
    [document.before, document.after],
    [
      { bytes: 482, allocations: 8 },
      { bytes: 432, allocations: 8 },
    ],
  );
  assert.equal(document.metadata.before.processes[0].pid, 15);
  assert.equal(document.rows.length, 2);
  assert.deepEqual(document.rows[0], {
    function: 'vanished',
    file: 'v.c',
    line: 1,
    before_bytes: 300,
    after_bytes: 0,
    difference_bytes: -300,
    before_allocations: 3,
    after_allocations: 0,
    difference_allocations: -3,
    change: 'gone',
  });
});
