import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveScreen } from '../../../src/tui/live-view.ts';
import { paintOf } from '../../../src/tui/paint.ts';
import { assertGolden } from '../report/golden.ts';
import { at, CONTEXT, followed, MODE, newModel, plain } from './live-capture.ts';

const SIZES = [
  [200, 50],
  [80, 24],
  [60, 20],
] as const;

for (const [columns, rows] of SIZES) {
  test(`the screen at ${columns}x${rows}`, (t) => {
    const { model } = followed(t);
    const { lines } = liveScreen(model, columns, rows, CONTEXT, MODE);
    assertGolden(`live-${columns}x${rows}`, plain(lines));
  });

  test(`lines fit at ${columns}x${rows}, with everything that can be shown`, (t) => {
    const { model } = followed(t);
    const output = Array.from({ length: 30 }, (_, i) => `line ${i} \x1b[2J${'x'.repeat(300)}`);
    model.turnThread(1);
    model.toggleDifference();
    for (const typing of [null, 'y'.repeat(300)]) {
      const mode = { ...MODE, typing, processCursor: 1, message: `wrote /${'z'.repeat(300)}` };
      const { lines } = liveScreen(model, columns, rows, { ...CONTEXT, output }, mode);
      assert.equal(lines.length, rows);
      // one more for the mark of the selected row, two for those of the sorted heading
      for (const line of plain(lines).split('\n')) assert.ok([...line].length <= columns + 2, line);
      assert.ok(!lines.join('').includes('\x1b[2J'));
    }
  });
}

test('the words of the header, as threads and time pass', (t) => {
  const { capture, model, look } = followed(t);
  const head = () => plain(liveScreen(model, 80, 24, CONTEXT, MODE).lines.slice(0, 4));
  assert.match(head(), /PID 100 and 1 more {2}CMD \.\/server --port 80/);
  assert.match(head(), /TID \* {2}All threads {2}Samples 1 {2}Duration 2\.5 seconds/);
  assert.match(head(), /Status recording, losses: none/);
  model.toggleMerged();
  model.turnThread(1);
  look(3);
  assert.match(head(), /TID 101 {2}Thread 2 of 3 \(walker\) {2}Samples 2 {2}Duration 3\.0 seconds/);
  model.togglePaused();
  assert.match(head(), /Status Table updates paused, losses/);
  capture.end();
  look(4);
  assert.match(head(), /Status Remote has disconnected, Table updates paused, losses/);
  assert.match(head(), /PID 100 {2}CMD/, 'the last that ran');
  assert.match(head(), /Duration 3\.5 seconds/);
});

test('a long command line, piece by piece', (t) => {
  const { model } = followed(t);
  const shown = (columns: number, commandPiece: number) =>
    liveScreen(model, columns, 24, CONTEXT, { ...MODE, commandPiece }).lines[1]!;
  for (const length of [41, 42, 43, 80, 81, 100, 200]) {
    const command = Array.from({ length }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    model.data.commandLine = command;
    const room = 60 - 'PID 100 and 1 more  CMD '.length;
    const pieces: string[] = [];
    for (let piece = 0; piece === 0 || shown(60, piece) !== shown(60, 0); piece++) pieces.push(shown(60, piece));
    assert.ok(pieces.every((piece) => [...piece].length === 60));
    const parts = pieces.map((piece) => piece.slice(-room).trim().replaceAll('…', ''));
    assert.equal(parts.join(''), command, `${length}`);
  }
  model.data.commandLine = './short';
  assert.equal(shown(60, 5).trim(), 'PID 100 and 1 more  CMD ./short');
});

test('a capture that had ended before is complete', (t) => {
  const { capture } = followed(t);
  capture.end();
  const model = newModel();
  model.apply(capture.reader().poll(at(9)));
  const lines = plain(liveScreen(model, 80, 24, CONTEXT, MODE).lines);
  assert.match(lines, /Status the recording is complete/);
  assert.match(lines, /^>load +5\.000 MiB/m, 'its last state');
});

test('the sorted heading is underlined, and headings and buttons are where they are drawn', (t) => {
  const { model } = followed(t);
  for (const [columns, rows] of SIZES) {
    const { lines, targets } = liveScreen(model, columns, rows, { ...CONTEXT, paint: paintOf(true) }, MODE);
    const texts = lines.map((line) => plain([line]).replaceAll('_', ''));
    const shown = (key: string) => {
      const target = targets.find((one) => one.key === key);
      return target && [...texts[target.line]!].slice(target.from, target.to).join('').trim();
    };
    const isWide = columns > 80;
    assert.deepEqual(
      ['o', 'm', 'space', 'q'].map((key) => targets.filter((one) => one.key === key).length),
      [2, 1, 1, 1],
    );
    assert.equal(shown('t'), isWide ? 'Total Bytes' : 'Total');
    assert.equal(shown('m'), isWide ? 'M Unmerge Threads' : 'M Unmerge');
    assert.equal(shown('space'), 'SPACE Pause');
    assert.match(shown('row:1')!, /^load /);
    assert.match(shown('process:1')!, /102 .*worker/);
  }
  model.sort = 'ownBytes';
  model.arrange();
  assert.match(plain(liveScreen(model, 200, 50, CONTEXT, MODE).lines), /_Own Bytes_/);
});

test('without the finer blocks of a font the plot has halves', (t) => {
  const { model } = followed(t);
  const { lines } = liveScreen(model, 80, 24, { ...CONTEXT, hasFineBlocks: false }, MODE);
  assert.doesNotMatch(lines.join('\n'), /[▁▂▃▅▆▇]/);
  assert.match(lines.join('\n'), /▄/);
});
