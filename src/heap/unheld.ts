/**
 * Objects that nothing but each other holds, as CPython's garbage collector finds them (Modules/gcmodule.c): of each
 * reference count, the references from other candidates are taken away. What is left is from outside, and keeps an object
 * with all that it leads to.
 */
import type { HeapGraph } from './graph.ts';

/**
 * Marks of the candidates that are not held from outside. Those that are `released` are so whatever holds them, and hold
 * nothing themselves.
 */
export function unheld(graph: HeapGraph, candidates: Uint8Array, released?: Uint8Array): Uint8Array {
  const { firstTarget, targets, referenceCounts } = graph.heap;
  const outside = Float64Array.from(referenceCounts);
  for (let from = 0; from < candidates.length; from++) {
    if (candidates[from] === 0) continue;
    for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) outside[targets[edge]!]!--;
  }
  const found = candidates.slice();
  const pending: number[] = [];
  const hold = (object: number) => {
    if (found[object] === 0 || released?.[object]) return;
    found[object] = 0;
    pending.push(object);
  };
  for (let i = 0; i < found.length; i++) if (outside[i]! > 0) hold(i);
  for (let from = pending.pop(); from !== undefined; from = pending.pop())
    for (let edge = firstTarget[from]!; edge < firstTarget[from + 1]!; edge++) hold(targets[edge]!);
  return found;
}
