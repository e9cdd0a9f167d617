/**
 * Arithmetic over a tree in preorder. A subtree is a range of nodes, so that skipping one is one addition:
 *
 *     node    0 all   1 main   2 load   3 save   4 idle
 *     depth   0       1        2        2        1
 *     parent  -       0        1        1        0
 *     last    4       3        2        3        4        last node of the subtree
 *     own     0       0        800      250      50
 *     total   1100    1050     800      250      50
 *     begin   0       0        0        800      1050     where the node begins on the axis
 */

import type { Numbers } from './decode.ts';

export interface Layout {
  /** Of each node with everything below it. */
  total: Float64Array;
  begin: Float64Array;
}

export class Tree {
  readonly size: number;
  readonly depth: Numbers;
  readonly parent: Uint32Array;
  readonly last: Uint32Array;

  /** `depth` of each node in preorder, 0 only for the first. */
  constructor(depth: Numbers) {
    this.size = depth.length;
    this.depth = depth;
    this.parent = new Uint32Array(this.size);
    this.last = new Uint32Array(this.size);
    /** The last node so far, by depth. */
    const open: number[] = [0];
    for (let node = 1; node < this.size; node++) {
      this.parent[node] = open[depth[node]! - 1]!;
      open[depth[node]!] = node;
    }
    // Backwards, of all children the last comes first; where it ends, its parent ends.
    for (let node = this.size - 1; node > 0; node--) {
      this.last[node] ||= node;
      this.last[this.parent[node]!] ||= this.last[node]!;
    }
  }

  /** Adds up the entries that are shown. */
  totals(
    entries: { node: Numbers; thread: Numbers; value: Numbers },
    isShown: (thread: number, entry: number) => boolean,
  ): Float64Array {
    const total = new Float64Array(this.size);
    for (let i = 0; i < entries.node.length; i++) {
      if (isShown(entries.thread[i]!, i)) total[entries.node[i]!]! += entries.value[i]!;
    }
    for (let node = this.size - 1; node > 0; node--) total[this.parent[node]!]! += total[node]!;
    return total;
  }

  layout(total: Float64Array): Layout {
    const begin = new Float64Array(this.size);
    const free = new Float64Array(this.size);
    for (let node = 1; node < this.size; node++) {
      const parent = this.parent[node]!;
      begin[node] = free[parent]!;
      free[parent]! += total[node]!;
      free[node] = begin[node]!;
    }
    return { total, begin };
  }

  /** Depth of the deepest node in the subtree of `top` whose value is at least `least`. */
  height(top: number, total: Float64Array, least: number): number {
    let height = this.depth[top]!;
    for (let node = top; node <= this.last[top]!; ) {
      if (total[node]! < least || total[node] === 0) {
        node = this.last[node]! + 1;
        continue;
      }
      if (this.depth[node]! > height) height = this.depth[node]!;
      node++;
    }
    return height;
  }

  /** What is below matching nodes that have a total, each node of the tree counted once; the sum may be of another value. */
  matched(
    total: Float64Array,
    isMatch: (node: number) => boolean,
    value: Float64Array = total,
  ): { total: number; nodes: number } {
    let sum = 0;
    let nodes = 0;
    let end = 0;
    for (let node = 1; node < this.size; node++) {
      if (total[node]! === 0 || !isMatch(node)) continue;
      nodes++;
      if (node < end) continue;
      sum += value[node]!;
      end = this.last[node]! + 1;
    }
    return { total: sum, nodes };
  }

  /** The value of `top` without what is below it, but with nodes that belong to it, and with those that belong to them. */
  own(top: number, total: Float64Array, belongs: (node: number) => boolean): number {
    let own = total[top]!;
    for (let node = top + 1; node <= this.last[top]!; ) {
      if (belongs(node)) {
        node++;
        continue;
      }
      own -= total[node]!;
      node = this.last[node]! + 1;
    }
    return own;
  }

  /** The ancestor of `node` at `depth`. */
  ancestor(node: number, depth: number): number {
    let at = node;
    while (this.depth[at]! > depth) at = this.parent[at]!;
    return at;
  }

  /** The node at `depth` that covers `position` of the axis, below `top`; undefined if there is none. */
  at(layout: Layout, top: number, depth: number, position: number): number | undefined {
    let node = top;
    while (this.depth[node]! < depth) {
      const next = this.children(node).find(
        (child) => position >= layout.begin[child]! && position < layout.begin[child]! + layout.total[child]!,
      );
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  children(node: number): number[] {
    const children: number[] = [];
    for (let child = node + 1; child <= this.last[node]!; child = this.last[child]! + 1) children.push(child);
    return children;
  }

  /** The next sibling with a value in the direction given, or the node itself. */
  sibling(node: number, direction: 1 | -1, total: Float64Array): number {
    if (node === 0) return 0;
    const siblings = this.children(this.parent[node]!).filter((sibling) => total[sibling]! > 0);
    return siblings[siblings.indexOf(node) + direction] ?? node;
  }
}
