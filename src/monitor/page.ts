/** A partition in pages of ten rows, as heapy shows it. */
import { type RowSource, tableLines } from '../heap/partition-table.ts';
import { UserError } from '../util/errors.ts';

/** Rows from one place on. */
export interface Page {
  from: number;
  count: number;
}

export const FIRST_PAGE: Page = { from: 0, count: 10 };
/** Nobody reads more; the others follow with .more. */
export const ALL_ROWS: Page = { from: 0, count: 10_000 };

/** @throws UserError if there is none. */
export function pageAfter({ from, count }: Page, { rows }: RowSource): Page {
  if (from + count >= rows.length) throw new UserError('there are no more rows');
  return { from: from + count, count: FIRST_PAGE.count };
}

/** Under the sums if it is the first. `title`: `Partition of a set of 3 objects.` */
export function pageText(partition: RowSource, page: Page, title: string, columns: number): string {
  const end = page.from + page.count;
  const left = partition.rows.length - end;
  return [
    ...(page.from === 0 ? [`${title} Total size = ${partition.size} bytes.`] : []),
    ...tableLines(partition, page.from, end, columns),
    ...(left > 0 ? [`<${left} more row${left === 1 ? '' : 's'}. Type e.g. '_.more' to view.>`] : []),
  ].join('\n');
}
