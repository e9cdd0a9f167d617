import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { liveBlocks } from '../../../src/lib/live-blocks.ts';
import { openReader } from '../../../src/store/db.ts';
import { packBlocks, unpackBlocks } from '../../../src/store/packed-blocks.ts';
import { Reader } from '../../../src/store/reader.ts';
import { writeSnapshot } from '../../../src/store/snapshot.ts';
import { StoreError } from '../../../src/util/errors.ts';
import { smallCapture } from '../helpers/capture-fixture.ts';
import { RandomRecording } from '../helpers/random-recording.ts';
import { RecordBuilder } from '../helpers/record-builder.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const TAKEN_AT = '2026-01-02T03:04:06.000Z';
const NO_FIGURES = { takenAt: TAKEN_AT, reason: 'delay', metrics: [], blocks: null };
const LATEST = Number.MAX_SAFE_INTEGER;

function rows(path: string, sql: string): unknown[] {
  const db = openReader(path);
  try {
    return db.all(sql);
  } finally {
    db.close();
  }
}

function copyTo(source: string, target: string): void {
  const db = openReader(source);
  db.transaction(() => writeSnapshot(db, target, { takenAt: TAKEN_AT, metrics: [], blocks: null }));
  db.close();
}

test('at any commit a snapshot inside a capture says what one in a file says', (context) => {
  const random = new RandomRecording(context, 7, {});
  const { path, writer } = random.recording;
  const folder = temporaryFolder(context);
  let count = 0;
  // names come at commit 8
  random.run(6000, (n) => {
    if (n % 3 !== 0) return;
    count++;
    assert.equal(writer.takeSnapshot({ ...NO_FIGURES, timeNs: LATEST }), count);
    copyTo(path, join(folder, `${count}.db`));
  });
  random.recording.finish();
  assert.ok(count >= 3, `${count}`);
  let known = 0;
  for (let n = 1; n <= count; n++) {
    for (const view of ['leaks', 'high_watermark', 'allocations']) {
      const sql = `SELECT * FROM ${view} ORDER BY stack_id, thread_id, allocator`;
      const inside = rows(`${path}@${n}`, sql);
      assert.deepEqual(inside, rows(join(folder, `${n}.db`), sql), `${view} of ${n}`);
      known += inside.length;
    }
  }
  assert.ok(known > 100, `${known}`);
});

test('sites without names at that time are still there', (context) => {
  const builder = new RecordBuilder();
  const recording = new Recording(context, builder);
  const thread = builder.thread(builder.process());
  builder.allocate(thread, 0x1000, 100, { stack: builder.bareStack('complete', 'late') });
  recording.commit();
  recording.writer.takeSnapshot({ ...NO_FIGURES, timeNs: LATEST });
  builder.symbolize('late');
  recording.finish();
  const sql = 'SELECT function, bytes FROM leaks';
  assert.deepEqual(rows(recording.path, sql), [{ function: 'late', bytes: 100 }]);
  assert.deepEqual(rows(`${recording.path}@1`, sql), [{ function: null, bytes: 100 }]);
});

test('facts, figures and processes are those of its moment', (context) => {
  const { path, writer } = smallRecording(context);
  const metrics = [{ name: 'answer', value: 42, format: 'int' }];
  writer.takeSnapshot({ ...NO_FIGURES, timeNs: 2e9, metrics });
  writer.addMetrics(1, [{ name: 'late', value: 0.5, format: 'percent' }]);
  const db = openReader(`${path}@1`);
  context.after(() => db.close());
  const source = new Reader(db);
  const meta = Object.fromEntries(source.all<{ key: string; value: string }>('meta').map((r) => [r.key, r.value]));
  assert.deepEqual(
    [meta.status, meta.ended_at, meta.snapshot_at, meta.snapshot, meta.traces],
    ['complete', TAKEN_AT, TAKEN_AT, '1', undefined],
  );
  assert.deepEqual(source.all('metrics'), [...metrics, { name: 'late', value: 0.5, format: 'percent' }]);
  assert.equal(liveBlocks(db), null);
  assert.throws(() => source.all('sites_temporary_allocations'), /has no temporary allocations: take one into a file/);
  assert.deepEqual(
    new Reader(openReader(path)).all<{ reason: string }>('snapshots').map(({ reason }) => reason),
    ['delay'],
  );
});

test('blocks are rows again', (context) => {
  const { path, writer } = smallRecording(context);
  const blocks = {
    count: 2,
    processes: [1, 1],
    addresses: [0x7f00_0000_1000, 2 ** 47],
    bytes: [9, 2 ** 40],
    sites: [1, 0],
  };
  writer.takeSnapshot({ ...NO_FIGURES, timeNs: 2e9, blocks });
  const db = openReader(`${path}@1`);
  context.after(() => db.close());
  assert.deepEqual(
    liveBlocks(db)?.map(({ address, bytes, pid }) => [address, bytes, pid]),
    [
      [0x7f00_0000_1000, 9, 100],
      [2 ** 47, 2 ** 40, 100],
    ],
  );
});

/** A recording of a process with one block, after its first commit. */
function smallRecording(context: TestContext): Recording {
  const builder = new RecordBuilder();
  const recording = new Recording(context, builder);
  builder.allocate(builder.thread(builder.process({ pid: 100 })), 0x1000, 100);
  return recording.commit();
}

test('packed blocks that are damaged are an error', () => {
  const [part] = packBlocks({ count: 1, processes: [3], addresses: [4096], bytes: [8], sites: [0] });
  assert.deepEqual([...unpackBlocks(part!)], [{ process_id: 3, address: 4096, bytes: 8, site_id: null }]);
  assert.throws(() => [...unpackBlocks(part!.subarray(1))], StoreError);
  assert.deepEqual([...packBlocks({ count: 0, processes: [], addresses: [], bytes: [], sites: [] })], []);
});

test('an address of none says which there are', (context) => {
  const path = join(temporaryFolder(context), 'capture.db');
  smallCapture(path);
  assert.throws(() => openReader(`${path}@1`), /capture\.db has no snapshot @1: it has none/);
  assert.throws(() => openReader(`${path}.2@1`), /^UserError: No such file: .*capture\.db\.2@1$/);
});
