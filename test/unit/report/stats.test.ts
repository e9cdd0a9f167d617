import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sizeClassMax, sizeClassMin } from '../../../src/model/size-class.ts';
import { sizeHistogram } from '../../../src/report/histogram.ts';
import { computeStats, statsJson, statsText } from '../../../src/report/stats.ts';
import { emptyCapture, forkCapture, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { openCapture, PLAIN } from './command.ts';
import { pythonCapture } from './python-capture.ts';

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
  assert.deepEqual(document.top_allocations_by_size[1], { location: '<stack trace unavailable>', size: 4096 });
  assert.deepEqual(Object.keys(document.top_allocations_by_count[0]), ['location', 'count']);
  assert.deepEqual(Object.keys(document.top_modules_by_allocation_size[0]), [
    'module',
    'num_allocations',
    'total_bytes',
  ]);
  for (const key of [
    'start_time',
    'end_time',
    'total_allocations',
    'total_frames',
    'peak_memory',
    'command_line',
    'pid',
    'main_thread_id',
    'python_allocator',
    'has_native_traces',
    'trace_python_allocators',
    'file_format',
  ]) {
    assert.ok(key in document.metadata, key);
  }
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
  assert.deepEqual([rest.python_allocator, rest.file_format], [null, 1]);
  const aggregated = metadata((path) => smallCapture(path, { meta: { options: '{"aggregate":true}' } }));
  assert.equal(aggregated.file_format, 2);
  assert.equal(metadata((path) => pythonCapture(path)).python_allocator, 'pymalloc');
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
    assert.equal(bins.length, 10);
    assert.equal(bins[0]!.min_bytes, 0);
    assert.ok(Math.abs(bins.at(-1)!.max_bytes - classes.at(-1)!.max_bytes) <= 1);
    for (const [i, bin] of bins.entries()) {
      if (i > 0) assert.equal(bin.min_bytes, bins[i - 1]!.max_bytes + 1);
      // memray's ends are cut to whole bytes, its counts are not: single sizes at an end may be in the bin before.
      const wide = classes.filter((row) => row.min_bytes < row.max_bytes);
      const cut = wide.filter((row) => row.min_bytes < bin.min_bytes && bin.min_bytes <= row.max_bytes);
      assert.deepEqual(cut, [], `begins at ${bin.min_bytes}`);
    }
    const total = classes.reduce((sum, row) => sum + row.allocations, 0);
    assert.equal(
      bins.reduce((sum, bin) => sum + bin.count, 0),
      total,
    );
  }
});

const row = (min_bytes: number, max_bytes: number, allocations: number) => ({
  min_bytes,
  max_bytes,
  allocations,
  bytes: 0,
});

/** [min_bytes, max_bytes, count] of each bin. */
const binsOf = (classes: ReturnType<typeof row>[]) =>
  sizeHistogram(classes).map((bin) => [bin.min_bytes, bin.max_bytes, bin.count]);

test("bins are memray's: worked by hand from ln, exp and their truncation", () => {
  // ln 16 = 2.7726, ln 1048576 = 13.8629, step 1.10904; ends e^3.8816 = 48.5, e^4.9906 = 147.03, … Zero is in the first.
  const sizes: [size: number, count: number][] = [
    [0, 2],
    [16, 1],
    [100, 4],
    [4096, 7],
    [1048576, 1],
  ];
  assert.deepEqual(binsOf(sizes.map(([size, count]) => row(size, size, count))), [
    [0, 47, 3],
    [48, 146, 4],
    [147, 444, 0],
    [445, 1350, 0],
    // ln 4096 = 8.3178 is at the edge, 2.7726 + 5 × 1.10904; by rounding it is in the bin below, as in memray's.
    [1351, 4094, 7],
    [4095, 12415, 0],
    [12416, 37639, 0],
    [37640, 114103, 0],
    [114104, 345900, 0],
    [345901, 1048576, 1],
  ]);
  // ln 3 = 1.0986, ln 100 = 4.6052, step 0.35066: 3 | 4.26 6.05 8.59 12.20 17.32 24.60 34.93 49.60 70.43 100
  assert.deepEqual(binsOf([3, 5, 12, 13, 60, 100].map((size) => row(size, size, size))), [
    [0, 3, 3],
    [4, 5, 5],
    [6, 7, 0],
    [8, 11, 12],
    [12, 16, 13],
    [17, 23, 0],
    [24, 33, 0],
    [34, 48, 0],
    [49, 69, 60],
    [70, 100, 100],
  ]);
});

test('an end in the middle of a class moves to the nearer end of it, and the count stays whole', () => {
  // ln 10 = 2.3026, ln 1000 = 6.9078, step 0.46052: 15.85 25.12 39.8 63.1 100 …
  const bins = binsOf([row(10, 10, 1), row(24, 31, 5), row(60, 63, 7), row(1000, 1000, 1)]);
  assert.deepEqual(bins.slice(0, 5), [
    [0, 14, 1],
    [15, 23, 0],
    [24, 38, 5],
    [39, 63, 7],
    [64, 99, 0],
  ]);
});

test('histograms of one size, of nothing, and with zero bytes', () => {
  assert.deepEqual(binsOf([]), []);
  // ln 8 = 2.0794, half of it 1.0397, step 0.10397: the ends of most bins are the same whole number
  const one = binsOf([row(8, 8, 3)]);
  assert.deepEqual(one.slice(0, 5), [
    [0, 2, 0],
    [3, 2, 0],
    [3, 2, 0],
    [3, 3, 0],
    [4, 3, 0],
  ]);
  assert.equal(one[9]![2], 3);
  for (const size of [0, 1])
    assert.equal(
      binsOf([row(size, size, 4)]).reduce((sum, bin) => sum + bin[2]!, 0),
      4,
    );
  const bins = sizeHistogram([row(0, 0, 2), row(1024, 1151, 5)]);
  assert.equal(bins.length, 10);
  assert.equal(
    bins.reduce((sum, bin) => sum + bin.count, 0),
    7,
  );
  assert.equal(bins[0]!.count, 2);
});
