/**
 * Reads tables of many rows. A row from the driver costs more than a microsecond, whatever is in it; SQLite as quickly makes
 * a JSON array of a whole column, which V8 reads:
 *
 *     SELECT id, depth FROM stack                              a row of the driver for each
 *     SELECT json_group_array(id), json_group_array(depth)     [1,2,3,…] [1,2,3,…]: one for 65,536
 *       FROM (SELECT id, depth FROM stack …)
 *
 * Numbers and texts come out as from the driver; JSON knows no blobs.
 */
import type { Db, Row, Value } from './db.ts';

/** Who wants only the first row need not wait for many. */
const FIRST_ROWS = 256;
/** So that no column becomes a text longer than SQLite or V8 allow. */
const MAX_ROWS = 65_536;

/**
 * Of a query: it must take those rows of `table` whose id is from `:first` to `:last`, in the order of their ids. `params` are
 * its other parameters.
 */
export type BulkQuery = [db: Db, table: string, sql: string, params: Readonly<Record<string, unknown>>];

/** Arrays of the values of some columns, all of them of the same rows. */
export function* bulkColumns<Columns>(
  ...[db, table, sql, params, names]: [...BulkQuery, names: readonly string[]]
): IterableIterator<Columns> {
  const bulk = `SELECT ${names.map((name) => `json_group_array(${name}) AS ${name}`).join(', ')} FROM (${sql})`;
  let count = FIRST_ROWS;
  for (let first = idFrom(db, table, Number.MIN_SAFE_INTEGER); first !== null; ) {
    const last = first + count - 1;
    const texts = db.get<Record<string, string>>(bulk, { ...params, first, last })!;
    yield Object.fromEntries(names.map((name) => [name, JSON.parse(texts[name]!)])) as Columns;
    first = idFrom(db, table, last + 1);
    count = MAX_ROWS;
  }
}

/** The same, row by row. */
export function* bulkRows<R = Row>(...query: BulkQuery): IterableIterator<R> {
  const [db, , sql] = query;
  const names = db.prepare(sql).columns();
  for (const columns of bulkColumns<Record<string, Value[]>>(...query, names)) {
    const values = names.map((name) => columns[name]!);
    const count = values[0]!.length;
    for (let i = 0; i < count; i++) {
      const row: Row = {};
      for (let k = 0; k < names.length; k++) row[names[k]!] = values[k]![i]!;
      yield row as R;
    }
  }
}

/** The first id from there on; null: none. */
function idFrom(db: Db, table: string, id: number): number | null {
  return db.get<{ first: number | null }>(`SELECT min(id) AS first FROM ${table} WHERE id >= ?`, [id])!.first;
}
