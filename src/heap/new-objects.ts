/**
 * What came and went by type since an earlier moment, as objgraph.get_new_ids shows it:
 *
 *     ======================================================================
 *     Type                    Old_ids  Current_ids      New_ids Count_Deltas
 *     ======================================================================
 *     list                        324          326           +3           +2
 */
import { printable } from '../util/format.ts';
import { type HeapGraph, shortName } from './graph.ts';
import type { Mark } from './mark.ts';

export const SORT_KEYS = ['old', 'current', 'new', 'deltas'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface NewObjectsRow {
  name: string;
  old: number;
  current: number;
  /** Objects now whose address had none of that type before. */
  new: number;
  deltas: number;
  /** Objects that are new. */
  objects: number[];
}

/** `before` null: everything is new. All types, those with the largest `sortBy` first. */
export function newObjects(
  graph: HeapGraph,
  before: Mark | null,
  sortBy: SortKey,
  shortNames: boolean,
): NewObjectsRow[] {
  const name = (full: string) => (shortNames ? shortName(full) : full);
  const rows = new Map<string, NewObjectsRow>();
  const rowOf = (type: string) => {
    const row = rows.get(type) ?? { name: type, old: 0, current: 0, new: 0, deltas: 0, objects: [] };
    rows.set(type, row);
    return row;
  };
  const namesBefore = (before?.types ?? []).map(name);
  const typeAt = new Map<number, string>();
  for (let i = 0; i < (before?.addresses.length ?? 0); i++) {
    const type = namesBefore[before!.typeOf[i]!]!;
    typeAt.set(before!.addresses[i]!, type);
    rowOf(type).old++;
  }
  const namesNow = graph.typeNames.map(name);
  for (let i = 0; i < graph.count; i++) {
    if (!graph.isTracked(i)) continue;
    const type = namesNow[graph.heap.typeOf[i]!]!;
    const row = rowOf(type);
    row.current++;
    if (typeAt.get(graph.heap.addresses[i]!) !== type) row.objects.push(i);
  }
  for (const row of rows.values()) {
    row.new = row.objects.length;
    row.deltas = row.current - row.old;
  }
  return [...rows.values()].sort((a, b) => b[sortBy] - a[sortBy] || (a.name < b.name ? -1 : 1));
}

export function newObjectsTable(rows: NewObjectsRow[]): string {
  if (rows.length === 0) return '';
  const names = rows.map((row) => printable(row.name));
  const width = Math.max(4, ...names.map((name) => name.length));
  const rule = '='.repeat(width + 13 * 4);
  const line = (name: string, cells: string[]) => name.padEnd(width) + cells.map((cell) => cell.padStart(13)).join('');
  const signed = (count: number) => (count < 0 ? `${count}` : `+${count}`);
  const lines = rows.map((row, i) =>
    line(names[i]!, [`${row.old}`, `${row.current}`, signed(row.new), signed(row.deltas)]),
  );
  const title = line('Type', ['Old_ids', 'Current_ids', 'New_ids', 'Count_Deltas']);
  return `${[rule, title, rule, ...lines, rule].join('\n')}\n`;
}
