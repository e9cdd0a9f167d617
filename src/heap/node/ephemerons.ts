/**
 * The values of a WeakMap. A snapshot has each twice, from its key and from the table, by a name that says so; only the
 * key keeps it:
 *
 *     12 / part of key (Session @345) -> value (Object @347) pair in WeakMap (table @343)
 */
import type { SnapshotLists } from './read-snapshot.ts';

const NAME = / \/ part of key \(.*\) -> value \(.*\) pair in WeakMap \(table @(\d+)\)$/s;
/** Two names of constructors are in it. */
const LONGEST_NAME = 4096;

/** Whether an edge of a node is one from the table. Names are read of such only as can be. */
export function ofTables(lists: SnapshotLists): (node: number, edge: number) => boolean {
  const { strings, ids, edgeTypes, edgeNames, layout } = lists;
  const internal = layout.edgeTypes.indexOf('internal');
  return (node, edge) => {
    const name = edgeNames[edge]!;
    if (edgeTypes[edge] !== internal || !strings.isNumberedNote(name)) return false;
    const table = NAME.exec(strings.text(name, LONGEST_NAME))?.[1];
    return table !== undefined && Number(table) === ids[node];
  };
}
