import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openReader } from '../../../src/store/db.ts';
import { ReplayReader } from '../../../src/store/live-replay.ts';
import { RandomRecording } from '../helpers/random-recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { LiveCapture } from '../tui/live-capture.ts';

const MOMENTS = 60;

/** What was allocated before a moment, and what of it had not been freed. */
const STATE = `
  SELECT site_id, sum(allocations) AS calls,
         sum(iif(to_ns IS NULL OR to_ns >= :moment, allocations, 0)) AS live,
         sum(iif(to_ns IS NULL OR to_ns >= :moment, bytes, 0)) AS bytes
  FROM site_interval WHERE from_ns < :moment GROUP BY site_id ORDER BY site_id`;

test('any moment, forward or back, is what the intervals add up to', (context) => {
  const random = new RandomRecording(context, 77, { maxRows: 1500, minRowsPerPart: 1, mergedRows: 50 });
  random.run(6000);
  random.recording.finish();
  const { path } = random.recording;
  const replay = new ReplayReader(path, () => 'complete');
  const db = openReader(path);
  context.after(() => {
    replay.close();
    db.close();
  });
  const shown = new Map<number, number[]>();
  let seed = 1;
  for (let n = 0; n <= MOMENTS; n++) {
    seed = (seed * 48271) % 2147483647;
    const asked = n === MOMENTS ? replay.endNs : Math.floor((seed / 2147483647) * replay.endNs);
    const delta = replay.at(asked);
    if (delta.isRewound) shown.clear();
    for (let i = 0; i < delta.counts.length; i += 4) shown.set(delta.counts[i]!, delta.counts.slice(i + 1, i + 4));
    const moment = delta.durationNs;
    assert.ok(moment <= asked && moment > asked - replay.widthNs);
    const expected = db.all<Record<string, number>>(STATE, { moment });
    const found = [...shown].filter(([, numbers]) => numbers.some((number) => number !== 0)).sort(([a], [b]) => a - b);
    const stated = expected.map(({ site_id, calls, live, bytes }) => [site_id, [calls, live, bytes]] as const);
    assert.deepEqual(
      found,
      stated.filter(([, numbers]) => numbers.some((number) => number !== 0)),
      `at ${moment}`,
    );
  }
  assert.ok(shown.size > 10);
  const last = db.all<Record<string, number>>('SELECT id, live_bytes FROM site WHERE live_bytes > 0 ORDER BY id');
  assert.deepEqual(
    [...shown]
      .filter(([, [, , bytes]]) => bytes! > 0)
      .sort(([a], [b]) => a - b)
      .map(([id, [, , bytes]]) => [id, bytes]),
    last.map(({ id, live_bytes }) => [id, live_bytes]),
    'the end is that of the capture',
  );
});

test('processes and points of the time line, as they were known', (t) => {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  capture.addIntervals();
  capture.end();
  const replay = capture.replay();
  t.after(() => replay.close());
  const first = replay.at(900e6);
  assert.equal(first.durationNs, 500e6, 'the beginning of an interval');
  assert.equal(first.isRewound, true);
  assert.deepEqual(
    first.processes.map(({ pid, endedNs }) => [pid, endedNs]),
    [[100, null]],
  );
  assert.deepEqual(
    first.memory.filter((_, i) => i % 4 === 1),
    [0, 500e6],
  );
  const next = replay.at(3e9);
  assert.equal(next.isRewound, false);
  assert.deepEqual(
    next.processes.map(({ pid, endedNs }) => [pid, endedNs]),
    [
      [100, null],
      [102, 3e9],
    ],
  );
  assert.deepEqual(
    next.memory.filter((_, i) => i % 4 === 1),
    [1e9, 1.5e9, 1.5e9, 2e9],
  );
  assert.equal(replay.at(99e9).durationNs, 3.5e9);
});

test('what can not be replayed says why', (t) => {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  assert.throws(() => capture.replay(), /once its recording has ended/);
  capture.end();
  assert.throws(() => capture.replay(), /does not know what happened when/);
});
