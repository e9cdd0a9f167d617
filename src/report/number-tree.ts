/**
 * Trees of numbers, of which there may be a million nodes: a node is the place of its parent and its frame in two lists.
 * It is made after the node above it; that of the root, 0, is -1.
 *
 *     node  parent  frame                 in preorder: depth  frame
 *     0     -1      all      all                       0      all
 *     1     0       main       main                    1      main
 *     2     1       load         save                  2      save
 *     3     1       save         load                  2      load
 */
export interface GrowingTree<Frame> {
  frames: Frame[];
  /** Index in `frames`, by node. */
  frameOf: number[];
  parents: number[];
}

/** In preorder. */
export interface FlatTree<Frame> {
  /** In the order in which they come. */
  frames: Frame[];
  depths: Uint32Array;
  /** Index in `frames`. */
  frameOf: Uint32Array;
}

/** Adds to each node's what all nodes below it have, in place. */
export function addUp(parents: number[], sums: Float64Array): Float64Array {
  for (let node = parents.length - 1; node > 0; node--) sums[parents[node]!]! += sums[node]!;
  return sums;
}

/** `visit` is told of every node and its place in the result. */
export function flatten<Frame>(
  tree: GrowingTree<Frame>,
  compare: (a: number, b: number) => number,
  visit: (node: number, place: number) => void,
): FlatTree<Frame> {
  const { starts, nodes } = sortedChildren(tree.parents, compare);
  const count = tree.parents.length;
  const flat = { frames: [] as Frame[], depths: new Uint32Array(count), frameOf: new Uint32Array(count) };
  const frameIndex = new Int32Array(tree.frames.length).fill(-1);
  const depthOf = new Uint32Array(count);
  const open = [0];
  for (let place = 0; place < count; place++) {
    const node = open.pop()!;
    const frame = tree.frameOf[node]!;
    if (frameIndex[frame]! < 0) frameIndex[frame] = flat.frames.push(tree.frames[frame]!) - 1;
    visit(node, place);
    flat.depths[place] = depthOf[node]!;
    flat.frameOf[place] = frameIndex[frame]!;
    for (let i = starts[node + 1]! - 1; i >= starts[node]!; i--) {
      const child = nodes[i]!;
      depthOf[child] = depthOf[node]! + 1;
      open.push(child);
    }
  }
  return flat;
}

/** Those of node n are `nodes` from `starts[n]` to `starts[n + 1]`. */
interface Children {
  nodes: Int32Array;
  starts: Int32Array;
}

function sortedChildren(parents: number[], compare: (a: number, b: number) => number): Children {
  const children = childrenOf(parents);
  for (let node = 0; node < parents.length; node++) {
    const [start, end] = [children.starts[node]!, children.starts[node + 1]!];
    if (end - start > 1) children.nodes.subarray(start, end).sort(compare);
  }
  return children;
}

/** In the order in which they were made. */
function childrenOf(parents: number[]): Children {
  const starts = new Int32Array(parents.length + 2);
  for (let node = 1; node < parents.length; node++) starts[parents[node]! + 2]!++;
  for (let node = 2; node < starts.length; node++) starts[node]! += starts[node - 1]!;
  // Now starts[n + 1] is where the children of n begin; each that is put there moves it on, to where those of n + 1 begin.
  const nodes = new Int32Array(parents.length - 1);
  for (let node = 1; node < parents.length; node++) {
    const next = parents[node]! + 1;
    nodes[starts[next]!] = node;
    starts[next]!++;
  }
  return { nodes, starts };
}
