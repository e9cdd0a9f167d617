import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizeClassMax, sizeClassMin } from '../../../src/model/size-class.ts';
import { sizeHistogram } from '../../../src/report/histogram.ts';
import { computeStats, statsJson, statsText } from '../../../src/report/stats.ts';
import { emptyCapture, forkCapture, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { openCapture, PLAIN } from './command.ts';

test('totals, allocators, places and modules', (t) => {
  const stats = computeStats(openCapture(t, smallCapture), { pid: null, top: 2 });
  assert.equal(stats.total_num_allocations, 116);
  assert.equal(stats.total_bytes_allocated, 3152488);
  assert.equal(stats.peak_bytes, 3151424);
  assert.deepEqual(stats.allocator_type_distribution, { malloc: 112, calloc: 3, mmap: 1 });
  assert.deepEqual(stats.top_allocations_by_size, [
    { location: `${LONG_NAME}:/usr/include/c++/12/vector:446`, size: 3145728 },
    { location: '<stack trace unavailable>', size: 4096 },
  ]);
  assert.deepEqual(stats.top_allocations_by_count, [
    { location: 'strdup:/usr/lib/x86_64-linux-gnu/libc.so.6', count: 100 },
    { location: 'load:/src/app/load.c:20', count: 10 },
  ]);
  assert.deepEqual(stats.top_modules_by_allocation_size, [
    { module: '/usr/bin/app', num_allocations: 13, total_bytes: 3146728 },
    { module: '/usr/lib/x86_64-linux-gnu/libc.so.6', num_allocations: 100, total_bytes: 1600 },
  ]);
});

test('one of several processes', (t) => {
  const capture = openCapture(t, forkCapture);
  assert.equal(computeStats(capture, { pid: null, top: 5 }).peak_bytes, 1500);
  const child = computeStats(capture, { pid: 201, top: 5 });
  assert.deepEqual([child.total_bytes_allocated, child.peak_bytes, child.total_num_allocations], [500, 500, 1]);
});

test("JSON has memray's keys", (t) => {
  const document = JSON.parse(statsJson(openCapture(t, smallCapture), { pid: null, top: 5 }));
  for (const key of [
    'total_num_allocations',
    'total_bytes_allocated',
    'allocation_size_histogram',
    'allocator_type_distribution',
    'top_allocations_by_size',
    'top_allocations_by_count',
    'top_modules_by_allocation_size',
    'top_modules_by_allocation_count',
    'metadata',
  ]) {
    assert.ok(key in document, key);
  }
  const bins: { min_bytes: number; max_bytes: number; count: number }[] = document.allocation_size_histogram;
  assert.equal(
    bins.reduce((sum, bin) => sum + bin.count, 0),
    116,
  );
});

test("metadata has memray's keys, of one process or of all", (t) => {
  const metadata = (build: (path: string) => void, pid: number | null = null) =>
    JSON.parse(statsJson(openCapture(t, build), { pid, top: 5 })).metadata;
  const { start_time, end_time, total_allocations, total_frames, ...rest } = metadata(smallCapture);
  assert.deepEqual([start_time, end_time], ['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:07.500Z']);
  assert.deepEqual([total_allocations, total_frames], [116, 6]);
  assert.deepEqual(
    [rest.peak_memory, rest.pid, rest.main_thread_id, rest.command_line],
    [3151424, 100, 100, './app --size 3'],
  );
  assert.deepEqual([rest.has_native_traces, rest.trace_python_allocators], [true, false]);
  const child = metadata(forkCapture, 201);
  assert.deepEqual([child.pid, child.peak_memory, child.total_allocations, child.start_time], [201, 500, 1, null]);
  const options = JSON.stringify({ native: false, tracePythonAllocators: true });
  const python = metadata((path) => smallCapture(path, { meta: { options } }));
  assert.deepEqual([python.has_native_traces, python.trace_python_allocators], [false, true]);
});

test('nothing allocated', (t) => {
  assert.match(
    statsText(openCapture(t, emptyCapture), { pid: null, top: 5 }, PLAIN),
    /^No allocations were recorded\.$/m,
  );
});

test('bars are at most 25 long and present wherever something was counted', (t) => {
  const lines = statsText(openCapture(t, smallCapture), { pid: null, top: 5 }, PLAIN).split('\n');
  const bars = lines.flatMap((line) => / … .*: +([\d,]+) ?(▇*)$/.exec(line)?.slice(1) ?? []);
  assert.equal(bars.length, 20);
  for (let i = 0; i < bars.length; i += 2) {
    assert.equal(bars[i] === '0', bars[i + 1] === '');
    assert.ok(bars[i + 1]!.length <= 25);
  }
  assert.ok(bars.includes('▇'.repeat(25)));
});

test('a histogram keeps every count: bins follow each other and no class is cut', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  for (let round = 0; round < 300; round++) {
    const wanted = new Set(Array.from({ length: 1 + random(30) }, () => random(random(2) === 0 ? 40 : 300)));
    const classes = [...wanted]
      .sort((a, b) => a - b)
      .map((index) => ({
        min_bytes: sizeClassMin(index),
        max_bytes: sizeClassMax(index),
        allocations: 1 + random(1000),
        bytes: 0,
      }));
    const bins = sizeHistogram(classes);
    assert.ok(bins.length >= 1 && bins.length <= 10);
    assert.equal(bins[0]!.min_bytes, classes[0]!.min_bytes);
    assert.equal(bins.at(-1)!.max_bytes, classes.at(-1)!.max_bytes);
    for (const [i, bin] of bins.entries()) {
      assert.ok(bin.min_bytes <= bin.max_bytes);
      if (i > 0) assert.equal(bin.min_bytes, bins[i - 1]!.max_bytes + 1);
      const inside = classes.filter((row) => row.min_bytes >= bin.min_bytes && row.max_bytes <= bin.max_bytes);
      assert.equal(
        bin.count,
        inside.reduce((sum, row) => sum + row.allocations, 0),
      );
    }
    const total = classes.reduce((sum, row) => sum + row.allocations, 0);
    assert.equal(
      bins.reduce((sum, bin) => sum + bin.count, 0),
      total,
    );
  }
});

test('histograms of one size, of nothing, and with zero bytes', () => {
  const row = (min_bytes: number, max_bytes: number, allocations: number) => ({
    min_bytes,
    max_bytes,
    allocations,
    bytes: 0,
  });
  assert.deepEqual(sizeHistogram([]), []);
  assert.deepEqual(sizeHistogram([row(8, 8, 3)]), [{ min_bytes: 8, max_bytes: 8, count: 3 }]);
  const bins = sizeHistogram([row(0, 0, 2), row(1024, 1151, 5)]);
  assert.equal(bins.length, 10);
  assert.deepEqual([bins[0]!.count, bins[9]!.count], [2, 5]);
});
