/** What the page of a differential flame graph carries, written by `diff-page.ts`: a tree as in `format.ts`. */
import type { Column, FrameColumnName } from './format.ts';

export interface DiffPageData {
  format: 1;
  columns: Record<DiffColumnName, Column>;
}

export const SIDES = ['before', 'after'] as const;
export type Side = (typeof SIDES)[number];

export type DiffColumnName =
  | FrameColumnName
  | 'leaf_node'
  | 'before_bytes'
  | 'before_allocations'
  | 'after_bytes'
  | 'after_allocations';
