/** What the objects of a target are read with: a Python's memory from outside, a Node's heap by its inspector. */
import { EQUIVALENCES, type Equivalence, KIND_TITLES } from '../../heap/partition.ts';
import { isNode } from '../../inspector/node-process.ts';
import type { HeapColumns } from '../../model/heap.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { type GivenPid, type HeapOptions, isOfFile, readHeap } from './heap-options.ts';
import type { Ask } from './node-heap.ts';

/** What makes one kind in a heap of Node: there are no dicts of classes, and constructors are of no module. */
const OF_NODE: Equivalence[] = EQUIVALENCES.filter((by) => by !== 'clodo' && by !== 'module');

/**
 * Reads all objects of a process, and asks for what they are called as long as that can be said.
 * @throws UserError if it is neither a Python nor a Node.
 */
export async function readObjects<T>(pid: GivenPid, options: HeapOptions, output: Output, ask: Ask<T>): Promise<T> {
  const isFile = isOfFile(options);
  if (isFile && pid !== undefined) throw new UserError('give a process id or a file, not both', 2);
  if (!isFile && pid === undefined) throw new UserError('give a process id, --core FILE or --snapshot FILE', 2);
  const isNodes = isOfNode(pid, options);
  if (options.keep !== undefined && (isFile || !isNodes)) throw new UserError('--keep is of a running Node', 2);
  if (!isNodes) return readHeap(pid, options, output, ask);
  const { readNodeHeap, readSnapshotFile } = await import('./node-heap.ts');
  if (options.snapshot !== undefined) return readSnapshotFile(options.snapshot, ask);
  return readNodeHeap(pid as number, options, output, ask);
}

function isOfNode(pid: GivenPid, options: HeapOptions): boolean {
  return options.snapshot !== undefined || (typeof pid === 'number' && isNode(pid));
}

/** What was asked for, or what is usual for the target. @throws UserError if it says nothing of that. */
export function equivalenceFor(pid: GivenPid, options: HeapOptions, by: Equivalence | undefined): Equivalence {
  if (!isOfNode(pid, options)) return by ?? 'clodo';
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

/** To be asked before a process is made to stand still. @throws UserError if the objects are those of a Node. */
export function mustNotBeNode(pid: GivenPid, options: HeapOptions, option: string): void {
  if (isOfNode(pid, options)) throw new UserError(`${option} is of a Python`, 2);
}

/** What an option that is for running Pythons only is of. @throws UserError if it is something else. */
export function pythonOf(pid: GivenPid, option: string): number {
  if (typeof pid !== 'number' || isNode(pid)) throw new UserError(`${option} needs a running Python`, 2);
  return pid;
}
