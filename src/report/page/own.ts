/**
 * What is attributed to a frame itself, as in the summary. A stack with lines of Python or JavaScript belongs to the
 * innermost of them, whatever native functions it called, and rather to the program's than to Node's own:
 *
 *     all                        own 0
 *       main                     own 2     native, and no line above it
 *         f app.js:3             own 10
 *           alloc node:buffer    own 0     below a line of the program
 *             calloc             own 0     has allocated 10
 *         tick node:timers       own 5     no line of the program above or below it
 *           resize               own 0     has allocated 5
 */
import type { FrameColumns } from './decode.ts';
import { KINDS } from './format.ts';
import type { Tree } from './tree.ts';

/** Of `node`; `total` by node, with what is below it. */
export function ownValue(columns: FrameColumns, tree: Tree, total: Float64Array, node: number): number {
  const rankOf = (candidate: number) => rank(columns, columns.node_frame[candidate]!);
  const own = rankOf(node);
  for (let above = node; above !== 0; ) {
    above = tree.parent[above]!;
    if (rankOf(above) > own) return 0;
  }
  return tree.own(node, total, (below) => own > 0 && rankOf(below) < own);
}

/** Whether the frame is a line of Python or JavaScript. */
export function isInterpreted(columns: FrameColumns, frame: number): boolean {
  return rank(columns, frame) > 0;
}

/** Of the frames of a stack the innermost of the highest rank has its memory. */
function rank(columns: FrameColumns, frame: number): number {
  switch (KINDS[columns.frame_kind[frame]!]) {
    case 'python':
    case 'javascript':
      return 2;
    case 'internal':
      return 1;
    default:
      return 0;
  }
}
