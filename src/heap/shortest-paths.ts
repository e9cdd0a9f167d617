/** The shortest ways from modules to objects: who keeps them, by name. */
import { printable } from '../util/format.ts';
import type { HeapGraph } from './graph.ts';

const MAX_DEPTH = 100;

/**
 * Paths of objects from a root to a goal, all of the same length, at most `limit` of them. Roots are modules; where none
 * leads to a goal, frames, and objects that no other refers to.
 */
export function shortestPaths(graph: HeapGraph, goals: Iterable<number>, limit: number): number[][] {
  const start = [...goals];
  const isModule = graph.typeNames.map((name) => name === 'module');
  const isFrame = graph.typeNames.map((name) => name === 'frame');
  const { typeOf } = graph.heap;
  return (
    pathsFrom(graph, start, limit, (object) => isModule[typeOf[object]!]!) ??
    pathsFrom(graph, start, limit, (object) => isFrame[typeOf[object]!]! || graph.referrers(object).length === 0) ??
    []
  );
}

/** Backward, level by level, until one has roots. */
function pathsFrom(
  graph: HeapGraph,
  goals: number[],
  limit: number,
  isRoot: (object: number) => boolean,
): number[][] | null {
  /** References to the nearest goal, and 1; 0: not seen. */
  const depths = new Uint8Array(graph.count);
  for (const goal of goals) depths[goal] = 1;
  let level = goals;
  for (let depth = 1; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const roots = level.filter(isRoot);
    if (roots.length > 0) return takePaths(graph, depths, roots, limit);
    const next: number[] = [];
    for (const object of level) {
      for (const referrer of graph.referrers(object)) {
        if (depths[referrer] !== 0) continue;
        depths[referrer] = depth + 1;
        next.push(referrer);
      }
    }
    level = next;
  }
  return null;
}

function takePaths(graph: HeapGraph, depths: Uint8Array, roots: number[], limit: number): number[][] {
  const paths: number[][] = [];
  const walk = (path: number[]) => {
    const at = path.at(-1)!;
    if (depths[at] === 1) paths.push(path);
    else
      for (const next of graph.referents(at)) {
        if (paths.length >= limit) return;
        if (depths[next] === depths[at]! - 1) walk([...path, next]);
      }
  };
  for (const root of roots) if (paths.length < limit) walk([root]);
  return paths;
}

/** `modules['app'].__dict__['cache'][3]`; `->` is a reference whose name is not known. */
export function pathText(graph: HeapGraph, path: number[]): string {
  const [root, ...rest] = path as [number, ...number[]];
  const address = graph.heap.addresses[root]!;
  const name = graph.names.describe(address);
  const first = graph.typeOf(root) === 'module' && name !== '' ? `modules['${name}']` : `<${graph.describe(root)}>`;
  const steps = rest.map((object, i) => {
    const label = graph.label(path[i]!, object);
    if (label === '') return `->${graph.typeOf(object)}`;
    return /^[.[]/.test(label) ? label : `->${label}`;
  });
  return printable(`${first}${steps.join('')}`);
}
