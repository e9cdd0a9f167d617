/** The lines of the table: what is shown of a location depends on the width. */
import { cutEnd, formatBytes, formatCount, formatPercent, printable, shortenPath } from '../util/format.ts';
import type { Target } from './live-buttons.ts';
import type { LiveModel } from './live-model.ts';
import type { LiveRow, SortKey } from './live-table.ts';
import type { LiveContext } from './live-view.ts';
import type { Paint } from './paint.ts';

interface Column {
  title: string;
  width: number;
  sort?: SortKey;
  text(row: LiveRow, model: LiveModel): string;
}

/** From this width on there is all that memray shows; below, what is most. */
const WIDE = 81;
const NARROW = 70;

/** Columns of numbers, and the width that is left for the location and for its file. */
function columnsOf(columns: number): { numbers: Column[]; location: number; file: number } {
  const isWide = columns >= WIDE;
  const percent = (title: string, part: (row: LiveRow) => number): Column[] =>
    columns < NARROW ? [] : [{ title, width: 8, text: (row, { table }) => formatPercent(part(row), table.bytes) }];
  const numbers: Column[] = [
    {
      title: isWide ? 'Total Bytes' : 'Total',
      width: 12,
      sort: 'totalBytes',
      text: (row) => formatBytes(row.totalBytes),
    },
    ...percent(isWide ? '% Total' : '%', (row) => row.totalBytes),
    { title: isWide ? 'Own Bytes' : 'Own', width: 12, sort: 'ownBytes', text: (row) => formatBytes(row.ownBytes) },
    ...percent(isWide ? '% Own' : '%', (row) => row.ownBytes),
    {
      title: isWide ? 'Allocations' : 'Allocs',
      width: isWide ? 11 : 9,
      sort: 'allocations',
      text: (row) => formatCount(row.allocations),
    },
  ];
  const left = columns - numbers.reduce((sum, { width }) => sum + width + 1, 0);
  const file = isWide ? Math.max(12, Math.floor(left * 0.45)) : 0;
  return { numbers, location: Math.max(4, left - (file && file + 1)), file };
}

/** Headings are buttons. */
export function headingLine(
  sort: SortKey,
  columns: number,
  paint: Paint,
  line: number,
): { line: string; targets: Target[] } {
  const { numbers, location, file } = columnsOf(columns);
  const targets: Target[] = [];
  let text = 'Location'.padEnd(location).slice(0, location);
  let at = location;
  for (const { title, width, sort: key } of numbers) {
    const padding = ' '.repeat(1 + width - title.length);
    text += padding + (key === sort ? paint.underline(paint.bold(title)) : title);
    if (key !== undefined) targets.push({ line, from: at + 1, to: at + 1 + width, key: KEYS[key] });
    at += 1 + width;
  }
  return { line: file === 0 ? text : `${text} File/Module`, targets };
}

const KEYS: Record<SortKey, string> = { totalBytes: 't', ownBytes: 'o', allocations: 'a' };

export function rowLine(model: LiveModel, index: number, columns: number, context: LiveContext): string {
  const row = model.rows[index];
  if (row === undefined) return index === 0 ? 'Nothing is in use that could be shown.' : '';
  const { numbers, location, file } = columnsOf(columns);
  const { function: name, file: path } = model.locationOf(row.location);
  const shortName = cutEnd(context.shortenName(printable(name), location), location);
  const shownName = shortName + ' '.repeat(Math.max(0, location - [...shortName].length));
  const texts = numbers.map((column) => ` ${column.text(row, model).padStart(column.width)}`).join('');
  const shownFile = file === 0 ? '' : ` ${shortenPath(printable(path), file)}`;
  const { paint } = context;
  if (index === model.cursor) return paint.cursor(`${shownName}${texts}${shownFile}`);
  const share = model.table.bytes === 0 ? 0 : Math.abs(row.totalBytes / model.table.bytes);
  return shownName + paint.share(texts, share) + paint.dim(shownFile);
}
