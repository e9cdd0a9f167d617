/** Rows of any query as an aligned table, JSON or CSV (RFC 4180). Numbers are printed as SQLite gives them. */
import { cutEnd, printable } from '../util/format.ts';
import { type Column, renderTable } from '../util/table.ts';
import type { Layout } from './header.ts';
import { styledTable } from './report.ts';

export type Cell = null | number | bigint | string | Uint8Array;

export interface QueryResult {
  columns: string[];
  /** One value per column. */
  rows: Cell[][];
}

/** `cutToWidth`: texts give way to the width of the terminal. */
export function resultTable(result: QueryResult, layout: Layout, cutToWidth: boolean): string {
  const columns = result.columns.map((name, i): Column => {
    const title = printable(name);
    const isNumeric = result.rows.length > 0 && result.rows.every((row) => row[i] === null || isNumber(row[i]!));
    if (isNumeric) return { title, align: 'right' };
    return cutToWidth ? { title, shorten: cutEnd } : { title };
  });
  const cells = result.rows.map((row) => row.map((cell) => (cell === null ? '' : printable(cellText(cell)))));
  return `${styledTable(renderTable(columns, cells, layout.columns), layout).join('\n')}\n`;
}

/** An array with one object per row. */
export function resultJson({ columns, rows }: QueryResult): string {
  const lines = rows.map(
    (row) => `  {${row.map((cell, i) => `${JSON.stringify(columns[i])}: ${jsonCell(cell)}`).join(', ')}}`,
  );
  return lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`;
}

export function resultCsv({ columns, rows }: QueryResult): string {
  return csvLine(columns) + rows.map(csvLine).join('');
}

/** One record; null is an empty field. */
export function csvLine(cells: Cell[]): string {
  return `${cells.map((cell) => (cell === null ? '' : csvCell(cellText(cell)))).join(',')}\r\n`;
}

const isNumber = (cell: Cell): boolean => typeof cell === 'number' || typeof cell === 'bigint';

function cellText(cell: Exclude<Cell, null>): string {
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : String(cell);
}

function jsonCell(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell === 'number' && !Number.isFinite(cell)) return 'null';
  return isNumber(cell) ? String(cell) : JSON.stringify(cellText(cell));
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
