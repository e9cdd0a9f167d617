/** The shortest way by which a module, or a root of V8, leads to an object: why that is still there. */
import type { HeapGraph } from './graph.ts';
import type { ReferenceTree } from './reference-tree.ts';

/** From there to the object; only the object if none leads to it within `maxDepth` references. */
export function backreferenceChain(graph: HeapGraph, object: number, maxDepth: number): number[] {
  const toward = new Map<number, number | null>([[object, null]]);
  let level = [object];
  for (let depth = 0; depth <= maxDepth && level.length > 0; depth++) {
    const next: number[] = [];
    for (const at of level) {
      if (graph.isRoot(at)) return pathFrom(toward, at);
      for (const from of graph.referrers(at)) {
        if (toward.has(from)) continue;
        toward.set(from, at);
        next.push(from);
      }
    }
    level = next;
  }
  return [object];
}

function pathFrom(toward: Map<number, number | null>, start: number): number[] {
  const path: number[] = [];
  for (let at: number | null = start; at !== null; at = toward.get(at) ?? null) path.push(at);
  return path;
}

/** A line per object, with how the one above refers to it, and what `noteOf` adds. */
export function chainText(graph: HeapGraph, chain: number[], noteOf: (object: number) => string = () => ''): string {
  const lines = chain.map((object, i) => {
    const label = i === 0 ? '' : graph.label(chain[i - 1]!, object);
    return `${'  '.repeat(i)}${i === 0 ? '' : `→ ${label === '' ? '' : `${label} `}`}${graph.describe(object)}${noteOf(object)}`;
  });
  return `${lines.join('\n')}\n`;
}

/** The same as a tree without branches. */
export function chainTree(graph: HeapGraph, chain: number[]): ReferenceTree {
  const edges = chain.slice(1).map((to, i) => ({ from: chain[i]!, to, label: graph.label(chain[i]!, to) }));
  return { roots: chain.slice(0, 1), depths: new Map(chain.map((object, i) => [object, i])), edges, left: new Map() };
}
