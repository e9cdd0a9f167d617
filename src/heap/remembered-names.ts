/** The answers of a process while it stands still, for the same questions once it goes on. */
import type { HeapNames } from '../model/heap.ts';
import { remembered } from '../util/remembered.ts';

export function rememberedNames(names: HeapNames): HeapNames {
  const describe = remembered((object: number) => names.describe(object));
  const all = remembered((from: number) => names.references(from));
  const some = remembered((from: number) => remembered((to: number) => names.references(from, to)));
  return { describe, references: (from, to) => (to === undefined ? all(from) : some(from)(to)) };
}
