/** A set of objects in the console: heapy's partition with its attributes. */
import type { HeapGraph } from '../heap/graph.ts';
import type { ObjectSet } from '../heap/object-set.ts';
import { EQUIVALENCES, type Equivalence } from '../heap/partition.ts';
import { referencePattern } from '../heap/reference-pattern.ts';
import { pathText, shortestPaths } from '../heap/shortest-paths.ts';
import { UserError } from '../util/errors.ts';
import { printable } from '../util/format.ts';
import { objectText } from './object-text.ts';
import { ALL_ROWS, FIRST_PAGE, type Page, pageAfter, pageText } from './page.ts';
import type { Binary } from './parser.ts';
import { plural, statOf, statOfRows } from './stat-value.ts';
import { type Attributes, Described, Method, Text, titleOf, type Value } from './value.ts';

const PATTERN_DEPTH = 6;
const PATH_LIMIT = 10;

export class SetValue extends Described<SetValue> {
  readonly title = 'a set of objects';
  readonly set: ObjectSet;
  private readonly page: Page;

  constructor(set: ObjectSet, page = FIRST_PAGE) {
    super();
    this.set = set;
    this.page = page;
  }

  protected readonly table = ATTRIBUTES;

  override get graph(): HeapGraph {
    return this.set.graph;
  }

  override text(columns: number): string {
    return pageText(this.set.partition, this.page, `Partition of a set of ${plural(this.set.count)}.`, columns);
  }

  override get length(): number {
    return this.set.partition.rows.length;
  }

  override slice(from: number, to: number): Value {
    return new SetValue(this.set.rows(from, to));
  }

  override join(operator: Binary, other: Value): Value | undefined {
    if (other instanceof KindValue) return this.joinKind(operator, other);
    if (!(other instanceof SetValue)) return undefined;
    switch (operator) {
      case '&':
        return new SetValue(this.set.and(other.set));
      case '|':
      case '+':
        return new SetValue(this.set.or(other.set));
      case '-':
        return new SetValue(this.set.minus(other.set));
      case '^':
        return new SetValue(this.set.xor(other.set));
    }
  }

  private joinKind(operator: Binary, { by, kinds }: KindValue): Value | undefined {
    if (operator !== '&' && operator !== '-') return undefined;
    const those = this.set.ofKinds(by, kinds);
    return new SetValue(operator === '&' ? those : this.set.minus(those));
  }

  override complement(): Value {
    return new SetValue(this.set.not());
  }

  next(): SetValue {
    return new SetValue(this.set, pageAfter(this.page, this.set.partition));
  }
}

/** Names of kinds, to be joined with sets of any moment: `hp.heap() & hp.Type('str')`. */
export class KindValue extends Described<KindValue> {
  readonly title = 'a kind';
  readonly by: Equivalence;
  readonly kinds: ReadonlySet<string>;

  constructor(by: Equivalence, kinds: Iterable<string>) {
    super();
    this.by = by;
    this.kinds = new Set(kinds);
  }

  protected readonly table: Attributes<KindValue> = new Map();

  override text(): string {
    return `<by ${this.by}: ${[...this.kinds].map(printable).join(', ')}>`;
  }
}

const set = (make: (of: ObjectSet) => ObjectSet) => (of: SetValue) => new SetValue(make(of.set));

const ATTRIBUTES: Attributes<SetValue> = new Map<string, (of: SetValue) => Value>([
  ...EQUIVALENCES.map((by) => [`by${by}`, set((of) => of.groupedBy(by))] as const),
  ['count', ({ set }) => set.count],
  ['size', ({ set }) => set.size],
  ['indisize', ({ set }) => set.size],
  ['domisize', ({ set }) => set.dominated().size],
  ['dominos', set((of) => of.dominated())],
  ['referrers', set((of) => of.referrers())],
  ['referents', set((of) => of.referents())],
  ['owners', set((of) => of.owners())],
  ['kind', (of) => kindOf(of)],
  ['more', (of) => of.next()],
  ['all', ({ set }) => new SetValue(set, ALL_ROWS)],
  ['stat', ({ set }) => statOfRows(set.partition)],
  ['diff', (of) => new Method('diff(BEFORE)', [1, 1], ([before]) => statOf(of).join('-', statOf(before!))!)],
  ['dump', (of) => statOf(of).attribute('dump')!],
  ['rp', ({ set }) => new Text(referencePattern(set, PATTERN_DEPTH))],
  [
    'get_rp',
    ({ set }) => new Method('get_rp(DEPTH)', [1, 1], ([depth]) => new Text(referencePattern(set, small(depth!)))),
  ],
  ['shpaths', ({ set }) => paths(set, PATH_LIMIT)],
  ['sp', ({ set }) => paths(set, PATH_LIMIT)],
  ['get_shpaths', ({ set }) => new Method('get_shpaths(COUNT)', [1, 1], ([count]) => paths(set, small(count!)))],
  ['theone', ({ set }) => theOne(set)],
]);

const MAX_KINDS = 100_000;

function kindOf({ set, length }: SetValue): KindValue {
  if (length > MAX_KINDS) throw new UserError(`these are ${length} kinds`);
  return new KindValue(
    set.by,
    set.partition.rows.slice(0, length).map(({ kind }) => kind),
  );
}

const MAX_SMALL = 1000;

function small(value: Value): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_SMALL) return value;
  throw new UserError(
    `a number from 1 to ${MAX_SMALL} is needed, not ${typeof value === 'number' ? value : titleOf(value)}`,
  );
}

function paths({ graph, members }: ObjectSet, limit: number): Text {
  const found = shortestPaths(graph, members, limit + 1);
  if (found.length === 0) return new Text(members.length === 0 ? 'The set is empty.' : 'No module leads to it.');
  const lines = found.slice(0, limit).map((path, i) => `${`${i}`.padStart(2)}: ${pathText(graph, path)}`);
  const more = found.length > limit ? ['<There are more. Use .get_shpaths(COUNT) to see them.>'] : [];
  return new Text([...lines, ...more].join('\n'));
}

function theOne({ graph, members, count }: ObjectSet): Text {
  if (count !== 1) throw new UserError(`theone is for a set of one object, and this one has ${count}`);
  return new Text(objectText(graph, members[0]!));
}
