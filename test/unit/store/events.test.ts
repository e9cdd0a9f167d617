import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openReader, type Row } from '../../../src/store/db.ts';
import { addEventsView, canReplay } from '../../../src/store/events.ts';
import type { Symbolizer } from '../../../src/symbolize/symbolizer.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

/** What the version of mp that recorded the fixture said. */
const SUMS = [
  { operation: 'allocate', n: 302, bytes: 47245331785, first: 14284, last: 640316290, addresses: 270058328, stacks: 3 },
  { operation: 'free', n: 257, bytes: 1292611, first: 14285, last: 640364648, addresses: 221563553, stacks: 0 },
];

function query(path: string, sql: string): Row[] {
  const db = openReader(path);
  try {
    addEventsView(db);
    return db.all(sql);
  } finally {
    db.close();
  }
}

function recording(context: TestContext, operations?: RandomOperations): Recording {
  return new Recording(context, operations?.builder, { withEvents: true });
}

test('every event, with its stack although that was named later', (context) => {
  const one = recording(context);
  const { builder } = one;
  const process = builder.process();
  const thread = builder.thread(process, { tid: 7 });
  const stack = builder.bareStack('complete', 'main');
  builder.at(1000).allocate(thread, 0x7f00_1234_5678, 10, { stack });
  one.commit();
  builder.symbolize('main');
  builder.at(2000).realloc(thread, 0x7f00_1234_5678, 0x2000, 20, stack);
  builder.at(3000).free(thread, 0x2000).free(thread, 0x2000).free(thread, 0x9999);
  builder.at(4050).map(thread, 0x10000, 5000, 0, stack).unmap(thread, 0x10000, 4096);
  builder.at(5000).release(thread, 0x2000).cancel(thread);
  one.finish();
  const rows = query(one.path, 'SELECT * FROM events').map((row) => Object.values(row).join(' '));
  assert.deepEqual(rows, [
    `1000 1 1000 7 allocate malloc ${0x7f00_1234_5678} 10 1`,
    `2000 1 1000 7 free realloc ${0x7f00_1234_5678}  `,
    '2000 1 1000 7 allocate realloc 8192 20 1',
    '3000 1 1000 7 free free 8192  ',
    '3000 1 1000 7 free free 39321  ',
    '4000 1 1000 7 allocate mmap 65536 5000 1',
    '4000 1 1000 7 free munmap 65536 4096 ',
  ]);
  assert.deepEqual(query(one.path, 'SELECT DISTINCT typeof(time_ns) AS t FROM events'), [{ t: 'integer' }]);
});

test('allocations add up to the sites', (context) => {
  const operations = new RandomOperations(8);
  const one = recording(context, operations);
  for (let step = 1; step <= 20_000; step++) {
    operations.step();
    if (step === 9000) operations.symbolize();
    if (step % 1500 === 0) one.commit();
  }
  one.finish();
  const difference = `
    SELECT s.id FROM site s LEFT JOIN (
      SELECT process_id, tid, allocator, stack_id, count(*) AS n, sum(size) AS bytes FROM events
      WHERE operation = 'allocate' GROUP BY 1, 2, 3, 4) e
    ON e.process_id = s.process_id AND e.allocator = s.allocator AND e.stack_id IS s.stack_id
      AND e.tid = (SELECT tid FROM thread t WHERE t.id = s.thread_id)
    GROUP BY s.process_id, e.tid, s.allocator, s.stack_id
    HAVING sum(s.allocations) IS NOT e.n OR sum(s.allocated_bytes) IS NOT e.bytes`;
  assert.deepEqual(query(one.path, difference), []);
  const [{ bytes, n }] = query(
    one.path,
    'SELECT (SELECT sum(length(data)) FROM event_chunk) AS bytes, count(*) AS n FROM events',
  ) as [{ bytes: number; n: number }];
  assert.ok(n > 10_000 && bytes / n < 7, `${n} events, ${bytes} bytes`);
});

test('a commit that failed and is repeated loses and doubles none', (context) => {
  const [one, other] = [new RandomOperations(8), new RandomOperations(8)];
  const [whole, broken] = [recording(context, one), recording(context, other)];
  for (let step = 1; step <= 3000; step++) {
    one.step();
    other.step();
    if (step % 500 !== 0) continue;
    whole.commit();
    const { aggregator, symbolizer, writer } = broken.apply();
    if (step % 1000 === 0)
      assert.throws(() => writer.commit(aggregator, withoutLosses(symbolizer), {}), /disk on fire/);
    broken.commit();
  }
  const all = 'SELECT * FROM events';
  assert.deepEqual(query(broken.finish().path, all), query(whole.finish().path, all));
});

/** Fails what is asked for last in a commit. */
function withoutLosses(symbolizer: Symbolizer): Symbolizer {
  return new Proxy(symbolizer, {
    get(target, name) {
      if (name === 'unsymbolizedFrames') throw new Error('disk on fire');
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('events of the first version are read, but not done once more', (context) => {
  const path = join(temporaryFolder(context), 'old.db');
  writeFileSync(path, gunzipSync(readFileSync(new URL('../../fixtures/events-1.db.gz', import.meta.url))));
  const sums = `SELECT operation, count(*) AS n, sum(size) AS bytes, min(time_ns) AS first, max(time_ns) AS last,
    sum(address % 1000003) AS addresses, count(DISTINCT stack_id) AS stacks FROM events GROUP BY operation`;
  assert.deepEqual(query(path, sums), SUMS);
  const db = openReader(path);
  assert.equal(canReplay(db), false);
  db.close();
});

test('a capture without events says so', (context) => {
  const one = new Recording(context);
  one.finish();
  assert.throws(() => query(one.path, 'SELECT * FROM events'), { name: 'UserError', message: /record with --events/ });
});
