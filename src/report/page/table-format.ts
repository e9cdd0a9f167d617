/** What a table page carries, written by `table-page.ts`: one array per row, in the order of its columns. */
export type TablePageRow = [
  group: string,
  bytes: number,
  allocations: number,
  allocator: string,
  name: string,
  place: string,
  module: string,
];

export interface TablePageData {
  format: 1;
  /** By what rows are split: the title of the first column, and that of a column that would repeat it. */
  by: { title: string; hides: string } | null;
  rows: TablePageRow[];
}
