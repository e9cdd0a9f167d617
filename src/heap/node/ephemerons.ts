/**
 * The values of a WeakMap. A snapshot has each twice, from its key and from the table, by a name that says so; only the
 * key keeps it:
 *
 *     12 / part of key (Session @345) -> value (Object @347) pair in WeakMap (table @343)
 */
import type { SnapshotLists } from './read-snapshot.ts';
import type { StringTable } from './string-table.ts';

const NAME = / \/ part of key \(.*\) -> value \(.*\) pair in WeakMap \(table @(\d+)\)$/s;
/** Two names of constructors are in it. */
const LONGEST_NAME = 4096;

/** The id of the table, if it is the name of such a reference. Names are read of such only as can be. */
export function tableOf(strings: StringTable, name: number): number | null {
  const id = strings.isNumberedNote(name) ? NAME.exec(strings.text(name, LONGEST_NAME))?.[1] : undefined;
  return id === undefined ? null : Number(id);
}

/** Whether an edge of a node is one from the table. */
export function ofTables(lists: SnapshotLists): (node: number, edge: number) => boolean {
  const { strings, ids, edgeTypes, edgeNames, layout } = lists;
  const internal = layout.edgeTypes.indexOf('internal');
  return (node, edge) => edgeTypes[edge] === internal && tableOf(strings, edgeNames[edge]!) === ids[node];
}
