/** What keys and buttons do to the graph, whatever it shows. */
/// <reference lib="dom" />
import type { Graph } from './graph.ts';
import type { SearchBox } from './search-box.ts';
import { element } from './shell.ts';
import type { Tree } from './tree.ts';

/** Only on the graph, where Enter and arrows mean frames. False: it is no such key. `total`: only nodes that have some are there. */
export function moveOnGraph(key: string, graph: Graph, tree: Tree, total: Float64Array): boolean {
  if (document.activeElement !== element('graph') && document.activeElement !== document.body) return false;
  if (key === 'Enter') {
    graph.zoom(graph.selected);
    return true;
  }
  const target = targetOfKey(key, graph, tree, total);
  if (target === null) return false;
  element('graph').focus();
  graph.select(target);
  return true;
}

/** Ends one thing at a time: tip, search, zoom. `onSearchEnd`: the search was ended. */
export function escapeFromGraph(search: SearchBox, graph: Graph, onSearchEnd: () => void): void {
  element('tip').hidden = true;
  if (search.text !== '') {
    search.clear();
    onSearchEnd();
  } else graph.zoom(0);
  element('graph').focus();
}

/** Root on top or at the bottom. */
export function flipGraph(graph: Graph): void {
  graph.setFlipped(!graph.isFlipped);
  element('flip').setAttribute('aria-pressed', String(graph.isFlipped));
}

/** The node to be selected; null if the key moves nothing. */
function targetOfKey(key: string, graph: Graph, tree: Tree, total: Float64Array): number | null {
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
