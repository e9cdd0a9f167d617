import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nsPerAllocation, sumRunTime } from '../../../scripts/bench/bpf-statistics.ts';

/** Two tracers, as bpftool shows them; the second has not run, hence no counts, and a program without a name. */
const LISTING = JSON.stringify([
  { id: 11, type: 'kprobe', name: 'allocator_entry', run_time_ns: 1000, run_cnt: 4 },
  { id: 12, type: 'kprobe', name: 'allocator_return', run_time_ns: 5000, run_cnt: 4 },
  { id: 13, type: 'kprobe', name: 'deallocator_entry', run_time_ns: 700, run_cnt: 3 },
  { id: 21, type: 'kprobe', name: 'allocator_entry', run_time_ns: 80_000, run_cnt: 90 },
  { id: 22, type: 'kprobe', name: 'allocator_session' },
  { id: 23, type: 'cgroup_skb' },
]);

test('run times are of the programs of the one tracer, and of the kind that is asked for', () => {
  assert.deepEqual(sumRunTime(LISTING, new Set([11, 12, 13]), 'allocator_'), { runs: 8, timeNs: 6000 });
  assert.deepEqual(sumRunTime(LISTING, new Set([22, 23]), 'allocator_'), { runs: 0, timeNs: 0 });
});

test('it is an error if no program matches', () => {
  assert.throws(() => sumRunTime(LISTING, new Set([13, 23]), 'allocator_'), /no BPF program allocator_… among 13, 23/);
  assert.throws(() => sumRunTime(LISTING, new Set(), 'allocator_'), /among none/);
});

test('an allocation is two runs; another number of them was something else', () => {
  const before = { runs: 50, timeNs: 9000 };
  assert.equal(nsPerAllocation(before, { runs: 2050, timeNs: 1_009_000 }, 1000), 1000);
  assert.equal(nsPerAllocation(before, { runs: 2070, timeNs: 1_009_000 }, 1000), 1000);
  assert.throws(() => nsPerAllocation(before, { runs: 2049, timeNs: 1_009_000 }, 1000), /1999 runs .* 1000 alloc/);
  assert.throws(() => nsPerAllocation(before, { runs: 2071, timeNs: 1_009_000 }, 1000), /2021 runs/);
});
