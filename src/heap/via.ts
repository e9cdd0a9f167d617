/**
 * The kind of an object by how others refer to it, as heapy's byvia: the set of the references that lead to it, without
 * what they begin at.
 *
 *     '.__dict__'    "['key']"    '[0]', '[1]'    <Nothing>
 */
import type { HeapColumns, HeapNames } from '../model/heap.ts';
import { inOrderOf, KindSets } from './kind-sets.ts';
import type { Kinds } from './kinds.ts';

/**
 * To be called while the process stands still: how it refers to its objects is read now. `sources`: only what these refer
 * to is asked about; null: all.
 */
export function viaKinds(heap: HeapColumns, names: HeapNames, sources: Iterable<number> | null = null): Kinds {
  const { labels, relations, targets } = readReferences(heap, names, sources ?? heap.addresses.keys());
  const sets = new KindSets(heap.addresses.length);
  for (const i of inOrderOf(relations, labels.length)) sets.add(targets[i]!, relations[i]!);
  return sets.kinds((relation) => quoted(labels[relation]!));
}

/** Each reference: the number of its label, and the index of the object that it leads to. */
function readReferences(heap: HeapColumns, names: HeapNames, sources: Iterable<number>) {
  const indices = new Map<number, number>();
  for (let i = 0; i < heap.addresses.length; i++) indices.set(heap.addresses[i]!, i);
  const labels: string[] = [];
  const numbers = new Map<string, number>();
  const relations: number[] = [];
  const targets: number[] = [];
  for (const from of sources) {
    if (heap.firstTarget[from] === heap.firstTarget[from + 1]) continue;
    for (const { target, label } of names.references(heap.addresses[from]!)) {
      const object = indices.get(target);
      if (object === undefined) continue;
      const number = numbers.get(label) ?? labels.push(label) - 1;
      if (number === labels.length - 1) numbers.set(label, number);
      relations.push(number);
      targets.push(object);
    }
  }
  return { labels, relations, targets };
}

/** As Python's repr writes a str of printable characters. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replace(/[\\']/g, (found) => (found === quote || found === '\\' ? `\\${found}` : found)) + quote;
}
