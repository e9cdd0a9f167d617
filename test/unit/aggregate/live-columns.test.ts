import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneProcess } from '../helpers/one-process.ts';

const BASE = 0x7f00_0000_0000;

test('every live block and piece of a mapping, with its site', () => {
  const { aggregator, builder, process, thread, other, apply } = oneProcess();
  const [a, b] = [builder.stack('a'), builder.stack('b')];
  builder.allocate(thread, 0x5555_8000_0010, 100, { stack: a }).allocate(other, 0x20, 2 ** 33, { stack: b });
  builder.allocate(thread, 0x40, 7, { stack: a }).free(other, 0x40);
  builder.map(thread, BASE, 3 * 4096, 0, b).unmap(thread, BASE + 4096, 4096);
  apply();
  const { count, ...columns } = aggregator.processes.liveBlocks();
  const rows = Array.from({ length: count }, (_, i) => [
    columns.addresses[i],
    columns.bytes[i],
    aggregator.stackOf(columns.sites[i]!),
    columns.processes[i],
  ]);
  assert.deepEqual(
    rows.sort((x, y) => x[0]! - y[0]!),
    [
      [0x20, 2 ** 33, b, process],
      [0x5555_8000_0010, 100, a, process],
      [BASE, 4096, b, process],
      [BASE + 2 * 4096, 4096, b, process],
    ],
  );
  assert.equal(aggregator.processes.tracedBytes, 100 + 2 ** 33 + 2 * 4096);
});

test('what has ended is not traced any more', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  builder.allocate(thread, 0x10, 100);
  apply();
  assert.deepEqual(aggregator.processes.running, [
    { pid: 1000, runtime: 'native', bytes: 100, blocks: 1, peakBytes: 100 },
  ]);
  builder.end(process);
  apply();
  assert.deepEqual(aggregator.processes.running, []);
  assert.equal(aggregator.processes.tracedBytes, 0);
  assert.equal(aggregator.processes.liveBlocks().count, 0);
});
