/** How many objects there are of each type, as objgraph counts them: those that the garbage collector tracks. */
import { type HeapGraph, shortName } from './graph.ts';

export type TypeCounts = Map<string, number>;

export interface CountOptions {
  /** Without the names of modules: types of one name count together. */
  shortNames: boolean;
  /** Also what is not tracked: str, int, … */
  all: boolean;
}

export function typeCounts(graph: HeapGraph, objects: Iterable<number> | null, options: CountOptions): TypeCounts {
  const counts: TypeCounts = new Map();
  const names = options.shortNames && !graph.heap.isSnapshot ? graph.typeNames.map(shortName) : graph.typeNames;
  const add = (object: number) => {
    const name = names[graph.heap.typeOf[object]!]!;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  if (objects !== null) for (const object of objects) add(object);
  else for (let i = 0; i < graph.count; i++) if (options.all || graph.isTracked(i)) add(i);
  return counts;
}

/** The most frequent first. */
export function mostCommon(counts: TypeCounts): [string, number][] {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

export interface Growth {
  name: string;
  count: number;
  /** Beyond the most that there ever were. */
  delta: number;
}

/** Types of which there are more than there were at any earlier time; `peaks` is brought up to date. */
export function growth(counts: TypeCounts, peaks: TypeCounts): Growth[] {
  const grown: Growth[] = [];
  for (const [name, count] of counts) {
    const peak = peaks.get(name) ?? 0;
    if (count <= peak) continue;
    grown.push({ name, count, delta: count - peak });
    peaks.set(name, count);
  }
  return grown.sort((a, b) => b.delta - a.delta || (a.name < b.name ? -1 : 1));
}

/** Tracked objects that no tracked object refers to: their reference counts say that somebody does, though. */
export function leaking(graph: HeapGraph): number[] {
  const { firstTarget, targets } = graph.heap;
  const isReferred = new Uint8Array(graph.count);
  for (let from = 0; from < graph.count; from++) {
    if (!graph.isTracked(from)) continue;
    for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) isReferred[targets[edge]!] = 1;
  }
  return Array.from({ length: graph.count }, (_, i) => i).filter((i) => graph.isTracked(i) && isReferred[i] === 0);
}
