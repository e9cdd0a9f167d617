/**
 * What an object is called in a partition: its class, and, of a dict that is somebody's __dict__, whose.
 *
 *     class    str    tank.local.ConstantToken    array.array
 *     clodo    dict of module    dict of tank.local.ConstantToken    dict of type    dict (no owner)
 */
import { HEAP_NONE, type HeapColumns, type HeapType } from '../model/heap.ts';

/** The kind of every object, as a number, and what that is called. */
export interface Kinds {
  kinds: Uint32Array | Float64Array;
  nameOf(kind: number): string;
}

/** `module.qualname`; the module `builtins` is not said. */
export function typeName({ module, name }: Pick<HeapType, 'module' | 'name'>): string {
  return module === '' || module === 'builtins' ? name : `${module}.${name}`;
}

/** The name of each type of a heap, by index. */
export function typeNames(heap: HeapColumns): string[] {
  return heap.types.map(typeName);
}

/**
 * Whether an object is of a kind that a partition by type or by clodo names: `list`, `dict of module`.
 * @returns null if there is no such kind.
 */
export function isOfKind(heap: HeapColumns, kind: string): ((object: number) => boolean) | null {
  const classes = typeNames(heap);
  if (classes.includes(kind)) return (object) => classes[heap.typeOf[object]!] === kind;
  const { kinds, names } = clodoKinds(heap);
  return names.includes(kind) ? (object) => names[kinds[object]!] === kind : null;
}

/**
 * The kind of each object by class, or dict of class, as an index in `names`: one per type, then one per type of owner.
 */
export function clodoKinds(heap: HeapColumns): { kinds: Uint32Array; names: string[] } {
  const classes = typeNames(heap);
  const names = classes.map((name) => (name === 'dict' && !heap.isSnapshot ? 'dict (no owner)' : name));
  const ofOwner = new Map<number, number>();
  const kinds = Uint32Array.from(heap.typeOf);
  for (let i = 0; i < kinds.length; i++) {
    const owner = heap.owners[i]!;
    if (owner === HEAP_NONE || classes[heap.typeOf[i]!] !== 'dict') continue;
    const type = heap.typeOf[owner]!;
    let kind = ofOwner.get(type);
    if (kind === undefined) {
      kind = names.push(`dict of ${classes[type]}`) - 1;
      ofOwner.set(type, kind);
    }
    kinds[i] = kind;
  }
  return { kinds, names };
}
