import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preorder, type TreeNode } from '../../../src/model/stack-tree.ts';
import type { Capture } from '../../../src/report/report.ts';
import { type StackTreeOptions, stackTree } from '../../../src/report/stack-tree.ts';
import { treeJson, treeText } from '../../../src/report/tree.ts';
import { CaptureFixture, type FrameSpec, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';
import { EVIL, groupsCapture } from './groups-capture.ts';

const OPTIONS: StackTreeOptions = { by: null, biggest: 200, hidesImports: false };

/** `indent name bytes allocations own` of each node. */
function lines(capture: Capture, options: Partial<StackTreeOptions> = {}, part = {}): string[] {
  const tree = stackTree(capture, { ...HIGH_WATERMARK, ...part }, { ...OPTIONS, ...options });
  const own = (node: TreeNode) => node.own.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...(tree === null ? [] : preorder(tree.root))].map((node) =>
    [node.indent, node.function, node.bytes, node.allocations, own(node)].join(' '),
  );
}

/** One thread whose stacks are given root first, with their bytes at the peak. */
function stacksCapture(...stacks: [FrameSpec[], number][]): (path: string) => void {
  return (path) => {
    const capture = new CaptureFixture(path);
    capture.db.exec('BEGIN');
    const process = capture.process({ pid: 1 });
    const thread = capture.thread(process, 1, 'main');
    const known = new Map<string, number>();
    for (const [frames, bytes] of stacks) {
      const ids = frames.map((frame) => {
        const key = JSON.stringify(frame);
        if (!known.has(key)) known.set(key, capture.frame(frame));
        return known.get(key)!;
      });
      const sum: [number, number] = [1, bytes];
      capture.site({ process, thread, allocator: 'malloc', stack: capture.stack(...ids), all: sum, peak: sum });
    }
    capture.db.exec('COMMIT');
    capture.close();
  };
}

const native = (name: string): FrameSpec => ({ function: name, file: `${name}.c`, line: 1 });
const python = (name: string, file: string): FrameSpec => ({ function: name, file, line: 1, language: 'python' });
const javascript = (name: string, file: string): FrameSpec => ({ ...python(name, file), language: 'javascript' });

test('stacks merged from the root, biggest first; what is alone is not indented', (t) => {
  assert.deepEqual(lines(openCapture(t, smallCapture)), [
    '0 all 3151424 62 0',
    '1 main 3147328 61 0',
    '2 walk 3145728 3 0',
    '2 walk 3145728 3 0',
    `2 ${LONG_NAME} 3145728 3 3145728`,
    '2 load 1600 58 800',
    '3 strdup 800 50 800',
    '1 <stack trace unavailable> 4096 1 4096',
  ]);
});

test('views, and part of a capture', (t) => {
  const capture = openCapture(t, smallCapture);
  assert.deepEqual(lines(capture, {}, { view: 'leaks', tid: 100 }), [
    '0 all 464 6 0',
    '0 main 464 6 0',
    '1 load 400 4 400',
    '1 handler 64 2 64',
  ]);
  assert.deepEqual(lines(capture, {}, { pid: 99 }), []);
});

test('all but the biggest stacks are summed up, and stay in the sum', (t) => {
  assert.deepEqual(lines(openCapture(t, smallCapture), { biggest: 2 }), [
    '0 all 3151424 62 0',
    '1 main 3145728 3 0',
    '1 walk 3145728 3 0',
    '1 walk 3145728 3 0',
    `1 ${LONG_NAME} 3145728 3 3145728`,
    '1 <stack trace unavailable> 4096 1 4096',
    '1 2 smaller stacks not shown 1600 58 0',
  ]);
});

test('groups stand above the stacks', (t) => {
  const top = lines(openCapture(t, groupsCapture), { by: 'cgroup' }).filter((line) => line.includes(' cgroup '));
  assert.deepEqual(top, [
    '1 cgroup /build/a 1324 8 0',
    '1 cgroup /build/b 524 4 0',
    '1 cgroup (unknown) 8 1 0',
    `1 cgroup ${EVIL} 2 2 0`,
  ]);
});

