import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openReader, type Row } from '../../../src/store/db.ts';
import { addEventsView } from '../../../src/store/events.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';

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
  builder.at(100).allocate(thread, 0x7f00_1234_5678, 10, { stack });
  one.commit();
  builder.symbolize('main');
  builder.at(200).realloc(thread, 0x7f00_1234_5678, 0x2000, 20, stack);
  builder.at(300).free(thread, 0x2000).free(thread, 0x2000).free(thread, 0x9999);
  builder.at(400).map(thread, 0x10000, 5000, 0, stack).unmap(thread, 0x10000, 4096);
  builder.at(500).release(thread, 0x2000).cancel(thread);
  one.finish();
  const rows = query(one.path, 'SELECT * FROM events').map((row) => Object.values(row).join(' '));
  assert.deepEqual(rows, [
    `100 1 1000 7 allocate malloc ${0x7f00_1234_5678} 10 1`,
    `201 1 1000 7 free realloc ${0x7f00_1234_5678}  `,
    '201 1 1000 7 allocate realloc 8192 20 1',
    '300 1 1000 7 free free 8192  ',
    '302 1 1000 7 free free 39321  ',
    '400 1 1000 7 allocate mmap 65536 5000 1',
    '401 1 1000 7 free munmap 65536 4096 ',
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
  assert.ok(n > 10_000 && bytes / n < 9, `${n} events, ${bytes} bytes`);
});

test('a capture without events says so', (context) => {
  const one = new Recording(context);
  one.finish();
  assert.throws(() => query(one.path, 'SELECT * FROM events'), { name: 'UserError', message: /record with --events/ });
});
