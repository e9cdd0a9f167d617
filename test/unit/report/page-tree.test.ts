import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Columns } from '../../../src/report/page/decode.ts';
import { frameLabel, framePlace } from '../../../src/report/page/label.ts';
import { memoryCsv } from '../../../src/report/page/memory-csv.ts';
import { searchFrames } from '../../../src/report/page/search.ts';
import { timeline } from '../../../src/report/page/timeline.ts';
import { Tree } from '../../../src/report/page/tree.ts';
import { thinTimeline } from '../../../src/report/timeline.ts';

/** all { main { load, save }, idle }, as in the comment of tree.ts. */
const TREE = new Tree(Uint32Array.of(0, 1, 2, 2, 1));
const ENTRIES = {
  node: Uint32Array.of(2, 3, 3, 4),
  thread: Uint32Array.of(0, 0, 1, 1),
  value: Float64Array.of(800, 200, 50, 50),
};

test('subtrees, totals and positions of the example', () => {
  assert.deepEqual([...TREE.parent], [0, 0, 1, 1, 0]);
  assert.deepEqual([...TREE.last], [4, 3, 2, 3, 4]);
  const total = TREE.totals(ENTRIES, () => true);
  assert.deepEqual([...total], [1100, 1050, 800, 250, 50]);
  const layout = TREE.layout(total);
  assert.deepEqual([...layout.begin], [0, 0, 0, 800, 1050]);
  assert.deepEqual([...TREE.totals(ENTRIES, (thread) => thread === 1)], [100, 50, 0, 50, 50]);
});

test('moving and pointing', () => {
  const total = TREE.totals(ENTRIES, () => true);
  const layout = TREE.layout(total);
  assert.deepEqual(TREE.children(0), [1, 4]);
  assert.equal(TREE.at(layout, 0, 2, 799), 2);
  assert.equal(TREE.at(layout, 0, 2, 800), 3);
  assert.equal(TREE.at(layout, 0, 2, 1060), undefined);
  assert.equal(TREE.at(layout, 1, 1, 5), 1);
  assert.deepEqual([TREE.sibling(2, 1, total), TREE.sibling(3, 1, total), TREE.sibling(0, 1, total)], [3, 3, 0]);
  assert.equal(TREE.ancestor(3, 0), 0);
  assert.deepEqual([TREE.height(0, total, 0), TREE.height(0, total, 900), TREE.height(4, total, 0)], [2, 1, 1]);
});

test('what is a node’s own, alone or with nodes that belong to it', () => {
  const total = TREE.totals(ENTRIES, () => true);
  const own = (...belonging: number[]) => TREE.own(0, total, (node) => belonging.includes(node));
  assert.deepEqual([own(), own(4), own(1), own(1, 2), own(1, 2, 3, 4)], [0, 50, 0, 800, 1100]);
  assert.equal(own(2), 0, 'what does not belong cuts off what is below it');
  assert.deepEqual([TREE.own(1, total, () => true), TREE.own(3, total, () => true)], [1050, 250]);
});

test('a label keeps the function, then the line, then the directories', () => {
  const place = '/srv/app/archive.py:12';
  const label = (width: number) => frameLabel('Archive.pack', place, width);
  assert.equal(label(35), 'Archive.pack /srv/app/archive.py:12');
  assert.equal(label(34), 'Archive.pack …/app/archive.py:12');
  assert.equal(label(28), 'Archive.pack …/archive.py:12');
  assert.equal(label(27), 'Archive.pack');
  assert.equal(label(10), 'Archive.p…');
  assert.equal(frameLabel('f', 'a.py:1', 8), 'f a.py:1');
  assert.equal(frameLabel('f', 'a.py:1', 7), 'f');
  assert.equal(frameLabel('main', '', 10), 'main');
  assert.equal(frameLabel('alloc', 'node:internal/buffer:8', 21), 'alloc node:…/buffer:8');
  for (let width = 3; width < 40; width++) assert.ok(label(width).length <= width, label(width));
});

test('a place without a line, and none', () => {
  const columns = {
    texts: ['', 'a.py'],
    frame_file: Uint32Array.of(0, 1, 1),
    frame_line: Uint32Array.of(3, 0, 7),
  } as unknown as Columns;
  assert.deepEqual(
    [0, 1, 2].map((frame) => framePlace(columns, frame)),
    ['', 'a.py', 'a.py:7'],
  );
});

