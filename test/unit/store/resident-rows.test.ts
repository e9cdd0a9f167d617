import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOCATOR } from '../../../src/model/abi.gen.ts';
import { Recording } from '../helpers/recording.ts';

const BUFFER = 'node::NodeArrayBufferAllocator::Allocate(unsigned long)';
const ROWS = 'SELECT process_id, time_ns, rss_bytes, v8_heap_bytes, live_buffer_bytes FROM resident';

test('all kinds are written, and together they are the resident set', (context) => {
  const recording = new Recording(context);
  const process = recording.builder.process();
  const kinds = { jitCodeBytes: 1, brkBytes: 2, anonymousBytes: 4, stackBytes: 8, fileBytes: 16, sharedBytes: 32 };
  recording.builder.at(100).resident(process, { ...kinds, untouchedBytes: 64 });
  recording.builder.at(200).resident(process, { ...kinds, v8HeapBytes: 128 });
  recording.finish();
  const kindsOfRow = { jit_code_bytes: 1, brk_bytes: 2, anonymous_bytes: 4, stack_bytes: 8, file_bytes: 16 };
  const row = { process_id: 1, time_ns: 100, rss_bytes: 63, v8_heap_bytes: null, ...kindsOfRow, shared_bytes: 32 };
  assert.deepEqual(recording.rows('SELECT * FROM resident'), [
    { ...row, untouched_bytes: 64, live_buffer_bytes: null },
    { ...row, time_ns: 200, rss_bytes: 191, v8_heap_bytes: 128, untouched_bytes: 0, live_buffer_bytes: 0 },
  ]);
});

test('Buffers are those that were live at that moment', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const process = builder.process();
  const thread = builder.thread(process);
  const [buffer, other] = [builder.stack('main', BUFFER), builder.stack('main', 'deflate')];
  builder.at(10).resident(process, { v8HeapBytes: 1 });
  builder.allocate(thread, 0x1000, 100, { stack: buffer }).allocate(thread, 0x2000, 1000, { stack: other });
  builder.allocate(thread, 0x3000, 7, { stack: buffer });
  builder.allocate(thread, 0x1000000, 4096, { stack: buffer, allocator: ALLOCATOR.MMAP });
  builder.at(50).resident(process, { v8HeapBytes: 2, anonymousBytes: 9 });
  builder.free(thread, 0x1000).at(70).resident(process, { v8HeapBytes: 3 }).free(thread, 0x3000);
  recording.finish();
  assert.deepEqual(recording.rows(ROWS), [
    { process_id: 1, time_ns: 10, rss_bytes: 1, v8_heap_bytes: 1, live_buffer_bytes: 0 },
    { process_id: 1, time_ns: 50, rss_bytes: 11, v8_heap_bytes: 2, live_buffer_bytes: 107 },
    { process_id: 1, time_ns: 70, rss_bytes: 3, v8_heap_bytes: 3, live_buffer_bytes: 7 },
  ]);
});

test('Buffers whose stacks get their names later are counted then', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const process = builder.process();
  const thread = builder.thread(process);
  const [buffer, unknown] = [builder.bareStack('complete', 'main', 'slow'), builder.bareStack('complete', 'never')];
  builder.allocate(thread, 0x1000, 100, { stack: buffer }).allocate(thread, 0x2000, 5, { stack: unknown });
  builder.at(50).resident(process, { v8HeapBytes: 2 });
  recording.commit();
  const buffers = () => recording.column('SELECT live_buffer_bytes FROM resident');
  assert.deepEqual(buffers(), [0]);
  builder.symbolize('main').symbolize('slow', { function: BUFFER });
  recording.commit();
  assert.deepEqual(buffers(), [100]);
  recording.finish();
  assert.deepEqual(buffers(), [100]);
});

test('a commit writes what is kept, and leaves nothing of what is not', (context) => {
  const recording = new Recording(context);
  const processes = [recording.builder.process(), recording.builder.process()];
  for (let i = 0; i < 300; i++) {
    for (const process of processes) recording.builder.at(i * 100 + process).resident(process, { brkBytes: i });
    if (i % 7 === 0) recording.commit();
  }
  recording.finish();
  assert.deepEqual(
    recording.rows('SELECT process_id, count(*) AS n, max(brk_bytes) AS most FROM resident GROUP BY 1'),
    [
      { process_id: 1, n: 64, most: 299 },
      { process_id: 2, n: 64, most: 299 },
    ],
  );
});

test('a record that refers to nothing is counted', (context) => {
  const recording = new Recording(context);
  const process = recording.builder.process();
  recording.builder.raw(11, process);
  recording.finish();
  assert.deepEqual(recording.column("SELECT count FROM loss WHERE kind = 'event_invalid'"), [1]);
});
