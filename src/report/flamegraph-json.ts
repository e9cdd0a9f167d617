/**
 * The flame graph of one view as JSON, a frame and a node to a line: a node is a frame in its stack, with what it and
 * everything it called has. Nodes stand in preorder, the children of a node by size; `depth` says which is whose.
 */
import { type MergedTree, mergeStacks, type TreeOptions } from './flamegraph-tree.ts';
import { invertedTree } from './inversion.ts';
import { invertedNodes } from './page/inverted.ts';
import { Tree } from './page/tree.ts';
import type { Capture } from './report.ts';
import type { Selection } from './selection.ts';

export interface JsonOptions extends TreeOptions {
  /** Stacks begin with the code that allocated, and go outwards. */
  inverted?: boolean | undefined;
}

export function flamegraphJson(capture: Capture, selection: Selection, options: JsonOptions): string {
  const { frames, nodes } = flamegraphNodes(capture, selection, options);
  const fields = {
    metadata: capture.facts,
    selection,
    ...(options.by === null ? {} : { by: options.by }),
    inverted: options.inverted === true,
  };
  const lines = Object.entries(fields).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{\n${[...lines, `"frames": ${rows(frames)}`, `"nodes": ${rows(nodes)}`].join(',\n')}\n}\n`;
}

interface JsonNode {
  depth: number;
  /** Index in `frames`. */
  frame: number;
  bytes: number;
  allocations: number;
}

/** Without nodes that have no allocation in the view, below which there is none either. */
function flamegraphNodes(capture: Capture, selection: Selection, options: JsonOptions) {
  const merged = mergeStacks(capture, selection, options, [selection.view, 'allocations']);
  const { depth, frame, leaf } = nodesOf(merged, options.inverted === true);
  const tree = new Tree(depth);
  const total = (unit: 0 | 1) =>
    tree.totals(
      { node: leaf, thread: leaf, value: Float64Array.from(merged.leaves, ({ values }) => values[unit]!) },
      () => true,
    );
  const [bytes, allocations] = [total(0), total(1)];
  const nodes: JsonNode[] = [];
  for (let node = 0; node < tree.size; node++) {
    if (allocations[node] === 0) continue;
    nodes.push({ depth: depth[node]!, frame: frame[node]!, bytes: bytes[node]!, allocations: allocations[node]! });
  }
  return { frames: merged.frames, nodes };
}

function nodesOf(merged: MergedTree, isInverted: boolean) {
  const { frames, depths: depth, frameOf: frame, leaves } = merged;
  if (!isInverted) return { depth, frame, leaf: Uint32Array.from(leaves, ({ node }) => node) };
  const { branches, leafNode: leaf } = invertedTree(merged, 0, 2);
  return { ...invertedNodes({ depth, frame }, branches, (of) => frames[of]!.kind === 'owner'), leaf };
}

/** One to a line. */
const rows = (values: object[]): string => `[\n${values.map((value) => JSON.stringify(value)).join(',\n')}\n]`;
