/** What an object refers to, or what refers to it, some levels deep: as a tree of text, or for graphviz. */

import { printable } from '../util/format.ts';
import { groupBy } from '../util/group-by.ts';
import type { HeapGraph } from './graph.ts';

export type Direction = 'refs' | 'backrefs';

export interface TreeOptions {
  direction: Direction;
  maxDepth: number;
  /** References of one object that are shown; the others are counted. */
  tooMany: number;
  referenceCounts: boolean;
  /** Further text for an object, as where it was allocated. */
  noteOf?(object: number): string;
}

export interface TreeEdge {
  from: number;
  to: number;
  label: string;
}

export interface ReferenceTree {
  roots: number[];
  /** Depth of each object that is shown. */
  depths: Map<number, number>;
  /** In the direction of the walk: `from` is nearer to the root. */
  edges: TreeEdge[];
  /** Of an object: how many were left out. */
  left: Map<number, number>;
}

export function referenceTree(graph: HeapGraph, roots: number[], options: TreeOptions): ReferenceTree {
  const tree: ReferenceTree = { roots, depths: new Map(roots.map((root) => [root, 0])), edges: [], left: new Map() };
  const isBackward = options.direction === 'backrefs';
  for (const [from, depth] of tree.depths) {
    if (depth >= options.maxDepth) continue;
    const all = isBackward ? graph.referrers(from) : graph.referents(from);
    if (all.length > options.tooMany) tree.left.set(from, all.length - options.tooMany);
    for (const to of all.slice(0, options.tooMany)) {
      tree.edges.push({ from, to, label: isBackward ? graph.label(to, from) : graph.label(from, to) });
      if (!tree.depths.has(to)) tree.depths.set(to, depth + 1);
    }
  }
  return tree;
}

/** `describe` is asked for each object while the process stands still. */
export function treeText(graph: HeapGraph, tree: ReferenceTree, options: TreeOptions): string {
  const arrow = options.direction === 'backrefs' ? '←' : '→';
  const children = groupBy(tree.edges, (edge) => edge.from);
  const shown = new Set<number>();
  const lines: string[] = [];
  const show = (object: number, lead: string, indent: string, label: string) => {
    const isKnown = shown.has(object);
    const name = nodeText(graph, object, options);
    lines.push(`${lead}${label === '' ? '' : `${printable(label)} `}${name}${isKnown ? ' (above)' : ''}`);
    if (isKnown) return;
    shown.add(object);
    const edges = children.get(object) ?? [];
    const left = tree.left.get(object) ?? 0;
    edges.forEach((edge, i) => {
      const isLast = i === edges.length - 1 && left === 0;
      show(edge.to, `${indent}${isLast ? '└' : '├'}${arrow} `, `${indent}${isLast ? '   ' : '│  '}`, edge.label);
    });
    if (left > 0) lines.push(`${indent}└${arrow} … ${left} more`);
  };
  for (const root of tree.roots) show(root, '', '', '');
  return `${lines.join('\n')}\n`;
}

function nodeText(graph: HeapGraph, object: number, options: TreeOptions): string {
  return nodeParts(graph, object, options).join('');
}

/** What it is, and what is noted of it. */
function nodeParts(graph: HeapGraph, object: number, { referenceCounts, noteOf }: TreeOptions): [string, string] {
  const { sizes, referenceCounts: counts } = graph.heap;
  const references = referenceCounts ? `, ${counts[object]} references` : '';
  const text = `${printable(graph.describe(object))} [${sizes[object]} bytes${references}]`;
  return [text, printable(noteOf?.(object) ?? '')];
}

/** The graph in the language of graphviz; an arrow points to what is referred to. */
export function treeDot(graph: HeapGraph, tree: ReferenceTree, options: TreeOptions): string {
  const lines = ['digraph ObjectGraph {', '  node[shape=box, style=filled, fillcolor=white, fontname=sans];'];
  const id = (object: number) => `o${graph.heap.addresses[object]!.toString(16)}`;
  for (const [object, depth] of tree.depths) {
    const fill = depth === 0 ? ', fillcolor=lightpink' : graph.isRoot(object) ? ', fillcolor=lightblue' : '';
    lines.push(`  ${id(object)}[label=${quoted(...nodeParts(graph, object, options))}${fill}];`);
  }
  for (const { from, to, label } of tree.edges) {
    const [source, target] = options.direction === 'backrefs' ? [to, from] : [from, to];
    lines.push(`  ${id(source)} -> ${id(target)}${label === '' ? '' : `[label=${quoted(printable(label))}]`};`);
  }
  for (const [object, left] of tree.left) {
    const more = `more_${id(object)}`;
    lines.push(`  ${more}[label="${left} more", shape=ellipse, style=dashed];`);
    const ends = options.direction === 'backrefs' ? [more, id(object)] : [id(object), more];
    lines.push(`  ${ends.join(' -> ')}[style=dashed];`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** Lines of text, those that are not empty. */
function quoted(...lines: string[]): string {
  const shown = lines.map((line) => line.trim()).filter((line) => line !== '');
  return `"${shown.map((line) => line.replace(/[\\"]/g, '\\$&')).join('\\n')}"`;
}
