/**
 * The processes of a capture as a tree, parents before their children:
 *
 *     make                       launch
 *       gcc -c a.c               fork, exec        a fork that only called exec is one line with its new image
 *         cc1 a.c                fork, exec
 *       gcc -c b.c               fork, exec
 *
 * An exec replaces a process, so its row stands at the depth of the row that it replaced.
 */
import { groupBy } from '../util/group-by.ts';
import type { ProcessFacts } from './facts.ts';

export interface TreeRow {
  process: ProcessFacts;
  depth: number;
  /** `launch`, `attach`, `fork`, `exec`; `fork, exec` for a fork that did nothing else. */
  origin: string;
  started_ns: number;
}

export function processTree(processes: ProcessFacts[]): TreeRow[] {
  const ids = new Set(processes.map(({ id }) => id));
  const byParent = groupBy(processes, ({ parent_id }) => (parent_id !== null && ids.has(parent_id) ? parent_id : 0));
  const rows: TreeRow[] = [];
  // a stack of its own: a chain of execs may be longer than that of calls
  const rest = [...(byParent.get(0) ?? [])].reverse().map((process): TreeRow => rowOf(process, 0));
  for (let row = rest.pop(); row !== undefined; row = rest.pop()) {
    const children = byParent.get(row.process.id) ?? [];
    const image = children.find(({ origin }) => origin === 'exec');
    if (image !== undefined && row.origin === 'fork' && row.process.allocations === 0 && children.length === 1) {
      rest.push({ ...rowOf(image, row.depth), origin: 'fork, exec', started_ns: row.started_ns });
      continue;
    }
    rows.push(row);
    const { depth } = row;
    const below = children.map((child) => rowOf(child, child.origin === 'exec' ? depth : depth + 1));
    rest.push(...below.reverse());
  }
  return rows;
}

function rowOf(process: ProcessFacts, depth: number): TreeRow {
  return { process, depth, origin: process.origin, started_ns: process.started_ns };
}
