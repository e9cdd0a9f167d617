/** A partition as JSON, printed or saved; its fields are those of Partition. */
import { EQUIVALENCES, type Equivalence, type Partition, type PartitionRow } from './partition.ts';

/** In pieces: by id there are as many rows as objects. */
export function* partitionJson({ rows, ...totals }: Partition): Iterable<string> {
  yield `${JSON.stringify(totals).slice(0, -1)},"rows":[`;
  for (let i = 0; i < rows.length; i++) yield `${i === 0 ? '' : ','}\n${JSON.stringify(rows[i])}`;
  yield ']}\n';
}

/** null if the text is none. */
export function parsePartition(text: string): Partition | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isPartition(value) ? value : null;
}

function isPartition(value: unknown): value is Partition {
  if (typeof value !== 'object' || value === null) return false;
  const { by, count, size, rows } = value as Partial<Partition>;
  return (
    EQUIVALENCES.includes(by as Equivalence) &&
    Number.isFinite(count) &&
    Number.isFinite(size) &&
    Array.isArray(rows) &&
    rows.every(isRow) &&
    rows.every((row) => (row.site === undefined) === (rows[0]!.site === undefined))
  );
}

function isRow(value: unknown): value is PartitionRow {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, site, count, size } = value as Partial<PartitionRow>;
  const isNamed = typeof kind === 'string' && (site === undefined || typeof site === 'string');
  return isNamed && Number.isFinite(count) && Number.isFinite(size);
}

/** Whether the lines that allocated are told apart. */
export function hasSites({ rows }: Partition): boolean {
  return rows[0]?.site !== undefined;
}
