/** The references of a heap in both directions, its objects by address, and what a user calls them by. */
import { HEAP_TRACKED, type HeapColumns, type HeapNames } from '../model/heap.ts';
import { UserError } from '../util/errors.ts';
import { addressText, parseAddress } from './address.ts';
import { typeNames } from './kinds.ts';

/** What can be in front of an object in its block, see sites.ts. */
const HEADER_BYTES = [16, 32];
const PYTHON_WHAT = 'an address, module.attribute, or Type[0]';
const SNAPSHOT_WHAT = 'an id, @123, or Constructor[0]';

export class HeapGraph {
  readonly heap: HeapColumns;
  readonly names: HeapNames;
  /** Of the types, by index. */
  readonly typeNames: string[];
  private backwardEdges: { first: Uint32Array; sources: Uint32Array } | null = null;

  constructor(heap: HeapColumns, names: HeapNames) {
    this.heap = heap;
    this.names = names;
    this.typeNames = typeNames(heap);
  }

  get count(): number {
    return this.heap.addresses.length;
  }

  typeOf(object: number): string {
    return this.typeNames[this.heap.typeOf[object]!]!;
  }

  isTracked(object: number): boolean {
    return (this.heap.flags[object]! & HEAP_TRACKED) !== 0;
  }

  /** undefined if there is none at that address. */
  at(address: number): number | undefined {
    const index = this.heap.addresses.indexOf(address);
    return index < 0 ? undefined : index;
  }

  /** Each once. */
  referents(object: number): number[] {
    const { firstTarget, targets } = this.heap;
    return [...new Set(targets.subarray(firstTarget[object], firstTarget[object + 1]))];
  }

  /** Each once. */
  referrers(object: number): number[] {
    const { first, sources } = this.backward();
    return [...new Set(sources.subarray(first[object], first[object + 1]))];
  }

  /** What refers to object i: `sources` from first[i] up to first[i + 1]. */
  backward(): { first: Uint32Array; sources: Uint32Array } {
    this.backwardEdges ??= reversed(this.heap);
    return this.backwardEdges;
  }

  /** Where a chain begins: a module, or one of V8's roots. */
  isRoot(object: number): boolean {
    return this.heap.isSnapshot ? isSnapshotRoot(this, object) : this.typeOf(object) === 'module';
  }

  /** `list 0x7f… [3 items]`, with what it is where that has a short text. */
  describe(object: number): string {
    const text = this.names.describe(this.heap.addresses[object]!);
    return `${this.typeOf(object)}${text === '' ? '' : ` ${text}`} ${addressText(this.heap, object)}`;
  }

  /** How one object refers to another; empty if its name is not known. */
  label(from: number, to: number): string {
    const target = this.heap.addresses[to]!;
    const [reference] = this.names.references(this.heap.addresses[from]!, target);
    return reference === undefined || reference.label.startsWith('+') ? '' : reference.label;
  }

  /** Whether it is a type name as objgraph takes it: with its module, or without. */
  isNamed(type: number, name: string): boolean {
    const full = this.typeNames[type]!;
    return full === name || shortName(full) === name || `${this.heap.types[type]!.module}.${full}` === name;
  }

  /** All objects of a type, by its name. Classes that inherit from it are others. */
  ofType(name: string): number[] {
    const isWanted = this.typeNames.map((_, type) => this.isNamed(type, name));
    return Array.from({ length: this.count }, (_, i) => i).filter((i) => isWanted[this.heap.typeOf[i]!]);
  }

  /**
   * The object that a user means: `0x7f12…`, its own address or that of its block, `module.attribute.path`, or
   * `Type[index]`, counted from 0 in the order in which they are found.
   * @throws UserError if there is none.
   */
  resolve(what: string): number {
    const found = this.resolveAddress(what) ?? this.resolveIndexed(what) ?? this.resolvePath(what);
    if (found === undefined)
      throw new UserError(`there is no object ${what}: give ${this.heap.isSnapshot ? SNAPSHOT_WHAT : PYTHON_WHAT}`);
    return found;
  }

  private resolveAddress(what: string): number | undefined {
    const address = parseAddress(this.heap, what);
    return address === undefined ? undefined : (this.at(address) ?? this.inBlock(address));
  }

  /** Only what the garbage collector tracks does not begin where its block does. */
  private inBlock(address: number): number | undefined {
    if (this.heap.isSnapshot) return undefined;
    const [object] = HEADER_BYTES.flatMap((bytes) => this.at(address + bytes) ?? []);
    return object !== undefined && this.isTracked(object) ? object : undefined;
  }

  private resolveIndexed(what: string): number | undefined {
    const match = /^(.+)\[(\d+)\]$/.exec(what);
    return match ? this.ofType(match[1]!)[Number(match[2])] : undefined;
  }

  /** The longest name of a module first: a package's attribute can have the name of a module in it. */
  private resolvePath(what: string): number | undefined {
    const parts = what.split('.');
    for (let length = parts.length; length > 0; length--) {
      let object = this.moduleNamed(parts.slice(0, length).join('.'));
      for (const name of parts.slice(length)) object = object === undefined ? undefined : this.attribute(object, name);
      if (object !== undefined) return object;
    }
    return undefined;
  }

  moduleNamed(name: string): number | undefined {
    return this.ofType('module').find((i) => this.names.describe(this.heap.addresses[i]!) === name);
  }

  private attribute(object: number, name: string): number | undefined {
    const references = this.names.references(this.heap.addresses[object]!);
    const own = references.find(({ label }) => label === `.${name}` || label === `['${name}']`);
    if (own !== undefined) return this.at(own.target);
    const dict = references.find(({ label }) => label === '.__dict__');
    const item = dict && this.names.references(dict.target).find(({ label }) => label === `['${name}']`);
    return item === undefined ? undefined : this.at(item.target);
  }
}

/** V8's lists of what is always there, and what the first of them has: the global object. */
function isSnapshotRoot(graph: HeapGraph, object: number): boolean {
  return graph.typeOf(object) === '(synthetic)' || graph.referrers(object).includes(0);
}

/** `Pool` of `app.memory.Pool`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function reversed({ firstTarget, targets }: HeapColumns): { first: Uint32Array; sources: Uint32Array } {
  const count = firstTarget.length - 1;
  const first = new Uint32Array(count + 1);
  for (const target of targets) first[target + 1]!++;
  for (let i = 0; i < count; i++) first[i + 1]! += first[i]!;
  const next = first.slice();
  const sources = new Uint32Array(targets.length);
  for (let from = 0; from < count; from++) {
    for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) sources[next[targets[edge]!]!++] = from;
  }
  return { first, sources };
}
