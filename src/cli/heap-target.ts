/** What the objects of a target are read with: a Python's memory from outside, a Node's heap by its inspector. */
import { EQUIVALENCES, type Equivalence, KIND_TITLES } from '../heap/partition.ts';
import { isNode } from '../inspector/node-process.ts';
import type { HeapColumns, HeapNames } from '../model/heap.ts';
import { UserError } from '../util/errors.ts';
import type { Output } from '../util/output.ts';
import { type GivenPid, type HeapOptions, readHeap } from './heap-options.ts';

/** What makes one kind in a heap of Node: there are no dicts of classes, and constructors are of no module. */
const OF_NODE: Equivalence[] = EQUIVALENCES.filter((by) => by !== 'clodo' && by !== 'module');

/**
 * Reads all objects of a process, and asks for what they are called as long as that can be said.
 * @throws UserError if it is neither a Python nor a Node.
 */
export async function readObjects<T>(
  pid: GivenPid,
  options: HeapOptions,
  output: Output,
  ask: (heap: HeapColumns, names: HeapNames) => T,
): Promise<T> {
  if (typeof pid !== 'number' || !isNode(pid)) return readHeap(pid, options, output, ask);
  const { readNodeHeap } = await import('./node-heap.ts');
  return readNodeHeap(pid, options, output, ask);
}

/** What was asked for, or what is usual for the target. @throws UserError if it says nothing of that. */
export function equivalenceFor(pid: GivenPid, by: Equivalence | undefined): Equivalence {
  if (typeof pid !== 'number' || !isNode(pid)) return by ?? 'clodo';
  if (by !== undefined && !OF_NODE.includes(by))
    throw new UserError(`--by ${by} is of a Python; of a Node there is ${OF_NODE.join(', ')}`);
  return by ?? 'type';
}

/** What stands above the kinds. */
export function kindTitle(heap: HeapColumns, by: Equivalence): string {
  if (!heap.isSnapshot) return KIND_TITLES[by];
  const titles: Partial<typeof KIND_TITLES> = {
    type: 'Kind (constructor)',
    id: 'Kind: Id',
    rcs: 'Referrers by Kind (constructor)',
  };
  return titles[by] ?? KIND_TITLES[by];
}

/** What an option that is for running Pythons only is of. @throws UserError if it is something else. */
export function pythonOf(pid: GivenPid, option: string): number {
  if (typeof pid !== 'number' || isNode(pid)) throw new UserError(`${option} needs a running Python`, 2);
  return pid;
}
