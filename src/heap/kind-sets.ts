/**
 * For every object a set of kinds, as a number: that of the set without its last kind, and that kind. Kinds are added in
 * ascending order, so that a set is only ever extended at its end; sets are numbered as they are met.
 */
import type { Kinds } from './kinds.ts';

export class KindSets {
  readonly #sets: { kinds: number[]; with: Map<number, number> }[] = [{ kinds: [], with: new Map() }];
  readonly #setOf: Uint32Array;

  /** `count`: how many objects there are. */
  constructor(count: number) {
    this.#setOf = new Uint32Array(count);
  }

  /** No smaller kind may have been added to any object before, up to an equal one, which changes nothing. */
  add(object: number, kind: number): void {
    const set = this.#sets[this.#setOf[object]!]!;
    if (set.kinds.at(-1) === kind) return;
    let next = set.with.get(kind);
    if (next === undefined) {
      next = this.#sets.push({ kinds: [...set.kinds, kind], with: new Map() }) - 1;
      set.with.set(kind, next);
    }
    this.#setOf[object] = next;
  }

  /** The sets as kinds of their own, called by the names of what is in them. */
  kinds(nameOf: (kind: number) => string): Kinds {
    const textOf = (set: number) => this.#sets[set]!.kinds.map(nameOf).sort().join(', ');
    return { kinds: this.#setOf, nameOf: (set) => (set === 0 ? '<Nothing>' : textOf(set)) };
  }
}

/** Indices of the elements by their kind, of which there are `count`: comparing millions of them would take seconds. */
export function inOrderOf(kinds: ArrayLike<number> & Iterable<number>, count: number): Uint32Array {
  const next = new Uint32Array(count + 1);
  for (const kind of kinds) next[kind + 1]!++;
  for (let kind = 0; kind < count; kind++) next[kind + 1]! += next[kind]!;
  const order = new Uint32Array(kinds.length);
  for (let i = 0; i < kinds.length; i++) order[next[kinds[i]!]!++] = i;
  return order;
}
