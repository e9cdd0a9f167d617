/**
 * A partition as heapy prints it:
 *
 *     Partition of a set of 355556 objects. Total size = 50878704 bytes.
 *      Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)
 *          0   9605   3 15908984  31  15908984  31 dict (no owner)
 *     <276 more rows. Use --rows all to see them.>
 *
 * A long kind goes on under its column. Of a partition that is also by line, `str from app.py:12 (load)`.
 */
import type { HeapColumns } from '../model/heap.ts';
import { formatPlural } from '../util/format.ts';
import { cutLines } from './cut-lines.ts';
import { KIND_TITLES, type Partition, type PartitionRow } from './partition.ts';

/** Every column is at least as wide as in heapy's tables. */
const WIDTHS = { index: 6, count: 6, percent: 3, size: 8, cumulative: 10 };

export function partitionTable(
  partition: Partition,
  rowLimit: number,
  columns: number,
  title = KIND_TITLES[partition.by],
): string {
  const shown = partition.rows.slice(0, rowLimit);
  const { count, size } = partition;
  const head = `Partition of a set of ${count} object${count === 1 ? '' : 's'}. Total size = ${size} bytes.`;
  const more = partition.rows.length - shown.length;
  const lines = [head, ...tableLines(partition, 0, rowLimit, columns, title)];
  if (more > 0)
    lines.push(`<${more} more row${more === 1 ? '' : 's'}. Use --rows all to see ${more === 1 ? 'it' : 'them'}.>`);
  return `${lines.join('\n')}\n`;
}

/** Objects whose references could not be followed; empty if there are none. */
export function unknownLine({ unknownObjects, unknownTypes }: HeapColumns): string {
  if (unknownObjects === 0) return '';
  const types = formatPlural(unknownTypes, 'C type', 'C types');
  const objects = formatPlural(unknownObjects, 'object', 'objects');
  return `What ${objects} of ${types} ${unknownObjects === 1 ? 'refers' : 'refer'} to is not known to mp.\n`;
}

/** A partition whose rows are made when they are asked for: by id there are as many as objects. */
export interface RowSource extends Omit<Partition, 'rows'> {
  rows: { readonly length: number; slice(from: number, to: number): PartitionRow[] };
}

/** Rows `from` up to `to` below their titles; the sums are those of all rows up to there. */
export function tableLines(
  partition: RowSource,
  from: number,
  to: number,
  columns: number,
  title = KIND_TITLES[partition.by],
): string[] {
  const percent = (part: number, whole: number) => (whole === 0 ? '0' : `${Math.round((part / whole) * 100)}`);
  let cumulative = partition.rows.slice(0, from).reduce((sum, row) => sum + row.size, 0);
  const rows = partition.rows.slice(from, to);
  const cells = rows.map((row, index) => {
    cumulative += row.size;
    return [
      `${from + index}`,
      `${row.count}`,
      percent(row.count, partition.count),
      `${row.size}`,
      percent(row.size, partition.size),
      `${cumulative}`,
      percent(cumulative, partition.size),
    ];
  });
  const titles = ['Index', 'Count', '%', 'Size', '%', 'Cumulative', '%'];
  const least = [WIDTHS.index, WIDTHS.count, WIDTHS.percent, WIDTHS.size, WIDTHS.percent, WIDTHS.cumulative, 2];
  const widths = titles.map((title, i) => Math.max(title.length, least[i]!, ...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) => row.map((cell, i) => cell.padStart(widths[i]!)).join(' ');
  const indent = line(titles).length + 1;
  const nameOf = ({ kind, site }: PartitionRow) => (site === undefined ? kind : `${kind} from ${site}`);
  const kinds = rows.map((row) => cutLines(nameOf(row), Math.max(20, columns - indent)));
  const further = rows.some(({ site }) => site !== undefined) ? ', and the line that allocated' : '';
  return [
    `${line(titles)} ${title}${further}`,
    ...cells.flatMap((row, i) => {
      const [first, ...rest] = kinds[i]!;
      return [`${line(row)} ${first}`, ...rest.map((text) => ' '.repeat(indent) + text)];
    }),
  ];
}
