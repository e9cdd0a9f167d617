/** The page of objects and their references: where they stand, and what is in the file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectGraphPage } from '../../../src/report/object-graph-page.ts';
import type { ObjectGraphData } from '../../../src/report/page/object-graph-format.ts';
import { arrowPath, BOX, layOut } from '../../../src/report/page/object-graph-layout.ts';

function made(depths: number[], edges: [number, number][], direction: ObjectGraphData['direction'] = 'refs') {
  const node = { type: 'list', value: '', size: 56, references: 1, left: 0, site: '', stack: [] };
  const nodes = depths.map((depth, i) => ({ ...node, address: `0x${i}`, depth }));
  const data: ObjectGraphData = { format: 1, target: 'process 7', title: 'a', direction, nodes, edges: [] };
  return { ...data, edges: edges.map(([from, to]): [number, number, string] => [from, to, '']) };
}

/** 0 → 1, 2; 1 → 3, 4; 2 → 4 and back to 0. */
const EDGES: [number, number][] = [
  [0, 1],
  [0, 2],
  [1, 3],
  [1, 4],
  [2, 4],
  [2, 0],
];
const DEPTHS = [0, 1, 1, 2, 2];

test('columns by depth, each object in the middle of those that it leads to, nothing upon another', () => {
  const { x, y, width, height } = layOut(made(DEPTHS, EDGES));
  assert.ok(x[0] === 0 && x[1]! > BOX.width && x[1] === x[2] && x[3]! > x[1]! + BOX.width && x[3] === x[4]);
  assert.equal(y[1], (y[3]! + y[4]!) / 2);
  assert.equal(y[0], (y[1]! + y[2]!) / 2);
  assert.ok(y[4]! >= y[3]! + BOX.height && y[2]! >= y[4]! + BOX.height);
  assert.deepEqual([width, height], [x[3]! + BOX.width, y[2]! + BOX.height]);
});

test('what refers to an object stands left of it', () => {
  const { x } = layOut(made(DEPTHS, EDGES, 'backrefs'));
  assert.ok(x[3] === 0 && x[1]! > x[3]! && x[0]! > x[1]!);
});

test('a single object, and a chain as deep as can be', () => {
  assert.deepEqual(layOut(made([0], [])), {
    x: Float64Array.of(0),
    y: Float64Array.of(0),
    width: BOX.width,
    height: BOX.height,
  });
  const length = 20_000;
  const chain = made(
    Array.from({ length }, (_, i) => i),
    Array.from({ length: length - 1 }, (_, i) => [i, i + 1]),
  );
  assert.equal(layOut(chain).height, BOX.height);
});

test('arrows go to the right, and around if they lead back', () => {
  const layout = layOut(made(DEPTHS, EDGES));
  const ends = (from: number, to: number) =>
    arrowPath(layout, from, to)
      .match(/-?[\d.]+/g)!
      .map(Number);
  assert.ok(ends(0, 1)[6]! > ends(0, 1)[0]!);
  assert.ok(ends(2, 0)[2]! > ends(2, 0)[0]!, 'out at the right');
  assert.ok(ends(2, 0)[6]! < ends(2, 0)[0]!);
});

test('a page is one file, in which nothing of the target is anything but text', () => {
  const data = made([0], []);
  data.title = '</script><script>alert(1)</script>';
  data.nodes[0]!.value = '</script><img src=x onerror=alert(1)>';
  const page = objectGraphPage(data, { style: '', script: 'void 0' });
  assert.equal(page.match(/<script/g)!.length, 2);
  assert.ok(!page.includes('<img') && !page.includes('<script>alert'));
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /<[^>]*\b(src|href)=/);
});
