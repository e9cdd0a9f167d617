/** Where a key leads to in the graph. */
import type { Graph } from './graph.ts';
import type { Tree } from './tree.ts';

/** The node to be selected; null if the key moves nothing. `total`: only nodes that have some are there. */
export function targetOfKey(key: string, graph: Graph, tree: Tree, total: Float64Array): number | null {
  const { selected, isFlipped } = graph;
  const inward = () => tree.children(selected).find((child) => total[child]! > 0) ?? selected;
  const outward = () => tree.parent[selected]!;
  const targets: Record<string, () => number> = {
    ArrowDown: isFlipped ? outward : inward,
    ArrowUp: isFlipped ? inward : outward,
    ArrowLeft: () => tree.sibling(selected, -1, total),
    ArrowRight: () => tree.sibling(selected, 1, total),
    Home: () => 0,
  };
  return Object.hasOwn(targets, key) ? targets[key]!() : null;
}
