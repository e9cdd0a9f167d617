/** What the table page shows: rows that match, in order, one page of them. */
import type { TablePageRow } from './table-format.ts';

export interface TableState {
  search: string;
  /** Index of the column to sort by. */
  column: number;
  isAscending: boolean;
  /** From 0. */
  page: number;
}

export const PAGE_ROWS = 100;

/** Rows in which every word of the search occurs in some column, without regard to case; equal rows keep their order. */
export function visibleRows(rows: TablePageRow[], { search, column, isAscending }: TableState): TablePageRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => {
    const text = row.join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const sign = isAscending ? 1 : -1;
  return found.sort((a, b) => sign * compare(a[column]!, b[column]!));
}

export function pageOf(
  rows: TablePageRow[],
  { page }: TableState,
): { from: number; rows: TablePageRow[]; isLast: boolean } {
  const from = page * PAGE_ROWS;
  return { from, rows: rows.slice(from, from + PAGE_ROWS), isLast: from + PAGE_ROWS >= rows.length };
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
