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
import type { ObjectSet } from './object-set.ts';

/** Kinds of referrers of one line that are shown. */
const MAX_KINDS = 10;
const MAX_LINES = 200;

export function referencePattern(set: ObjectSet, maxDepth: number): string {
  const lines: string[] = [];
  const seen = set.marks;
  const show = (part: ObjectSet, name: string, kind: string) => {
    const depth = name === '_' ? 0 : name.length;
    const referrers = part.groupedBy('clodo').referrers();
    const isRoot = kind === 'module';
    const isFull = depth >= maxDepth || lines.length >= MAX_LINES;
    const fresh = referrers.filter((object) => seen[object] === 0);
    const sign = isRoot ? 'R' : fresh.count === 0 && referrers.count > 0 ? '^' : isFull && fresh.count > 0 ? '+' : '-';
    const rule = depth % 2 === 0 ? '-'.repeat(3 + depth) : ' '.repeat(3 + depth);
    lines.push(`${`${lines.length}`.padStart(2)}: ${name} ${rule} [${sign}] ${part.count} ${printable(kind)}`);
    if (isRoot || isFull) return;
    for (const object of fresh.members) seen[object] = 1;
    const { rows } = fresh.partition;
    rows.slice(0, MAX_KINDS).forEach((row, i) => {
      const letter = String.fromCharCode(0x61 + i);
      show(fresh.ofKinds('clodo', new Set([row.kind])), depth === 0 ? letter : `${name}${letter}`, row.kind);
    });
    if (rows.length > MAX_KINDS) lines.push(`    <${rows.length - MAX_KINDS} more kinds refer to ${name}.>`);
  };
  const kinds = set.groupedBy('clodo').partition.rows;
  show(set, '_', kinds.length === 1 ? kinds.slice(0, 1)[0]!.kind : `objects of ${kinds.length} kinds`);
  return ['Reference Pattern by <[dict of] class>.', ...lines].join('\n');
}
