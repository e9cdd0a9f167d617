/**
 * Where the objects of a graph stand: in columns by depth, every object beside the first that leads to it, and that in the
 * middle of those. References are read from left to right: of what is referred to, the object that was asked for stands
 * left, of what refers to it, right.
 *
 *     dict ─┬→ list ─→ str
 *           └→ Item
 */
import type { ObjectGraphData } from './object-graph-format.ts';

export const BOX = { width: 236, height: 40 };
const GAP = { x: 168, y: 12 };

export interface GraphLayout {
  /** Of the upper left corners, by node. */
  x: Float64Array;
  y: Float64Array;
  width: number;
  height: number;
}

export function layOut({ nodes, edges, direction }: ObjectGraphData): GraphLayout {
  const children: number[][] = nodes.map(() => []);
  const isPlaced = nodes.map((_, i) => i === 0);
  for (const [from, to] of edges) {
    if (isPlaced[to] || nodes[to]!.depth !== nodes[from]!.depth + 1) continue;
    isPlaced[to] = true;
    children[from]!.push(to);
  }
  const deepest = nodes.reduce((most, { depth }) => Math.max(most, depth), 0);
  const columnOf = (depth: number) => (direction === 'refs' ? depth : deepest - depth);
  const x = Float64Array.from(nodes, ({ depth }) => columnOf(depth) * (BOX.width + GAP.x));
  const { y, rows } = rowsOf(children);
  return {
    x,
    y: y.map((row) => row * (BOX.height + GAP.y)),
    width: deepest * (BOX.width + GAP.x) + BOX.width,
    height: rows * (BOX.height + GAP.y) - GAP.y,
  };
}

/** A row of its own for each that has no children; others are in the middle of their first and their last. */
function rowsOf(children: number[][]): { y: Float64Array; rows: number } {
  const y = new Float64Array(children.length);
  let rows = 0;
  // by its own stack: a chain may be as deep as a graph is large
  const stack = [{ node: 0, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const own = children[top.node]!;
    if (top.next < own.length) {
      stack.push({ node: own[top.next++]!, next: 0 });
      continue;
    }
    y[top.node] = own.length === 0 ? rows++ : (y[own[0]!]! + y[own.at(-1)!]!) / 2;
    stack.pop();
  }
  return { y, rows };
}

/** The path of an arrow between two boxes, from what refers to what is referred to. */
export function arrowPath({ x, y }: GraphLayout, from: number, to: number): string {
  const middle = BOX.height / 2;
  const [x1, y1, x2, y2] = [x[from]! + BOX.width, y[from]! + middle, x[to]!, y[to]! + middle];
  if (x2 > x1) {
    const half = (x1 + x2) / 2;
    return `M${x1},${y1} C${half},${y1} ${half},${y2} ${x2 - 2},${y2}`;
  }
  // back, or within a column: around the right side
  const out = Math.max(x1, x[to]! + BOX.width) + 46;
  return `M${x1},${y1} C${out},${y1} ${out},${y2} ${x[to]! + BOX.width + 2},${y2}`;
}
