import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LiveModel } from '../../../src/tui/live-model.ts';
import { Replay } from '../../../src/tui/live-replay.ts';
import { liveJson, liveText } from '../../../src/tui/live-text.ts';
import { liveScreen } from '../../../src/tui/live-view.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { assertGolden } from '../report/golden.ts';
import { at, CONTEXT, LiveCapture, MODE, newModel, plain } from './live-capture.ts';

const MIB = 2 ** 20;

function start(t: TestContext): { model: LiveModel; replay: Replay; show(): void } {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  capture.addIntervals();
  capture.end();
  const reader = capture.replay();
  t.after(() => {
    reader.close();
    capture.close();
  });
  const model = newModel();
  model.canReplay = true;
  model.apply({ ...capture.reader().poll(at(9)), capture: 'mp-server.100.db' });
  const replay = new Replay(reader, 10);
  model.startReplay(replay);
  return { model, replay, show: () => model.apply({ ...reader.at(replay.momentNs), capture: 'mp-server.100.db' }) };
}

const screen = (model: LiveModel) => plain(liveScreen(model, 80, 24, CONTEXT, MODE).lines);

test('moments of a replay, and its end', (t) => {
  const { model, replay, show } = start(t);
  show();
  assert.match(screen(model), /Status replay at 10×, losses: none/);
  assert.match(screen(model), /Nothing is in use/);
  replay.pass(60);
  show();
  assert.match(screen(model), /PID 100 {2}CMD.*Duration 0\.50 of 3\.50 seconds.*^>load +4\.000 MiB/ms);
  assert.equal(model.heapBytes, 4 * MIB + 16);
  replay.pass(150);
  show();
  assert.equal(replay.momentNs, 2e9);
  assertGolden('live-replay-80x24', screen(model));
  assert.equal(model.heapBytes, 7 * MIB + 4096, 'the frees of 1.5 s are over');
  replay.step(-1);
  show();
  assert.equal(model.heapBytes, 5 * MIB + 4096 + 32, 'nothing of 1.5 s has happened');
  assert.match(screen(model), /Status replay paused at 10×/);
  replay.skip(10);
  show();
  assertGolden('live-replay-end-80x24', screen(model));
});

test('going back forgets what came later', (t) => {
  const { model, replay, show } = start(t);
  replay.skip(10);
  show();
  assert.equal(model.timeline.highestBytes, 10 * MIB);
  assert.equal(model.data.processes.size, 2);
  replay.restart();
  replay.skip(1);
  show();
  assert.equal(model.timeline.highestBytes, 3 * MIB);
  assert.equal(model.data.processes.size, 1);
  assert.equal(model.heapBytes, 4 * MIB + 16);
});

test('text and JSON say the moment', (t) => {
  const { model, replay, show } = start(t);
  replay.pass(100);
  show();
  const context = { ...CONTEXT, clock: (time?: Date) => time?.toISOString() ?? 'now' };
  assert.match(
    liveText(model, 100, 2, context),
    /^2026-01-02T03:04:06\.000Z {2}mp live .*\nSamples 1 {2}Duration 1\.00 of 3\.50 seconds {2}Status replay at 10×/,
  );
  const { status, duration_ns, heap_bytes } = JSON.parse(liveJson(model, 2, ''));
  assert.deepEqual(
    { status, duration_ns, heap_bytes },
    { status: 'replay', duration_ns: 1e9, heap_bytes: 5 * MIB + 32 },
  );
});

test('time passes by intervals, as fast as it is told to', () => {
  const replay = new Replay({ widthNs: 10e6, endNs: 1.005e9, startedAt: '' }, 1);
  assert.equal(replay.time, undefined);
  assert.equal(replay.pass(9), false, 'less than an interval');
  assert.equal(replay.pass(9), true, 'what has passed before counts');
  assert.equal(replay.momentNs, 10e6);
  replay.changeSpeed(2);
  replay.pass(100);
  assert.equal(replay.momentNs, 210e6);
  replay.togglePaused();
  assert.equal(replay.pass(100), false);
  replay.togglePaused();
  replay.pass(1e6);
  assert.equal(replay.momentNs, 1.005e9, 'the end, which is not of an interval');
  assert.equal(replay.isOver, true);
  replay.step(-1);
  assert.equal(replay.momentNs, 1e9);
  assert.equal(replay.isPaused, true);
  replay.step(1);
  assert.equal(replay.isOver, true);
  replay.togglePaused();
  assert.equal(replay.momentNs, 0, 'it begins anew');
  replay.step(-1);
  assert.equal(replay.momentNs, 0);
});
