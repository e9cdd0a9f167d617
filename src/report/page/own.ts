/**
 * What is attributed to a frame itself, as in the summary. A stack with Python or JavaScript frames belongs to the
 * innermost of them, whatever native functions it called:
 *
 *     all              own 0
 *       main           own 2     native, and no Python above it
 *         f app.py:3   own 10
 *           resize     own 0     native, below Python
 *             realloc  own 0     has allocated 10
 */
import type { Columns } from './decode.ts';
import { KINDS } from './format.ts';
import type { Tree } from './tree.ts';

/** Of `node`; `total` by node, with what is below it. */
export function ownValue(columns: Columns, tree: Tree, total: Float64Array, node: number): number {
  const isLine = (candidate: number) => isInterpreted(columns, columns.node_frame[candidate]!);
  if (isLine(node)) return tree.own(node, total, (below) => !isLine(below));
  for (let above = node; above !== 0; above = tree.parent[above]!) {
    if (isLine(above)) return 0;
  }
  return tree.own(node, total, () => false);
}

/** Whether the frame is a line of Python or JavaScript. */
export function isInterpreted(columns: Columns, frame: number): boolean {
  const kind = KINDS[columns.frame_kind[frame]!];
  return kind === 'python' || kind === 'javascript';
}
