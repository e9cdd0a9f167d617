/** What a table page carries, written by `table-page.ts`: one array per row, in the order of its columns. */
export type TablePageRow = [
  thread: string,
  bytes: number,
  allocations: number,
  allocator: string,
  name: string,
  place: string,
  module: string,
];

export interface TablePageData {
  format: 1;
  /** Whether rows are split by thread. */
  threads: boolean;
  rows: TablePageRow[];
}
