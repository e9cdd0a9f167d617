import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StackTree } from '../../../src/aggregate/intern.ts';
import type { Frame } from '../../../src/model/types.ts';

const frame = (name: string | null, line = 1): Frame => {
  return { function: name, file: 'a.c', line, language: 'native', module: 0, inlined: false };
};

test('stacks share nodes, frames are equal by their parts', () => {
  const tree = new StackTree();
  const parse = tree.add([frame('main'), frame('run'), frame('parse')]);
  const send = tree.add([frame('main'), frame('run'), frame('send')]);
  assert.equal(tree.size, 4);
  assert.equal(tree.frames.size, 4);
  assert.equal(tree.parentOf(parse), tree.parentOf(send));
  assert.deepEqual([tree.depthOf(parse), tree.depthOf(tree.parentOf(parse))], [3, 2]);
  assert.equal(tree.frames.get(tree.frameOf(send)).function, 'send');
  assert.equal(tree.add([frame('main'), frame('run')]), tree.parentOf(send));
  assert.equal(tree.size, 4);
});

test('a frame without name is not one with an empty name, nor is one on another line', () => {
  const tree = new StackTree();
  const nodes = [frame(null), frame(''), frame('null'), frame('f', 1), frame('f', 2)].map((one) => tree.add([one]));
  assert.equal(new Set(nodes).size, 5);
});

test('recursion is a chain of nodes with one frame', () => {
  const tree = new StackTree();
  const innermost = tree.add(Array.from({ length: 1000 }, () => frame('f')));
  assert.equal(tree.depthOf(innermost), 1000);
  assert.equal(tree.frames.size, 1);
});
