/**
 * The objects of a heap by kind, as heapy's tables show them: rows of count and size, the largest first. What one
 * partition has beyond another is a partition, too, whose numbers can be negative.
 */
import type { HeapColumns } from '../model/heap.ts';
import { clodoKinds, typeName, typeNames } from './kinds.ts';

export interface PartitionRow {
  kind: string;
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

export const EQUIVALENCES = ['type', 'clodo', 'size', 'module', 'id', 'rcs'] as const;
export type Equivalence = (typeof EQUIVALENCES)[number];

/** What stands above the kinds of a table. */
export const KIND_TITLES: Record<Equivalence, string> = {
  type: 'Kind (type)',
  clodo: 'Kind (class / dict of class)',
  size: 'Individual Size',
  module: 'Module',
  id: 'Kind: Name/Value/Address',
  rcs: 'Referrers by Kind (class / dict of class)',
};

/** The objects of `heap`, or only those that `selected` says. */
export function partition(heap: HeapColumns, by: Equivalence, selected?: (object: number) => boolean): Partition {
  const { kinds, nameOf } = kindsBy(heap, by);
  const counts = new Map<number, { count: number; size: number }>();
  let count = 0;
  let size = 0;
  for (let i = 0; i < kinds.length; i++) {
    if (selected && !selected(i)) continue;
    const sum = counts.get(kinds[i]!);
    if (sum) {
      sum.count++;
      sum.size += heap.sizes[i]!;
    } else {
      counts.set(kinds[i]!, { count: 1, size: heap.sizes[i]! });
    }
    count++;
    size += heap.sizes[i]!;
  }
  return { by, count, size, rows: mergeRows([...counts].map(([kind, sum]) => ({ kind: nameOf(kind), ...sum }))) };
}

/** `now` without what was there at `before`, by kind. */
export function difference(now: Partition, before: Partition): Partition {
  const rows = mergeRows([
    ...now.rows,
    ...before.rows.map(({ kind, count, size }) => ({ kind, count: -count, size: -size })),
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
  const byKind = new Map<string, PartitionRow>();
  for (const row of rows) {
    const known = byKind.get(row.kind);
    if (known) {
      known.count += row.count;
      known.size += row.size;
    } else {
      byKind.set(row.kind, { ...row });
    }
  }
  return [...byKind.values()].sort((a, b) => b.size - a.size || b.count - a.count || (a.kind < b.kind ? -1 : 1));
}

/** Indices of the objects by kind, of which there are `count`: comparing millions of them would take seconds. */
function inOrderOf(kinds: Uint32Array, count: number): Uint32Array {
  const next = new Uint32Array(count + 1);
  for (const kind of kinds) next[kind + 1]!++;
  for (let kind = 0; kind < count; kind++) next[kind + 1]! += next[kind]!;
  const order = new Uint32Array(kinds.length);
  for (let i = 0; i < kinds.length; i++) order[next[kinds[i]!]!++] = i;
  return order;
}

interface Kinds {
  kinds: Uint32Array | Float64Array;
  nameOf(kind: number): string;
}

function kindsBy(heap: HeapColumns, by: Equivalence): Kinds {
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
        nameOf: (i) => `${typeName(heap.types[heap.typeOf[i]!]!)}: 0x${heap.addresses[i]!.toString(16)}`,
      };
    case 'rcs':
      return kindsOfReferrers(heap);
  }
}

/** The set of the kinds of those that refer to an object. Sets are numbered as they are met: adding a kind to a set. */
function kindsOfReferrers(heap: HeapColumns): Kinds {
  const { kinds, names } = clodoKinds(heap);
  const sets: { kinds: number[]; with: Map<number, number> }[] = [{ kinds: [], with: new Map() }];
  const setOf = new Uint32Array(kinds.length);
  // a set is only ever extended at its end then
  for (const from of inOrderOf(kinds, names.length)) {
    const kind = kinds[from]!;
    for (let edge = heap.firstTarget[from]!; edge < heap.firstTarget[from + 1]!; edge++) {
      const target = heap.targets[edge]!;
      const set = sets[setOf[target]!]!;
      if (set.kinds.at(-1) === kind) continue;
      let next = set.with.get(kind);
      if (next === undefined) {
        next = sets.push({ kinds: [...set.kinds, kind], with: new Map() }) - 1;
        set.with.set(kind, next);
      }
      setOf[target] = next;
    }
  }
  const nameOf = (set: number) => {
    const { kinds } = sets[set]!;
    return kinds.length === 0
      ? '<Nothing>'
      : kinds
          .map((kind) => names[kind]!)
          .sort()
          .join(', ');
  };
  return { kinds: setOf, nameOf };
}
