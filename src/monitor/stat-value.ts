/** Sums by kind without the objects: they keep no heap in memory, can be compared, and saved. */
import { readFileSync } from 'node:fs';
import { difference, type Partition } from '../heap/partition.ts';
import { parsePartition, partitionJson } from '../heap/partition-file.ts';
import type { RowSource } from '../heap/partition-table.ts';
import { UserError } from '../util/errors.ts';
import { inChunks } from '../util/in-chunks.ts';
import { writeOutputFile } from '../util/output.ts';
import { ALL_ROWS, FIRST_PAGE, type Page, pageAfter, pageText } from './page.ts';
import type { Binary } from './parser.ts';
import { type Attributes, Described, Method, titleOf, type Value } from './value.ts';

/** Rows of a partition by id are text that nobody reads beyond this. */
const MAX_ROWS = 100_000;

export class StatValue extends Described<StatValue> {
  readonly title: string = 'a stat';
  readonly partition: Partition;
  private readonly page: Page;

  constructor(partition: Partition, page = FIRST_PAGE) {
    super();
    this.partition = partition;
    this.page = page;
  }

  protected readonly table: Attributes<StatValue> = new Map<string, (of: StatValue) => Value>([
    ['count', (of) => of.partition.count],
    ['size', (of) => of.partition.size],
    ['more', (of) => new StatValue(of.partition, pageAfter(of.page, of.partition))],
    ['all', (of) => new StatValue(of.partition, ALL_ROWS)],
    ['diff', (of) => new Method('diff(BEFORE)', [1, 1], ([before]) => of.since(statOf(before!)))],
    ['dump', (of) => new Method("dump('FILE')", [1, 1], ([path]) => dump(of.partition, path!))],
  ]);

  override text(columns: number): string {
    const { count } = this.partition;
    return pageText(this.partition, this.page, `Sums of a set of ${plural(count)}.`, columns);
  }

  override join(operator: Binary, other: Value): Value | undefined {
    return operator === '-' ? this.since(statOf(other)) : undefined;
  }

  private since({ partition }: StatValue): StatValue {
    if (partition.by !== this.partition.by)
      throw new UserError(`one stat is by ${this.partition.by}, the other by ${partition.by}: use .by${partition.by}`);
    return new StatValue(difference(this.partition, partition));
  }
}

export function plural(count: number): string {
  return `${count} object${count === 1 ? '' : 's'}`;
}

/** What stands for sums: a stat, or what has one. @throws UserError for others. */
export function statOf(value: Value): StatValue {
  const stat = value instanceof Described ? (value instanceof StatValue ? value : value.attribute('stat')) : undefined;
  if (stat instanceof StatValue) return stat;
  throw new UserError(`a stat or a set of objects is needed, not ${titleOf(value)}`);
}

/** @throws UserError for a partition by id of very many objects. */
export function statOfRows({ rows, ...sums }: RowSource): StatValue {
  if (rows.length > MAX_ROWS)
    throw new UserError(`a stat has at most ${MAX_ROWS} rows, and this would have ${rows.length}`);
  return new StatValue({ ...sums, rows: rows.slice(0, rows.length) });
}

function dump(partition: Partition, path: Value): null {
  if (typeof path !== 'string') throw new UserError("it is called as dump('FILE')");
  writeOutputFile(path, inChunks(partitionJson(partition)), false, '');
  return null;
}

/** What dump() or `mp heap -o` wrote. @throws UserError for other files. */
export function load(path: Value): StatValue {
  if (typeof path !== 'string') throw new UserError("it is called as load('FILE')");
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const saved = parsePartition(text);
  if (saved === null) throw new UserError(`${path} was written neither by dump() nor by mp heap -o.`);
  return new StatValue(saved);
}
