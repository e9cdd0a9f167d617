/** Samples of V8's heap count in their sites, and nowhere else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOCATOR } from '../../../src/model/abi.gen.ts';
import type { MemoryPoint } from '../../../src/model/accounts.ts';
import { emptySum } from '../../../src/store/site-rows.ts';
import { oneProcess } from '../helpers/one-process.ts';

const LARGE = 2 ** 33 + 5;

test('a sample is counted in its site, and is never live', () => {
  const { aggregator, builder, process, thread, apply } = oneProcess();
  const stack = builder.stack('main', 'make');
  builder.sample(thread, 40_000, stack).sample(thread, LARGE, stack);
  apply();
  const sum = emptySum();
  aggregator.addTo(0, sum);
  assert.equal(aggregator.allocatorOf(0), ALLOCATOR.V8_SAMPLE);
  assert.deepEqual(sum, { ...emptySum(), allocations: 2, allocatedBytes: 40_000 + LARGE });
  const { heap } = aggregator.process(process)!;
  assert.deepEqual([heap.heapBytes, heap.peakBytes, heap.liveAllocations], [0, 0, 0]);
  const [change] = [...aggregator.changes()];
  assert.deepEqual([...change!.sizes], []);
  assert.deepEqual(
    ([...change!.points] as MemoryPoint[]).filter((point) => point.heapBytes !== 0),
    [],
  );
  assert.deepEqual(aggregator.losses.event_invalid, 0);
});

test('samples between an allocation and its free do not keep it from being temporary', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.allocate(thread, 0x1000, 100);
  for (let i = 0; i < 5; i++) builder.sample(thread, 40_000);
  builder.free(thread, 0x1000);
  apply();
  const sum = emptySum();
  aggregator.addTo(0, sum);
  assert.equal(sum.temporaryAllocations[0], 1);
});

test('samples with a stack that is not whole are counted among those', () => {
  const { aggregator, builder, thread, apply } = oneProcess();
  builder.sample(thread, 40_000, builder.bareStack('truncated', 'main')).sample(thread, 40_000, 99);
  apply();
  assert.deepEqual([aggregator.losses.stack_truncated, aggregator.losses.stack_missing], [1, 1]);
});
