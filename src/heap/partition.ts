/**
 * The objects of a heap by kind, as heapy's tables show them: rows of count and size, the largest first. What one
 * partition has beyond another is a partition, too, whose numbers can be negative.
 */
import type { HeapColumns } from '../model/heap.ts';
import { addressText } from './address.ts';
import { inOrderOf, KindSets } from './kind-sets.ts';
import { clodoKinds, type Kinds, typeName, typeNames } from './kinds.ts';
import type { ObjectSites } from './sites.ts';

export interface PartitionRow {
  kind: string;
  /** The line that allocated, if the partition is also by that. */
  site?: string;
  count: number;
  /** Bytes. */
  size: number;
}

export interface Partition {
  by: Equivalence;
  count: number;
  size: number;
  rows: PartitionRow[];
}

export const EQUIVALENCES = ['type', 'clodo', 'size', 'module', 'id', 'rcs', 'via'] as const;
export type Equivalence = (typeof EQUIVALENCES)[number];

/** What stands above the kinds of a table. */
export const KIND_TITLES: Record<Equivalence, string> = {
  type: 'Kind (type)',
  clodo: 'Kind (class / dict of class)',
  size: 'Individual Size',
  module: 'Module',
  id: 'Kind: Name/Value/Address',
  rcs: 'Referrers by Kind (class / dict of class)',
  via: 'Referred Via:',
};

/** What only those know who have more than the columns. */
export interface Further {
  /** By `via`: what viaKinds gave while the process stood still. */
  via?: Kinds | undefined;
  /** Objects of one kind that different lines allocated are in rows of their own. */
  sites?: ObjectSites | undefined;
}

/** The objects of `heap`, or only those that `selected` says. */
export function partition(
  heap: HeapColumns,
  by: Equivalence,
  selected?: (object: number) => boolean,
  { via, sites }: Further = {},
): Partition {
  const { kinds, nameOf } = by === 'via' && via !== undefined ? via : kindsBy(heap, by);
  const { siteOf, lines } = sites ?? { siteOf: null, lines: [] };
  const sums = new Map<number, Map<number, { count: number; size: number }>>();
  let count = 0;
  let size = 0;
  for (let i = 0; i < kinds.length; i++) {
    if (selected && !selected(i)) continue;
    const site = siteOf === null ? 0 : siteOf[i]!;
    const ofSite = sums.get(site) ?? new Map<number, { count: number; size: number }>();
    if (ofSite.size === 0) sums.set(site, ofSite);
    const sum = ofSite.get(kinds[i]!);
    if (sum) {
      sum.count++;
      sum.size += heap.sizes[i]!;
    } else {
      ofSite.set(kinds[i]!, { count: 1, size: heap.sizes[i]! });
    }
    count++;
    size += heap.sizes[i]!;
  }
  const rows = [...sums].flatMap(([site, ofSite]) =>
    [...ofSite].map(([kind, sum]) => ({ kind: nameOf(kind), ...(sites && { site: lines[site]! }), ...sum })),
  );
  return { by, count, size, rows: mergeRows(rows) };
}

/** `now` without what was there at `before`, by kind. */
export function difference(now: Partition, before: Partition): Partition {
  const rows = mergeRows([
    ...now.rows,
    ...before.rows.map(({ count, size, ...row }) => ({ ...row, count: -count, size: -size })),
  ]);
  return {
    by: now.by,
    count: now.count - before.count,
    size: now.size - before.size,
    rows: rows.filter((row) => row.count !== 0 || row.size !== 0),
  };
}

/** Several types can have one name. */
function mergeRows(rows: PartitionRow[]): PartitionRow[] {
  const byName = new Map<string, PartitionRow>();
  for (const row of rows) {
    const name = nameOfRow(row);
    const known = byName.get(name);
    if (known) {
      known.count += row.count;
      known.size += row.size;
    } else {
      byName.set(name, { ...row });
    }
  }
  const inOrder = (a: PartitionRow, b: PartitionRow) => b.size - a.size || b.count - a.count;
  return [...byName.values()].sort((a, b) => inOrder(a, b) || (nameOfRow(a) < nameOfRow(b) ? -1 : 1));
}

function nameOfRow({ kind, site }: PartitionRow): string {
  return site === undefined ? kind : `${kind}\0${site}`;
}

export function kindsBy(heap: HeapColumns, by: Equivalence): Kinds {
  switch (by) {
    case 'type': {
      const names = typeNames(heap);
      return { kinds: heap.typeOf, nameOf: (kind) => names[kind]! };
    }
    case 'clodo': {
      const { kinds, names } = clodoKinds(heap);
      return { kinds, nameOf: (kind) => names[kind]! };
    }
    case 'size':
      return { kinds: heap.sizes, nameOf: String };
    case 'module':
      return { kinds: heap.typeOf, nameOf: (kind) => heap.types[kind]!.module || '<unknown>' };
    case 'id':
      return {
        kinds: Uint32Array.from(heap.typeOf, (_, i) => i),
        nameOf: (i) => `${typeName(heap.types[heap.typeOf[i]!]!)}: ${addressText(heap, i)}`,
      };
    case 'rcs':
      return kindsOfReferrers(heap);
    case 'via':
      throw new Error('how objects are referred to was not read');
  }
}

/** The set of the kinds of those that refer to an object. */
function kindsOfReferrers(heap: HeapColumns): Kinds {
  const { kinds, names } = clodoKinds(heap);
  const sets = new KindSets(kinds.length);
  for (const from of inOrderOf(kinds, names.length)) {
    for (let edge = heap.firstTarget[from]!; edge < heap.firstTarget[from + 1]!; edge++)
      sets.add(heap.targets[edge]!, kinds[from]!);
  }
  return sets.kinds((kind) => names[kind]!);
}