test('a match inside a match is counted once', () => {
  const total = TREE.totals(ENTRIES, () => true);
  assert.deepEqual(
    TREE.matched(total, (node) => node === 1 || node === 3),
    { total: 1050, nodes: 2 },
  );
  assert.deepEqual(
    TREE.matched(total, (node) => node >= 2),
    { total: 1100, nodes: 3 },
  );
});

test('random trees against recursion', () => {
  let seed = 3;
  const random = (n: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  for (let round = 0; round < 50; round++) {
    const depth = [0];
    while (depth.length < 200) depth.push(1 + random(depth.at(-1)! + 1));
    const tree = new Tree(Uint32Array.from(depth));
    const own = depth.map(() => random(1000));
    const entries = {
      node: Uint32Array.from(depth.keys()),
      thread: new Uint32Array(200),
      value: Float64Array.from(own),
    };
    const total = tree.totals(entries, () => true);
    const sum = (node: number): number => own[node]! + tree.children(node).reduce((n, child) => n + sum(child), 0);
    const { begin } = tree.layout(total);
    for (let node = 0; node < 200; node++) {
      assert.equal(total[node], sum(node));
      let at = begin[node]!;
      for (const child of tree.children(node)) {
        assert.equal(begin[child], at);
        at += total[child]!;
      }
    }
  }
});

test('search looks at functions, places and modules', () => {
  const columns = {
    texts: ['', 'main', '/src/a.c', '/lib/libz.so', 'inflate[0]'],
    frame_function: Uint32Array.of(1, 4),
    frame_file: Uint32Array.of(2, 0),
    frame_line: Uint32Array.of(12, 0),
    frame_module: Uint32Array.of(0, 3),
  } as unknown as Columns;
  const found = (text: string) => [...(searchFrames(columns, text).matches ?? [])];
  assert.deepEqual(found('MAIN'), [1, 0]);
  assert.deepEqual(found('a\\.c:12$'), [1, 0]);
  assert.deepEqual(found('libz'), [0, 1]);
  assert.deepEqual(found('main|inflate'), [1, 1]);
  assert.deepEqual(searchFrames(columns, 'inflate['), { matches: Uint8Array.of(0, 1), isValid: false });
  assert.deepEqual(searchFrames(columns, ''), { matches: null, isValid: true });
});

const MEMORY = {
  memory_process: Uint32Array.of(0, 1, 0, 0),
  memory_ms: Float64Array.of(0, 2, 4, 6),
  memory_heap: Float64Array.of(10, 5, 30, 20),
  memory_rss: Float64Array.of(100, Number.NaN, 100, Number.NaN),
} as unknown as Columns;

test('processes are added up over time, each until its end', () => {
  const processes = [
    { pid: 1, name: 'a', ended_ms: null },
    { pid: 2, name: 'b', ended_ms: 5 },
  ];
  const heap = (process: number | null) => timeline(MEMORY, processes, process).map((point) => [point.ms, point.heap]);
  assert.deepEqual(heap(null), [
    [0, 10],
    [2, 15],
    [4, 35],
    [5, 30],
    [6, 20],
  ]);
  assert.deepEqual(heap(1), [[2, 5]]);
  assert.equal(timeline(MEMORY, processes, null).at(-1)!.rss, 100);
  const data = { processes } as Parameters<typeof memoryCsv>[0];
  assert.equal(memoryCsv(data, MEMORY).split('\n')[2], '2,2000000,5,');
});

test('a thinned time line keeps ends and peaks', () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => ({
    process_id: i % 2,
    time_ns: i * 1000,
    heap_bytes: i === 31_337 ? 1e9 : i % 1000,
    live_allocations: 0,
    rss_bytes: i === 20_000 ? 2e9 : null,
  }));
  const thin = thinTimeline(rows);
  assert.ok(thin.length < 7000, `${thin.length} points`);
  assert.ok(thin.includes(rows[0]!) && thin.includes(rows.at(-1)!));
  assert.ok(thin.includes(rows[31_337]!) && thin.includes(rows[20_000]!));
  assert.ok(thin.every((row, i) => i === 0 || row.time_ns >= thin[i - 1]!.time_ns));
});
