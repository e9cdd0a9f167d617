import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Db, openWriter } from '../../../src/store/db.ts';
import { MemoryRows } from '../../../src/store/memory-rows.ts';

const POINT_NS = 10e6;

function emptyCapture(t: TestContext): Db {
  const folder = mkdtempSync(join(tmpdir(), 'mp-memory-'));
  const db = openWriter(join(folder, 'capture.db'));
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  for (const id of [1, 2]) db.run("INSERT INTO process (id, pid, origin, started_ns) VALUES (?, 7, 'launch', 0)", [id]);
  return db;
}

interface Row {
  process_id: number;
  time_ns: number;
  heap_bytes: number;
}

const rowsOf = (db: Db) =>
  db.all<Row>('SELECT process_id, time_ns, heap_bytes FROM memory ORDER BY process_id, time_ns');

const point = (n: number, heapBytes: number) => ({
  timeNs: n * POINT_NS,
  heapBytes,
  liveAllocations: 1,
  rssBytes: null,
});

test('a long recording keeps a bounded number of points, each peak, and the end of the line', (t) => {
  const db = emptyCapture(t);
  const memory = new MemoryRows(db, { maxRows: 1000, stepRows: 64 });
  const count = 20_000;
  let most = 0;
  const heapOf = (n: number, process: number) => (n * 7919 * process) % 1009;
  for (let n = 0; n < count; n += 25) {
    db.transaction(() => {
      for (const process of [1, 2]) {
        const points = Array.from({ length: 25 }, (_, i) => point(n + i, heapOf(n + i, process)));
        if (n <= 777 && 777 < n + 25) points.push(point(777.5, 5000 * process)); // the exact peak
        memory.write(process, points);
      }
      memory.thin();
    });
    memory.committed();
    most = Math.max(most, db.all<{ n: number }>('SELECT count(*) AS n FROM memory')[0]!.n);
  }
  assert.ok(most < 4000, `${most} rows`);
  const rows = rowsOf(db);
  for (const process of [1, 2]) {
    const own = rows.filter((row) => row.process_id === process);
    assert.deepEqual(
      own.filter(({ heap_bytes }) => heap_bytes >= 5000).map(({ time_ns, heap_bytes }) => [time_ns, heap_bytes]),
      [[777.5 * POINT_NS, 5000 * process]],
    );
    assert.deepEqual(own.at(-1)!.time_ns, (count - 1) * POINT_NS);
    for (const { time_ns, heap_bytes } of own)
      if (heap_bytes < 5000) assert.equal(heap_bytes, heapOf(time_ns / POINT_NS, process), 'what stays is unchanged');
  }
});

test('few points all stay', (t) => {
  const db = emptyCapture(t);
  const memory = new MemoryRows(db, { maxRows: 100 });
  memory.write(
    1,
    Array.from({ length: 100 }, (_, n) => point(n, n)),
  );
  memory.thin();
  assert.equal(rowsOf(db).length, 100);
});

test('points that cannot be fewer are not looked at again and again', (t) => {
  const db = emptyCapture(t);
  const memory = new MemoryRows(db, { maxRows: 10, stepRows: 8 });
  const far = Array.from({ length: 20 }, (_, n) => point(n * 1000, n));
  memory.write(1, far);
  for (let i = 0; i < 10; i++) memory.thin();
  assert.equal(rowsOf(db).length, 20);
  memory.write(1, [point(100_000, 1)]);
  const reads = t.mock.method(db, 'all');
  memory.thin();
  assert.equal(reads.mock.callCount(), 0);
});

test('a commit that failed changes nothing of what is known', (t) => {
  const db = emptyCapture(t);
  const memory = new MemoryRows(db, { maxRows: 10 });
  const write = () => {
    memory.write(
      1,
      Array.from({ length: 30 }, (_, n) => point(n, n)),
    );
    memory.thin();
  };
  assert.throws(() =>
    db.transaction(() => {
      write();
      throw new Error('disk full');
    }),
  );
  memory.failed();
  assert.equal(rowsOf(db).length, 0);
  db.transaction(write);
  memory.committed();
  assert.equal(rowsOf(db).length, 15);
});
