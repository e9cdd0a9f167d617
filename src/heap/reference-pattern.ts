/**
 * What holds a set of objects, by kind: what refers to it, what refers to that, …, until modules are reached.
 *
 *     Reference Pattern by <[dict of] class>.
 *      0: _ --- [-] 15 app.Session
 *      1: a      [-] 1 list
 *      2: aa ---- [-] 1 dict of module
 *      3: aaa      [R] 1 module
 *
 * [-]: its referrers follow; [+]: it has some that are not shown; [R]: a root, a module; [^]: what refers to it is above.
 */
import { printable } from '../util/format.ts';
import { groupBy } from '../util/group-by.ts';
import type { HeapGraph } from './graph.ts';
import { clodoKinds } from './kinds.ts';
import type { ObjectSet } from './object-set.ts';

/** Kinds of referrers of one line that are shown. */
const MAX_KINDS = 10;
const MAX_LINES = 100;

export function referencePattern({ graph, members, marks: seen }: ObjectSet, maxDepth: number): string {
  const { kinds, names } = clodoKinds(graph.heap);
  const byKind = (objects: Iterable<number>) => {
    const bytes = (group: number[]) => group.reduce((sum, object) => sum + graph.heap.sizes[object]!, 0);
    const groups = [...groupBy(objects, (object) => names[kinds[object]!]!)];
    const sized = groups.map(([kind, group]) => ({ kind, group, size: bytes(group) }));
    return sized.sort((a, b) => b.size - a.size || (a.kind < b.kind ? -1 : 1));
  };
  const lines: string[] = [];
  const show = (part: Iterable<number>, count: number, name: string, kind: string) => {
    const depth = name === '_' ? 0 : name.length;
    const isRoot = kind === 'module';
    const isEnd = isRoot || depth >= maxDepth || lines.length >= MAX_LINES;
    const { fresh, isHeld } = freshReferrers(graph, part, seen, isEnd);
    const sign = isRoot ? 'R' : fresh.size === 0 ? (isHeld ? '^' : '-') : isEnd ? '+' : '-';
    const rule = (depth % 2 === 0 ? '-' : ' ').repeat(3 + depth);
    lines.push(`${`${lines.length}`.padStart(2)}: ${name} ${rule} [${sign}] ${count} ${printable(kind)}`);
    if (isEnd) return;
    for (const object of fresh) seen[object] = 1;
    const groups = byKind(fresh);
    for (const [i, { kind: of, group }] of groups.slice(0, MAX_KINDS).entries()) {
      const letter = String.fromCharCode(0x61 + i);
      show(group, group.length, depth === 0 ? letter : `${name}${letter}`, of);
    }
    if (groups.length > MAX_KINDS) lines.push(`    <${groups.length - MAX_KINDS} more kinds refer to ${name}.>`);
  };
  const own = byKind(members);
  show(members, members.length, '_', own.length === 1 ? own[0]!.kind : `objects of ${own.length} kinds`);
  return ['Reference Pattern by <[dict of] class>.', ...lines].join('\n');
}

/** Those that were not seen, or only one of them; `isHeld`: there are others. */
function freshReferrers(graph: HeapGraph, part: Iterable<number>, seen: Uint8Array, isOneEnough: boolean) {
  const fresh = new Set<number>();
  let isHeld = false;
  for (const object of part) {
    for (const referrer of graph.referrers(object)) {
      isHeld = true;
      if (seen[referrer] === 0) fresh.add(referrer);
    }
    if (isOneEnough && fresh.size > 0) break;
  }
  return { fresh, isHeld };
}
