/**
 * The immediate dominator of every node: the last one that all ways from the root to it go through. Without that one the
 * node would be gone. Lengauer and Tarjan, A fast algorithm for finding dominators in a flowgraph (1979), the simple
 * version: nothing that a target makes it read takes it longer than its edges times their logarithm.
 */
import type { HeapColumns } from '../../model/heap.ts';
import { HEAP_NONE } from '../../model/heap.ts';

export interface Dominators {
  /** Of the root, and of what it does not lead to: the root. */
  of: Uint32Array;
  /** What the root leads to, in the order of a depth-first search: dominators come before what they dominate. */
  order: Uint32Array;
}

export interface Backward {
  first: Uint32Array;
  sources: Uint32Array;
}

export function dominators(heap: HeapColumns, backward: Backward, root: number): Dominators {
  const count = heap.addresses.length;
  const search = depthFirst(heap, root);
  const { order, number, parent } = search;
  const of = new Uint32Array(count).fill(root);
  const semi = Uint32Array.from(number);
  const forest = new Forest(count, semi);
  // of each node a list of those whose semidominator it is
  const firstOf = new Uint32Array(count).fill(HEAP_NONE);
  const nextOf = new Uint32Array(count).fill(HEAP_NONE);
  for (let i = order.length - 1; i > 0; i--) {
    const node = order[i]!;
    for (let edge = backward.first[node]!; edge < backward.first[node + 1]!; edge++) {
      const from = backward.sources[edge]!;
      if (number[from] === HEAP_NONE) continue;
      semi[node] = Math.min(semi[node]!, semi[forest.least(from)]!);
    }
    const above = order[semi[node]!]!;
    nextOf[node] = firstOf[above]!;
    firstOf[above] = node;
    forest.link(parent[node]!, node);
    for (let held = firstOf[parent[node]!]!; held !== HEAP_NONE; held = nextOf[held]!) {
      const least = forest.least(held);
      of[held] = semi[least]! < semi[held]! ? least : parent[node]!;
    }
    firstOf[parent[node]!] = HEAP_NONE;
  }
  for (let i = 1; i < order.length; i++) {
    const node = order[i]!;
    if (of[node] !== order[semi[node]!]) of[node] = of[of[node]!]!;
  }
  return { of, order };
}

/** Preorder; HEAP_NONE is the number of what the root does not lead to. */
function depthFirst({ firstTarget, targets }: HeapColumns, root: number) {
  const count = firstTarget.length - 1;
  const number = new Uint32Array(count).fill(HEAP_NONE);
  const parent = new Uint32Array(count).fill(root);
  const nextEdge = firstTarget.slice(0, count);
  const order = new Uint32Array(count);
  let found = 0;
  const visit = (node: number) => {
    number[node] = found;
    order[found++] = node;
  };
  visit(root);
  for (let node = root; ; ) {
    const edge = nextEdge[node]!++;
    if (edge >= firstTarget[node + 1]!) {
      if (node === root) break;
      node = parent[node]!;
      continue;
    }
    const target = targets[edge]!;
    if (number[target] !== HEAP_NONE) continue;
    parent[target] = node;
    visit(target);
    node = target;
  }
  return { number, parent, order: order.subarray(0, found) };
}

/** Trees of those nodes that are done, with shortcuts toward their roots. */
class Forest {
  private readonly ancestor: Uint32Array;
  private readonly label: Uint32Array;
  private readonly semi: Uint32Array;
  private readonly way: number[] = [];

  constructor(count: number, semi: Uint32Array) {
    this.ancestor = new Uint32Array(count).fill(HEAP_NONE);
    this.label = Uint32Array.from({ length: count }, (_, i) => i);
    this.semi = semi;
  }

  link(parent: number, node: number): void {
    this.ancestor[node] = parent;
  }

  /** Between a node and its root, that one without: the node with the least semidominator. */
  least(node: number): number {
    if (this.ancestor[node] === HEAP_NONE) return node;
    this.shorten(node);
    return this.label[node]!;
  }

  private shorten(node: number): void {
    const { ancestor, label, semi, way } = this;
    way.length = 0;
    for (let at = node; ancestor[ancestor[at]!] !== HEAP_NONE; at = ancestor[at]!) way.push(at);
    while (way.length > 0) {
      const at = way.pop()!;
      const above = ancestor[at]!;
      if (semi[label[above]!]! < semi[label[at]!]!) label[at] = label[above]!;
      ancestor[at] = ancestor[above]!;
    }
  }
}
