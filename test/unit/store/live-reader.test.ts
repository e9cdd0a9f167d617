import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LiveReader } from '../../../src/store/live-reader.ts';
import { callersTree } from '../../../src/tui/live-callers.ts';
import { liveScreen } from '../../../src/tui/live-view.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { at, CONTEXT, LiveCapture, MODE, newModel } from '../tui/live-capture.ts';

test('everything at first, then what has changed', (t) => {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  const reader = capture.reader();
  const first = reader.poll(at(2));
  assert.equal(first.status, 'recording');
  assert.equal(first.durationNs, 2e9);
  assert.deepEqual(
    first.processes.map(({ pid, parentId, endedNs }) => [pid, parentId, endedNs]),
    [
      [100, null, null],
      [102, 1, null],
    ],
  );
  assert.deepEqual(first.frames[0], {
    ...{ id: 1, function: 'main', file: '/src/server/main.c', line: 10, language: 'native' },
    ...{ module: '/usr/bin/server', inlined: 0 },
  });
  assert.deepEqual(first.stacks.slice(0, 4), [0, 1, 1, 2]);
  assert.deepEqual(first.sites.slice(-4), [4, 1, 2, 0], 'a site without a stack');
  assert.deepEqual(first.counts.slice(-8), [3, 9, 8, 2 ** 21, 4, 2, 1, 4096]);
  assert.deepEqual(first.memory.slice(0, 4), [1, 0, 2 ** 20, 20 * 2 ** 20]);

  const nothing = reader.poll(at(3));
  assert.equal(nothing.durationNs, 3e9);
  for (const list of ['processes', 'threads', 'frames', 'stacks', 'sites', 'counts', 'memory'] as const) {
    assert.deepEqual(nothing[list], [], list);
  }

  capture.set('B', 1, 7);
  capture.end();
  const last = reader.poll(at(99));
  assert.equal(last.status, 'complete');
  assert.equal(last.durationNs, 3.5e9);
  assert.deepEqual(last.counts, [2, 3, 1, 7]);
  assert.deepEqual(
    last.processes.map(({ endedNs }) => endedNs),
    [3.5e9, 3e9],
  );
});

test('sites that go, come back, and have numbers below those that are known', (t) => {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  const { db } = capture.fixture;
  const insert = (id: number, bytes: number) =>
    db.run(`INSERT INTO site SELECT ${id}, process_id, thread_id, allocator, stack_id, 1, ${bytes}, 0, 0, 0, 0, 1, ${bytes},
      0, 0 FROM site WHERE id = 1`);
  insert(9, 90);
  const reader = capture.reader();
  reader.poll();
  db.run('DELETE FROM site WHERE id IN (4, 9)');
  assert.deepEqual(reader.poll().counts, [4, 0, 0, 0, 9, 0, 0, 0]);
  insert(9, 91);
  insert(6, 60);
  const { sites, counts } = reader.poll();
  assert.deepEqual(sites, [6, 1, 1, 2]);
  assert.deepEqual(counts, [6, 1, 1, 60, 9, 1, 1, 91]);
});

test("samples of V8's heap are no sites of its", (t) => {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  capture.fixture.db.run("UPDATE site SET allocator = 'v8_sample' WHERE id = 3");
  const { sites, counts } = capture.reader().poll();
  assert.equal(sites.length, 3 * 4);
  assert.equal(counts.length, 3 * 4);
});

test('a recorder makes one plain file of a capture that is being followed', (t) => {
  const recording = new Recording(t);
  const reader = new LiveReader(recording.path, () => 'recording');
  recording.commit();
  reader.poll();
  recording.finish();
  assert.deepEqual(recording.column('PRAGMA journal_mode'), ['delete']);
  reader.poll();
});

test('a damaged capture is refused, or read as far as it goes', (t) => {
  const damage = (sql: string) => {
    const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
    t.after(() => capture.close());
    capture.fixture.db.exec(sql);
    return capture.reader();
  };
  assert.throws(() => damage('DELETE FROM stack WHERE id = 2').poll(), /The capture is damaged/);
  assert.throws(() => damage('UPDATE site SET id = 1 << 40 WHERE id = 4').poll(), /The capture is damaged/);
  for (const sql of [
    'UPDATE stack SET parent_id = 5 WHERE id = 2',
    'UPDATE site SET stack_id = 99 WHERE id = 1',
    'UPDATE stack SET frame_id = 99',
    'UPDATE process SET parent_id = 3 - id',
    'DELETE FROM process',
    'DELETE FROM thread',
  ]) {
    const model = newModel();
    model.apply(damage(sql).poll(at(2)));
    liveScreen(model, 80, 24, CONTEXT, MODE);
    for (const row of model.rows) callersTree(model, row.location);
  }
});

test('a file that is none', (t) => {
  const path = join(temporaryFolder(t), 'none.db');
  assert.throws(() => new LiveReader(path, () => 'recording').poll(), /No such file/);
});

/** Has the file open for 20 ms at a time, with pauses of 10 ms, as many viewers do. */
const RESTLESS = `
  const { parentPort, workerData: path } = require('node:worker_threads');
  const Database = require('better-sqlite3');
  const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  let isFirst = true;
  for (let end = Date.now() + 20_000; Date.now() < end; ) {
    const db = new Database(path, { readonly: true, timeout: 5000 });
    const { journal_mode: mode } = db.prepare('PRAGMA journal_mode').get();
    db.prepare('SELECT count(*) FROM site').get();
    if (isFirst) parentPort.postMessage('open');
    isFirst = false;
    pause(20);
    db.close();
    if (mode === 'delete') break;
    pause(10);
  }`;

test('the same while others look at it all the time', async (t) => {
  for (let i = 0; i < 5; i++) {
    const recording = new Recording(t);
    recording.commit();
    const worker = new Worker(RESTLESS, { eval: true, workerData: recording.path });
    await new Promise((open) => worker.once('message', open));
    recording.finish();
    assert.deepEqual(recording.column('PRAGMA journal_mode'), ['delete'], `time ${i}`);
    await worker.terminate();
  }
});
