/**
 * Objects of one heap, and what heapy asks of a set of them: its parts, the algebra of sets, what refers to it and what it
 * refers to. A set does not change.
 */
import { HEAP_NONE } from '../model/heap.ts';
import { remembered } from '../util/remembered.ts';
import { AddressIndex } from './address-index.ts';
import type { HeapGraph } from './graph.ts';
import type { Kinds } from './kinds.ts';
import { type Equivalence, kindsBy, partition } from './partition.ts';
import type { RowSource } from './partition-table.ts';
import { RowsById } from './rows-by-id.ts';
import { unheld } from './unheld.ts';
import { viaKinds } from './via.ts';

export class ObjectSet {
  readonly graph: HeapGraph;
  /** Indices in the heap, ascending, each once. */
  readonly members: Uint32Array;
  /** What makes one row. */
  readonly by: Equivalence;
  private parts: RowSource | null = null;

  private constructor(graph: HeapGraph, members: Uint32Array, by: Equivalence) {
    this.graph = graph;
    this.members = members;
    this.by = by;
  }

  static all(graph: HeapGraph): ObjectSet {
    return new ObjectSet(
      graph,
      Uint32Array.from({ length: graph.count }, (_, i) => i),
      'clodo',
    );
  }

  static of(graph: HeapGraph, objects: Iterable<number>): ObjectSet {
    const marks = new Uint8Array(graph.count);
    for (const object of objects) marks[object] = 1;
    return ObjectSet.marked(graph, marks, 'clodo');
  }

  /** Objects whose mark is not 0. */
  static marked(graph: HeapGraph, marks: Uint8Array, by: Equivalence): ObjectSet {
    let count = 0;
    for (const mark of marks) if (mark !== 0) count++;
    const members = new Uint32Array(count);
    for (let i = 0, next = 0; i < marks.length; i++) if (marks[i] !== 0) members[next++] = i;
    return new ObjectSet(graph, members, by);
  }

  get count(): number {
    return this.members.length;
  }

  /** Bytes of the objects themselves. */
  get size(): number {
    const { sizes } = this.graph.heap;
    let size = 0;
    for (const object of this.members) size += sizes[object]!;
    return size;
  }

  /** 1 for each of its objects, by index in the heap. */
  get marks(): Uint8Array {
    const marks = new Uint8Array(this.graph.count);
    for (const object of this.members) marks[object] = 1;
    return marks;
  }

  /** The same objects in other rows. */
  groupedBy(by: Equivalence): ObjectSet {
    return new ObjectSet(this.graph, this.members, by);
  }

  get partition(): RowSource {
    this.parts ??= this.by === 'id' ? this.partitionById() : this.partitionByKind();
    return this.parts;
  }

  private partitionById(): RowSource {
    return { by: 'id', count: this.count, size: this.size, rows: new RowsById(this.graph, this.members) };
  }

  private partitionByKind(): RowSource {
    const { heap } = this.graph;
    const via = this.by === 'via' ? this.kinds('via') : undefined;
    if (this.count === this.graph.count) return partition(heap, this.by, undefined, { via });
    const { marks } = this;
    return partition(heap, this.by, (object) => marks[object] === 1, { via });
  }

  /** By via they are read now, as far as the memory that mp copied does not tell: only of those that matter. */
  private kinds(by: Equivalence): Kinds {
    const { heap, names } = this.graph;
    return by === 'via' ? viaKinds(heap, names, this.referrers().members) : kindsBy(heap, by);
  }

  /** The objects of rows `from` up to `to`. */
  rows(from: number, to: number): ObjectSet {
    const { rows } = this.partition;
    if (rows instanceof RowsById) return ObjectSet.of(this.graph, rows.objects(from, to)).groupedBy(this.by);
    return this.ofKinds(this.by, new Set(rows.slice(from, to).map(({ kind }) => kind)));
  }

  /** Those that are of a kind of these names. */
  ofKinds(by: Equivalence, names: ReadonlySet<string>): ObjectSet {
    const { kinds, nameOf } = this.kinds(by);
    const isWanted = remembered((kind: number) => names.has(nameOf(kind)));
    return this.filter((object) => isWanted(kinds[object]!));
  }

