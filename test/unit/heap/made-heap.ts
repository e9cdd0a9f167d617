/** Heaps for unit tests: objects in the order in which they are added, with made addresses. */
import { HEAP_NONE, HEAP_TRACKED, type HeapColumns, type HeapNames } from '../../../src/model/heap.ts';

export interface MadeObject {
  type: string;
  size?: number;
  /** By label: index of an object. */
  references?: Record<string, number>;
  /** Of a dict: index of the object whose __dict__ it is. */
  owner?: number;
  /** A str, a name. */
  text?: string;
  untracked?: boolean;
  /** Default: 1. */
  referenceCount?: number;
}

export const ADDRESS = 0x1000;
const STEP = 0x10;

export function addressOf(object: number): number {
  return ADDRESS + object * STEP;
}

export function makeHeap(objects: MadeObject[]): { heap: HeapColumns; names: HeapNames } {
  const names = [...new Set(objects.map(({ type }) => type))];
  const types = names.map((full, i) => {
    const dot = full.lastIndexOf('.');
    const module = dot < 0 ? 'builtins' : full.slice(0, dot);
    return { address: 0x100 * (i + 1), module, name: full.slice(dot + 1), isKnown: true, isTracked: true };
  });
  const edges = objects.map(({ references }) => Object.values(references ?? {}));
  let count = 0;
  const firstTarget = [0, ...edges.map((targets) => (count += targets.length))];
  const heap: HeapColumns = {
    types,
    addresses: Float64Array.from(objects, (_, i) => addressOf(i)),
    sizes: Float64Array.from(objects, ({ size }) => size ?? 16),
    typeOf: Uint32Array.from(objects, ({ type }) => names.indexOf(type)),
    referenceCounts: Uint32Array.from(objects, ({ referenceCount }) => referenceCount ?? 1),
    flags: Uint8Array.from(objects, ({ untracked }) => (untracked ? 0 : HEAP_TRACKED)),
    owners: Uint32Array.from(objects, ({ owner }) => owner ?? HEAP_NONE),
    firstTarget: Uint32Array.from(firstTarget),
    targets: Uint32Array.from(edges.flat()),
    problems: { links: 0, objects: 0, contents: 0, pools: 0, limits: 0 },
    hasPymalloc: true,
    arenas: 1,
    blocks: 0,
    minor: 12,
    unknownObjects: 0,
    unknownTypes: 0,
    target: 'process 1',
    missingBytes: 0,
  };
  return {
    heap,
    names: { references: (from, to) => references(objects, from, to), describe: textOf.bind(null, objects) },
  };
}

function references(objects: MadeObject[], from: number, to?: number) {
  const all = Object.entries(objects[(from - ADDRESS) / STEP]!.references ?? {});
  return all
    .map(([label, target]) => ({ label, target: addressOf(target) }))
    .filter(({ target }) => to === undefined || target === to);
}

function textOf(objects: MadeObject[], address: number): string {
  return objects[(address - ADDRESS) / STEP]?.text ?? '';
}
