import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureFixture, forkCapture, smallCapture } from '../../helpers/capture-fixture.ts';
import { openCapture } from '../command.ts';
import { exported } from './read-exports.ts';

interface Snapshot {
  time: number;
  bytes: number;
  tree: string;
  /** Lines of the tree. */
  lines: string[];
}

/** Reads the format as ms_print does, and checks every tree: the number of children, their sums, their depth. */
function readMassif(text: string): { header: string[]; snapshots: Snapshot[] } {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const header = lines.splice(
    0,
    lines.findIndex((line) => line.startsWith('snapshot=')),
  );
  const snapshots: Snapshot[] = [];
  const value = (name: string) => {
    const [key, found] = lines.shift()!.split('=');
    assert.equal(key, name);
    return found!;
  };
  while (lines.length > 0) {
    assert.equal(value('snapshot'), `${snapshots.length}`);
    const [time, bytes] = [Number(value('time')), Number(value('mem_heap_B'))];
    assert.deepEqual([value('mem_heap_extra_B'), value('mem_stacks_B')], ['0', '0']);
    const tree = value('heap_tree');
    const count = lines.findIndex((line) => line.startsWith('snapshot='));
    const own = lines.splice(0, count < 0 ? lines.length : count);
    if (tree === 'empty') assert.deepEqual(own, []);
    else assert.equal(readTree([...own], 0), bytes);
    snapshots.push({ time, bytes, tree, lines: own });
  }
  return { header, snapshots };
}

/** Takes the lines of a node and its children; its bytes. */
function readTree(lines: string[], depth: number): number {
  const [, indent, children, bytes] = /^( *)n(\d+): (\d+) \S/.exec(lines.shift()!)!;
  assert.equal(indent!.length, depth);
  let sum = 0;
  for (let i = 0; i < Number(children); i++) sum += readTree(lines, depth + 1);
  assert.ok(sum <= Number(bytes));
  if (depth === 0) assert.deepEqual(lines, []);
  if (depth === 0 && Number(children) > 0) assert.equal(sum, Number(bytes));
  return Number(bytes);
}

const massif = async (...args: Parameters<typeof exported> extends [string, ...infer Rest] ? Rest : never) =>
  readMassif((await exported('massif', ...args)).toString());

test('the time line with trees of the peak and of the leaks', async (t) => {
  const { header, snapshots } = await massif(openCapture(t, smallCapture));
  assert.match(
    header.join('\n'),
    /^desc: mp, high watermark.*\ndesc: losses: none\ncmd: \.\/app --size 3\ntime_unit: ms$/,
  );
  assert.deepEqual(
    snapshots.map(({ time, bytes, tree }) => [time, bytes, tree]),
    [
      [0, 0, 'empty'],
      [500, 1_500_000, 'empty'],
      [1200, 3_151_424, 'peak'],
      [2500, 560, 'empty'],
      [2500, 560, 'detailed'],
    ],
  );
  assert.deepEqual(snapshots[4]!.lines, [
    'n3: 560 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.',
    ' n1: 400 0x0: load (/src/app/load.c:20)',
    '  n0: 400 0x0: main (/src/app/main.c:10)',
    ' n1: 96 0x0: strdup (/usr/lib/x86_64-linux-gnu/libc.so.6)',
    '  n1: 96 0x0: load (/src/app/load.c:20)',
    '   n0: 96 0x0: main (/src/app/main.c:10)',
    ' n1: 64 0x0: handler (/src/app/handler.py:5)',
    '  n0: 64 0x0: main (/src/app/main.c:10)',
  ]);
  assert.ok(snapshots[2]!.lines.includes(" n0: 1600 in 2 places, all below massif's threshold (0.10%)"));
});

test('--leaks: only what is left at the end has a tree', async (t) => {
  const { snapshots } = await massif(openCapture(t, smallCapture), { view: 'leaks' });
  assert.deepEqual(
    snapshots.map(({ tree }) => tree),
    ['empty', 'empty', 'empty', 'empty', 'detailed'],
  );
});

test('a long time line keeps its peak, among a hundred snapshots at most', async (t) => {
  const build = (path: string) => {
    const fixture = new CaptureFixture(path);
    const process = fixture.process({ pid: 1, started_ns: 5_000_000 });
    const thread = fixture.thread(process, 1, 'x');
    const stack = fixture.stack(fixture.frame({ function: 'f' }));
    fixture.site({ process, thread, allocator: 'malloc', stack, all: [9, 9999], peak: [9, 9999], live: [1, 7] });
    // 4321 has the peak twice: the later one counts
    for (let i = 0; i < 5000; i++) fixture.memory(process, 5 + i, [4320, 4321].includes(i) ? 9999 : i % 1000, 1, null);
    fixture.close();
  };
  const { snapshots } = await massif(openCapture(t, build));
  assert.ok(snapshots.length > 90 && snapshots.length <= 100, `${snapshots.length}`);
  assert.deepEqual(
    snapshots.filter(({ tree }) => tree === 'peak').map(({ time, bytes }) => [time, bytes]),
    [[4321, 9999]],
  );
  assert.ok(snapshots.every(({ time }, i) => i === 0 || time >= snapshots[i - 1]!.time));
  assert.deepEqual([snapshots[0]!.time, snapshots.at(-1)!.bytes], [0, 7]);
});

test('a capture without the point of its peak still has one', async (t) => {
  const build = (path: string) => {
    const fixture = new CaptureFixture(path);
    const process = fixture.process({ pid: 1 });
    const thread = fixture.thread(process, 1, 'x');
    fixture.site({ process, thread, allocator: 'malloc', stack: null, all: [1, 10], peak: [1, 10] });
    fixture.close();
  };
  const { snapshots } = await massif(openCapture(t, build));
  assert.deepEqual(
    snapshots.map(({ bytes, tree }) => [bytes, tree]),
    [
      [10, 'peak'],
      [0, 'detailed'],
    ],
  );
  assert.equal(snapshots[0]!.lines[1], ' n0: 10 0x0: <stack trace unavailable>');
});

test('one process, and a moment', async (t) => {
  const capture = openCapture(t, forkCapture);
  await assert.rejects(exported('massif', capture), {
    name: 'UserError',
    message:
      'massif shows one process, and the capture has 2: choose one with --pid. The largest: server (200), server (201).',
  });
  const { snapshots } = await massif(capture, { pid: 201 });
  assert.equal(snapshots.at(-1)!.bytes, 500);
  await assert.rejects(exported('massif', openCapture(t, smallCapture), { view: 'allocations' }), { exitCode: 2 });
  await assert.rejects(exported('massif', openCapture(t, smallCapture), { tid: 100 }), { exitCode: 2 });
});
