/** Samples of V8's heap in a capture: rows of their own, a view of their own, and no part of any sum. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recording } from '../helpers/recording.ts';

test('samples are in v8_samples and in no other view', (t) => {
  const recording = new Recording(t);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  const stack = builder.stack('main', 'make');
  builder.allocate(thread, 0x1000, 100, { stack }).sample(thread, 40_000, stack).sample(thread, 50_000, stack);
  recording.finish();
  assert.deepEqual(recording.rows('SELECT allocator, allocations, bytes, function FROM v8_samples'), [
    { allocator: 'v8_sample', allocations: 2, bytes: 90_000, function: 'make' },
  ]);
  for (const view of ['allocations', 'high_watermark', 'leaks']) {
    assert.deepEqual(recording.rows(`SELECT allocator, allocations, bytes FROM ${view}`), [
      { allocator: 'malloc', allocations: 1, bytes: 100 },
    ]);
  }
  assert.deepEqual(recording.rows('SELECT * FROM temporary_allocations'), []);
  assert.deepEqual(
    recording.rows(
      'SELECT allocations, allocated_bytes, deallocations, peak_bytes, leaked_allocations, leaked_bytes FROM process_summary',
    ),
    [
      {
        allocations: 1,
        allocated_bytes: 100,
        deallocations: 0,
        peak_bytes: 100,
        leaked_allocations: 1,
        leaked_bytes: 100,
      },
    ],
  );
  assert.deepEqual(recording.column('SELECT sum(bytes) FROM size_histogram'), [100]);
  assert.deepEqual(recording.column("SELECT deallocated_bytes FROM site WHERE allocator = 'v8_sample'"), [0]);
});

test('all views of sites have the same columns', (t) => {
  const recording = new Recording(t);
  recording.finish();
  const columns = (view: string) => recording.column(`SELECT name FROM pragma_table_info('${view}')`);
  assert.deepEqual(columns('v8_samples'), columns('allocations'));
});
