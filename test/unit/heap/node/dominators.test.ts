import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeapGraph } from '../../../../src/heap/graph.ts';
import { dominators } from '../../../../src/heap/node/dominators.ts';
import { makeHeap } from '../made-heap.ts';

function graphOf(edges: number[][]): HeapGraph {
  const { heap, names } = makeHeap(
    edges.map((targets) => ({ type: 'Node', references: Object.fromEntries(targets.map((to, i) => [`[${i}]`, to])) })),
  );
  return new HeapGraph(heap, names);
}

function reached(edges: number[][], without: number): Set<number> {
  const found = new Set(without === 0 ? [] : [0]);
  for (const node of found) for (const to of edges[node]!) if (to !== without) found.add(to);
  return found;
}

/** By the definition: the dominator of a node without which it can't be reached, and which all others dominate. */
function byDefinition(edges: number[][]): number[] {
  const all = reached(edges, -1);
  const of = edges.map((_, without) => reached(edges, without));
  return edges.map((_, node) => {
    if (node === 0 || !all.has(node)) return 0;
    const strict = edges.map((_, i) => i).filter((i) => i !== node && all.has(i) && !of[i]!.has(node));
    return strict.find((i) => strict.every((j) => j === i || !of[j]!.has(i)))!;
  });
}

test('dominators are those of the definition', () => {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const count = 1 + random(14);
    const edges = Array.from({ length: count }, () => Array.from({ length: random(4) }, () => random(count)));
    const graph = graphOf(edges);
    const found = dominators(graph.heap, graph.backward(), 0);
    assert.deepEqual([...found.of], byDefinition(edges), JSON.stringify(edges));
    assert.equal(found.order.length, reached(edges, -1).size);
  }
});

test('a chain of a hundred thousand, each with a way back, takes no longer than it must', () => {
  const count = 100_000;
  const edges = Array.from({ length: count }, (_, i) => [Math.min(i + 1, count - 1), Math.floor(i / 2)]);
  const graph = graphOf(edges);
  const { of } = dominators(graph.heap, graph.backward(), 0);
  assert.ok(of.every((above, i) => above === Math.max(0, i - 1)));
});
