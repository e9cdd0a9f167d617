/** The nodes of an inverted tree, out of its branches and the tree as it was: see `inversion.ts` beside `flamegraph-data.ts`. */
import type { Columns, Numbers } from './decode.ts';
import { KINDS } from './format.ts';
import { Tree } from './tree.ts';

/** In preorder. */
export interface Branches {
  /** The node of the upright tree whose frame it is, … */
  node: ArrayLike<number>;
  /** … and its depth in the inverted one. */
  depth: ArrayLike<number>;
  /** 1: it is of a single stack, all of whose callers follow, each below the other. */
  isSingle: ArrayLike<number>;
}

export interface NodeColumns {
  depth: Numbers;
  frame: Numbers;
}

/** Replaces the upright tree; leaves stand in the inverted one already. */
export function invertColumns(columns: Columns): void {
  const owner = KINDS.indexOf('owner');
  const { node_depth, node_frame, branch_node, branch_depth, branch_single } = columns;
  const branches = { node: branch_node!, depth: branch_depth!, isSingle: branch_single! };
  const upright = { depth: node_depth, frame: node_frame };
  const { depth, frame } = invertedNodes(upright, branches, (of) => columns.frame_kind[of] === owner);
  Object.assign(columns, { node_depth: depth, node_frame: frame } satisfies Record<string, Numbers>);
}

/** `isOwner`: where the callers of a stack end. */
export function invertedNodes(
  upright: NodeColumns,
  { node: nodes, depth: depths, isSingle }: Branches,
  isOwner: (frame: number) => boolean,
): NodeColumns {
  const { parent } = new Tree(upright.depth);
  const height = heights(upright, parent, isOwner);
  let size = 0;
  for (let i = 0; i < nodes.length; i++) size += isSingle[i] === 1 ? height[nodes[i]!]! : 1;
  const depth = new Uint32Array(size);
  const frame = new Uint32Array(size);
  /** By node: where its frame and those of its callers stand already. */
  const known = new Int32Array(parent.length).fill(-1);
  let count = 0;
  for (let i = 0; i < nodes.length; i++) {
    let node = nodes[i]!;
    const end = count + (isSingle[i] === 1 ? height[node]! : 1);
    for (let at = count, below = depths[i]!; at < end; at++) depth[at] = below++;
    if (isSingle[i] !== 1) frame[count] = upright.frame[node]!;
    else {
      let at = count;
      for (; at < end && known[node]! < 0; node = parent[node]!) {
        known[node] = at;
        frame[at++] = upright.frame[node]!;
      }
      if (at < end) frame.copyWithin(at, known[node]!, known[node]! + end - at);
    }
    count = end;
  }
  return { depth, frame };
}

/** How many nodes there are from each up to its owner. */
function heights({ frame }: NodeColumns, parent: Uint32Array, isOwner: (frame: number) => boolean): Uint32Array {
  const height = new Uint32Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    height[node] = isOwner(frame[node]!) ? 0 : height[parent[node]!]! + 1;
  }
  return height;
}
