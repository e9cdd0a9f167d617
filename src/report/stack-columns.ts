/**
 * The prefix tree of stacks as columns: captures have up to a million nodes, of which a report shows a few.
 *
 *     stack id  parent  frame       ids   parents  frameOf
 *     1         -       main        1     -1       0
 *     2         1       work        2     0        1
 *     7         2       alloc       7     1        2
 */
import { UserError } from '../util/errors.ts';
import type { FrameRow, Source } from './source.ts';

export interface StackColumns {
  frames: FrameRow[];
  /** By node, ascending. */
  ids: Float64Array;
  /** Index of the parent; -1 at a root. */
  parents: Int32Array;
  /** Index in `frames`. */
  frameOf: Int32Array;
}

/** A source is of one state of a capture: its stacks are read once. */
const known = new WeakMap<Source, StackColumns>();

/** @throws UserError if the tree is damaged. */
export function stackColumns(source: Source): StackColumns {
  const columns = known.get(source) ?? readStacks(source);
  known.set(source, columns);
  return columns;
}

function readStacks(source: Source): StackColumns {
  const frames = [...source.iterate('frames')];
  const frameIds = Float64Array.from(frames.map((frame) => frame.id));
  const ids: number[] = [];
  const parentIds: (number | null)[] = [];
  const frameOf: number[] = [];
  const depths: number[] = [];
  const fields = ['id', 'parent_id', 'frame_id', 'depth'] as const;
  for (const { id, parent_id, frame_id, depth } of source.columns('stacks', fields)) {
    for (let i = 0; i < id.length; i++) {
      const frame = indexOf(frameIds, frame_id[i]!);
      if (frame < 0) throw damaged(id[i]!);
      ids.push(id[i]!);
      parentIds.push(parent_id[i]!);
      frameOf.push(frame);
      depths.push(depth[i]!);
    }
  }
  const columns = { frames, ids: new Float64Array(ids), frameOf: new Int32Array(frameOf) };
  const parents = new Int32Array(ids.length);
  for (let node = 0; node < parents.length; node++) {
    const parent = indexOf(columns.ids, parentIds[node]!);
    // Depths that grow along the tree rule out cycles, so that every walk ends.
    const isDamaged = parent < 0 ? parentIds[node] !== null : depths[parent]! >= depths[node]!;
    if (isDamaged) throw damaged(ids[node]!);
    parents[node] = parent;
  }
  return { ...columns, parents };
}

/** Place of an id; -1 if it is not there. Ids are mostly their places, counted from 1. */
export function indexOf(ids: Float64Array, id: number | null): number {
  if (id === null) return -1;
  if (ids[id - 1] === id) return id - 1;
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id ? low : -1;
}

function damaged(stackId: number): UserError {
  return new UserError(`The capture is damaged: stack ${stackId} does not lead to a root.`);
}
