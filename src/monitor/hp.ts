/** `hp` of the console: where sets of objects come from. */
import { AddressIndex } from '../heap/address-index.ts';
import { HeapGraph } from '../heap/graph.ts';
import { ObjectSet } from '../heap/object-set.ts';
import type { HeapColumns, HeapNames } from '../model/heap.ts';
import { UserError } from '../util/errors.ts';
import { HP_TEXT } from './console-help.ts';
import { KindValue, SetValue } from './set-value.ts';
import { load } from './stat-value.ts';
import { type Attributes, Described, Method, Text, titleOf, type Value } from './value.ts';

/** The process as it is now. It stands still meanwhile; @throws UserError if it can't be read, or has ended. */
export type ReadHeap = () => { heap: HeapColumns; names: HeapNames };

export class Hp extends Described<Hp> {
  readonly title = 'hp';
  private readonly read: ReadHeap;
  /** Of the last heap(). */
  latest: HeapGraph | null = null;
  /** What was there at the last setref(). */
  private reference: AddressIndex | null = null;

  constructor(read: ReadHeap) {
    super();
    this.read = read;
  }

  protected readonly table: Attributes<Hp> = new Map<string, (of: Hp) => Value>([
    ['heap', (hp) => new Method('heap()', [0, 0], () => hp.heap())],
    ['heapu', (hp) => new Method('heapu()', [0, 0], () => hp.unreachable())],
    [
      'iso',
      (hp) => new Method("iso(0xADDRESS or 'module.attribute' or 'Type[0]', …)", [1, 1000], (what) => hp.iso(what)),
    ],
    ['setref', (hp) => new Method('setref()', [0, 0], () => hp.setReference())],
    ['setrelheap', (hp) => new Method('setrelheap()', [0, 0], () => hp.setReference())],
    ['unsetref', (hp) => new Method('unsetref()', [0, 0], () => hp.unsetReference())],
    ['Type', () => new Method("Type('NAME', …)", [1, 1000], (names) => new KindValue('type', texts(names)))],
    [
      'Clodo',
      () => new Method("Clodo('dict of module', …)", [1, 1000], (names) => new KindValue('clodo', texts(names))),
    ],
    ['load', () => new Method("load('FILE')", [1, 1], ([path]) => load(path!))],
    ['doc', () => new Text(HP_TEXT)],
  ]);

  override text(): string {
    return HP_TEXT;
  }

  /** Bytes that the reference keeps. */
  get referenceBytes(): number {
    return this.reference?.bytes ?? 0;
  }

  private snapshot(): ObjectSet {
    this.latest = null; // not in memory beside the next one
    const { heap, names } = this.read();
    this.latest = new HeapGraph(heap, names);
    return ObjectSet.all(this.latest);
  }

  private heap(): SetValue {
    const all = this.snapshot();
    return new SetValue(this.reference === null ? all : all.since(this.reference));
  }

  private unreachable(): SetValue {
    const all = this.snapshot();
    return new SetValue(all.filter((object) => all.graph.isTracked(object)).unheld());
  }

  private iso(what: Value[]): SetValue {
    const graph = this.latest ?? this.snapshot().graph;
    return new SetValue(
      ObjectSet.of(
        graph,
        what.map((one) => {
          if (typeof one === 'number') return graph.resolve(`0x${Math.abs(one).toString(16)}`);
          if (typeof one === 'string') return graph.resolve(one);
          throw new UserError(`iso() takes addresses and names, not ${titleOf(one)}`);
        }),
      ),
    );
  }

  private setReference(): null {
    this.reference = new AddressIndex(this.snapshot().graph.heap);
    return null;
  }

  private unsetReference(): null {
    this.reference = null;
    return null;
  }
}

function texts(values: Value[]): string[] {
  return values.map((value) => {
    if (typeof value === 'string') return value;
    throw new UserError(`the name of a kind is a string, as 'str', not ${titleOf(value)}`);
  });
}
