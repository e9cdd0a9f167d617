/** Copies tables from one capture to another. */
import { StoreError } from '../util/errors.ts';
import { BulkInsert } from './bulk-insert.ts';
import type { Db, Params } from './db.ts';

/**
 * Columns that only one of the two has are left out: an earlier mp may have written the source.
 * @param where which rows, with its parameters
 */
export function copyTable(source: Db, target: Db, table: string, where = 'TRUE', params: Params = []): void {
  const there = columnsOf(source, table);
  const columns = columnsOf(target, table).filter((column) => there.includes(column));
  if (columns.length === 0) throw new StoreError(`table ${table} has none of its columns`, 'SQLITE_CORRUPT');
  copyRows(source, target, table, columns, `SELECT ${columns.join(', ')} FROM main.${table} WHERE ${where}`, params);
}

/** `select` gives the columns by their names. */
export function copyRows(
  source: Db,
  target: Db,
  table: string,
  columns: readonly string[],
  select: string,
  params: Params,
): void {
  const rows = inserter(target, table, columns);
  for (const row of source.iterate<Record<string, unknown>>(select, params))
    rows.add(...columns.map((column) => row[column]));
  rows.finish();
}

export function inserter(db: Db, table: string, columns: readonly string[]): BulkInsert {
  const text = (values: string) => `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values}`;
  return new BulkInsert(columns.length, text, (sql, params) => db.run(sql, params));
}

function columnsOf(db: Db, table: string): string[] {
  return db.all<{ name: string }>(`PRAGMA main.table_info(${table})`).map(({ name }) => name);
}
