/** Random trees turned around, beside the same done stack by stack. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNumbers } from '../../../scripts/bench/random-numbers.ts';
import { type MergedTree, owner, type TreeFrame } from '../../../src/report/flamegraph-tree.ts';
import { invertedTree } from '../../../src/report/inversion.ts';
import { flatten } from '../../../src/report/number-tree.ts';
import { invertedNodes } from '../../../src/report/page/inverted.ts';
import { Tree } from '../../../src/report/page/tree.ts';

const FRAMES = 9;

/** `all`, `owners` below it and one below the first of them; stacks of few frames, so that they share callers and callees. */
function randomTree(seed: number, owners: number, stacks: number): MergedTree {
  const random = randomNumbers(seed);
  const ownerNames = ['all', ...Array.from({ length: owners }, (_, i) => `owner ${i}`), 'inner owner'];
  const frames: TreeFrame[] = [
    ...ownerNames.map(owner),
    ...Array.from({ length: FRAMES }, (_, i) => ({ ...owner(`f${i}`), kind: 'native' as const })),
  ];
  const tree = { frames, frameOf: [0], parents: [-1] };
  const add = (parent: number, frame: number) => {
    const known = tree.parents.findIndex((of, node) => of === parent && tree.frameOf[node] === frame);
    if (known >= 0) return known;
    tree.parents.push(parent);
    return tree.frameOf.push(frame) - 1;
  };
  const tops = Array.from({ length: owners }, (_, i) => add(0, 1 + i));
  if (owners > 0) tops.push(add(tops[0]!, owners + 1));
  const own = new Map<number, number[][]>();
  for (let n = 0; n < stacks; n++) {
    let node = [0, ...tops][random(tops.length + 1)]!;
    for (let depth = 1 + random(7); depth > 0; depth--) node = add(node, ownerNames.length + random(FRAMES));
    own.set(node, [...(own.get(node) ?? []), [random(5), 1 + random(3), random(5), 1]]);
  }
  const leaves: MergedTree['leaves'] = [];
  const flat = flatten(
    tree,
    (a, b) => a - b,
    (node, place) => {
      for (const values of own.get(node) ?? []) leaves.push({ node: place, thread: 0, isImported: false, values });
    },
  );
  return { ...flat, leaves, threadIds: [1], siteLeaves: null, leftOut: null };
}

/** Names from the root to each node. */
function pathsOf({ frames }: MergedTree, depths: ArrayLike<number>, frameOf: ArrayLike<number>): string[] {
  const open: string[] = [];
  return Array.from(depths, (depth, node) => {
    open.length = depth;
    open.push(frames[frameOf[node]!]!.function);
    return open.join('/');
  });
}

/** The owners as they are, and after them the frames from the innermost. */
function turned(path: string): string {
  const names = path.split('/');
  const isFrame = (name: string) => /^f\d/.test(name);
  return [...names.filter((name) => !isFrame(name)), ...names.filter(isFrame).reverse()].join('/');
}

function check(tree: MergedTree): void {
  const { branches, leafNode } = invertedTree(tree, 0, 2);
  const upright = { depth: tree.depths, frame: tree.frameOf };
  const { depth, frame } = invertedNodes(upright, branches, (of) => tree.frames[of]!.kind === 'owner');
  const before = pathsOf(tree, tree.depths, tree.frameOf);
  const after = pathsOf(tree, depth, frame);
  assert.equal(new Set(after).size, after.length, 'no path stands twice');
  const expected = new Set(before.filter((path) => !/\bf\d/.test(path)));
  for (const { node } of tree.leaves) {
    const names = turned(before[node]!).split('/');
    for (let end = 1; end <= names.length; end++) expected.add(names.slice(0, end).join('/'));
  }
  assert.deepEqual([...after].sort(), [...expected].sort());
  assert.deepEqual(
    Array.from(leafNode, (node) => after[node]),
    tree.leaves.map(({ node }) => turned(before[node]!)),
  );
  const nodes = new Tree(depth);
  const total = (k: number) => {
    const value = Float64Array.from(tree.leaves, ({ values }) => values[k]!);
    return nodes.totals({ node: leafNode, thread: leafNode, value }, () => true);
  };
  const [bytes, all] = [total(0), total(2)];
  for (let node = 0; node < depth.length; node++) {
    const keys = nodes.children(node).map((child) => [-bytes[child]!, -all[child]!, after[child]!] as const);
    const sorted = [...keys].sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1));
    assert.deepEqual(keys, sorted, 'largest first');
  }
}

test('random trees, without and with owners', () => {
  for (let seed = 1; seed <= 40; seed++) check(randomTree(seed, seed % 4, 1 + seed * 4));
});

test('owners without a stack stay', () => check(randomTree(1, 3, 0)));
