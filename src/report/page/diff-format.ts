/** What the page of a differential flame graph carries, written by `diff-page.ts`: a tree as in `format.ts`. */
import type { Column } from './format.ts';

export interface DiffPageData {
  format: 1;
  columns: Record<DiffColumnName, Column>;
}

export type FrameColumnName =
  | 'texts'
  | 'frame_function'
  | 'frame_file'
  | 'frame_line'
  | 'frame_module'
  | 'frame_kind'
  | 'frame_inlined'
  | 'node_depth'
  | 'node_frame';

export const SIDES = ['before', 'after'] as const;
export type Side = (typeof SIDES)[number];

export type DiffColumnName =
  | FrameColumnName
  | 'leaf_node'
  | 'before_bytes'
  | 'before_allocations'
  | 'after_bytes'
  | 'after_allocations';