test('imports of Python, and what a line of JavaScript requires; not the start of a program', (t) => {
  const loader = javascript('Module._load', 'node:internal/modules/cjs/loader');
  const build = stacksCapture(
    [
      [python('<module>', '/a.py'), python('_find_and_load', '<frozen importlib._bootstrap>'), python('x', '/b.py')],
      100,
    ],
    [[python('<module>', '/a.py'), python('work', '/a.py')], 50],
    [[loader, javascript('(anonymous)', '/app.js'), loader, javascript('(anonymous)', '/lib.js')], 20],
    [[loader, javascript('(anonymous)', '/app.js')], 7],
  );
  const hidden = lines(openCapture(t, build), { hidesImports: true });
  assert.deepEqual(hidden, [
    '0 all 177 4 0',
    '1 <module> 50 1 0',
    '1 work 50 1 50',
    '1 Module._load 7 1 0',
    '1 (anonymous) 7 1 7',
    '1 2 stacks of imports not shown 120 2 0',
  ]);
});

test('a node knows the threads that allocated in it', (t) => {
  const tree = stackTree(openCapture(t, groupsCapture), { ...HIGH_WATERMARK, pid: 13 }, OPTIONS)!;
  const main = [...preorder(tree.root)].find((node) => node.function === 'main')!;
  assert.deepEqual(main.own, [
    { thread: `13 ${EVIL}`, bytes: 1, allocations: 1 },
    { thread: `14 ${EVIL}`, bytes: 1, allocations: 1 },
  ]);
});

test('as text: small branches in one line, names escaped', (t) => {
  const text = treeText(openCapture(t, groupsCapture), HIGH_WATERMARK, { ...OPTIONS, threshold: 6 }, PLAIN);
  const rows = text.split('\n').filter((line) => line.includes('%'));
  assert.deepEqual(
    rows.map((row) => row.replace(/^.*?% +\d+ {2}/, '').replace(/ {2,}/, '  ')),
    [
      'all (6 processes)',
      '├ process 11 gcc -c a.c',
      '│ main  main.c:3',
      '│ └ load  load.c:9',
      '├ process 12 gcc -c b.c',
      '│ main  main.c:3',
      '│ └ load  load.c:9',
      '├ process 10 make all',
      '│ main  main.c:3',
      '└ 3 below 6%',
    ],
  );
  const all = treeText(openCapture(t, groupsCapture), HIGH_WATERMARK, { ...OPTIONS, threshold: 0 }, PLAIN);
  assert.match(all, /process 13 \\x1b\[2J<\/script>/);
  assert.ok(!all.includes('\x1b'));
});

test('as text: what is hidden stands below what is small', (t) => {
  const options = { ...OPTIONS, biggest: 3, threshold: 30 };
  const text = treeText(openCapture(t, groupsCapture), HIGH_WATERMARK, options, PLAIN);
  assert.match(text, /├ process 11 .*\n.*│ main .*\n.*├ 2 below 30%\n.*└ 5 smaller stacks not shown\n$/);
});

test('a long chain is cut in its middle, a deep tree keeps to the width', (t) => {
  const chain = Array.from({ length: 20_000 }, (_, i) => native(`level${i}`));
  const long = openCapture(t, stacksCapture([chain, 8]));
  const text = treeText(long, HIGH_WATERMARK, { ...OPTIONS, threshold: 1 }, PLAIN);
  assert.match(text, /… 19,961 frames …/);
  assert.match(text, /level19999 /);
  assert.equal(JSON.parse(treeJson(long, HIGH_WATERMARK, OPTIONS)).nodes.length, 20_001);
  const steps = Array.from({ length: 90 }, (_, i): [FrameSpec[], number] => [chain.slice(0, i + 1), 10]);
  const deep = openCapture(t, stacksCapture(...steps));
  const layout = { ...PLAIN, columns: 80 };
  for (const line of treeText(deep, HIGH_WATERMARK, { ...OPTIONS, threshold: 0 }, layout)
    .split('\n')
    .slice(1))
    assert.ok([...line].length <= 80, line);
});

test('JSON has all nodes with their depth, own memory and share', (t) => {
  const { nodes, selection } = JSON.parse(treeJson(openCapture(t, smallCapture), HIGH_WATERMARK, OPTIONS));
  assert.equal(selection.view, 'high_watermark');
  assert.deepEqual(nodes[5], {
    depth: 2,
    function: 'load',
    file: '/src/app/load.c',
    line: 20,
    module: '/usr/bin/app',
    kind: 'native',
    bytes: 1600,
    allocations: 58,
    percent: (1600 / 3151424) * 100,
    own_bytes: 800,
    own_allocations: 8,
  });
});