  filter(isWanted: (object: number) => boolean): ObjectSet {
    return new ObjectSet(this.graph, this.members.filter(isWanted), this.by);
  }

  and(other: ObjectSet): ObjectSet {
    const { marks } = other.in(this.graph);
    return this.filter((object) => marks[object] === 1);
  }

  minus(other: ObjectSet): ObjectSet {
    const { marks } = other.in(this.graph);
    return this.filter((object) => marks[object] === 0);
  }

  or(other: ObjectSet): ObjectSet {
    const { marks } = this;
    for (const object of other.in(this.graph).members) marks[object] = 1;
    return ObjectSet.marked(this.graph, marks, this.by);
  }

  /** What is in one of both only. */
  xor(other: ObjectSet): ObjectSet {
    return this.minus(other).or(other.in(this.graph).minus(this));
  }

  /** All other objects of the heap. */
  not(): ObjectSet {
    return ObjectSet.all(this.graph).groupedBy(this.by).minus(this);
  }

  /** Its objects as they are in the heap of another moment: of the same type at the same address. */
  in(graph: HeapGraph): ObjectSet {
    if (graph === this.graph) return this;
    const { addresses, typeOf, types } = this.graph.heap;
    const index = indexOf(graph);
    const marks = new Uint8Array(graph.count);
    for (const object of this.members) {
      const there = index.find(addresses[object]!, types[typeOf[object]!]!.address);
      if (there !== undefined) marks[there] = 1;
    }
    return ObjectSet.marked(graph, marks, this.by);
  }

  /** Those that were not there when the index was made. */
  since(index: AddressIndex): ObjectSet {
    const { addresses, typeOf, types } = this.graph.heap;
    return this.filter((object) => index.find(addresses[object]!, types[typeOf[object]!]!.address) === undefined);
  }

  /** What its objects refer to. */
  referents(): ObjectSet {
    const { firstTarget, targets } = this.graph.heap;
    const marks = new Uint8Array(this.graph.count);
    for (const from of this.members)
      for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) marks[targets[edge]!] = 1;
    return ObjectSet.marked(this.graph, marks, this.by);
  }

  /** What refers to its objects. Reads all references once, which needs no index of them. */
  referrers(): ObjectSet {
    const { firstTarget, targets } = this.graph.heap;
    const { marks } = this;
    const found = new Uint8Array(this.graph.count);
    for (let from = 0; from < found.length; from++)
      for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]! && found[from] === 0; edge++)
        found[from] = marks[targets[edge]!]!;
    return ObjectSet.marked(this.graph, found, this.by);
  }

  /** The objects whose __dict__ its dicts are. */
  owners(): ObjectSet {
    const { owners } = this.graph.heap;
    const marks = new Uint8Array(this.graph.count);
    for (const object of this.members) if (owners[object] !== HEAP_NONE) marks[owners[object]!] = 1;
    return ObjectSet.marked(this.graph, marks, this.by);
  }

  /** Its objects, and all that would go with them: what only they keep, also in cycles. */
  dominated(): ObjectSet {
    return ObjectSet.marked(this.graph, unheld(this.graph, reachable(this), this.marks), this.by);
  }

  /** Of its objects: those that only each other keep. Of all tracked ones: cyclic garbage. */
  unheld(): ObjectSet {
    return ObjectSet.marked(this.graph, unheld(this.graph, this.marks), this.by);
  }
}

/** The set with all that it leads to, as marks. */
function reachable(set: ObjectSet): Uint8Array {
  const { firstTarget, targets } = set.graph.heap;
  const { marks } = set;
  const pending = [...set.members.values()];
  for (let from = pending.pop(); from !== undefined; from = pending.pop()) {
    for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) {
      const target = targets[edge]!;
      if (marks[target] !== 0) continue;
      marks[target] = 1;
      pending.push(target);
    }
  }
  return marks;
}

const indices = new WeakMap<HeapGraph, AddressIndex>();

function indexOf(graph: HeapGraph): AddressIndex {
  const known = indices.get(graph);
  if (known !== undefined) return known;
  const index = new AddressIndex(graph.heap);
  indices.set(graph, index);
  return index;
}
