/** What a node of a heap snapshot is called in tables: its constructor, or what V8 has it for, in parentheses. */
import type { SnapshotLists } from './read-snapshot.ts';

/** Types of nodes that are objects of JavaScript. */
export const VISIBLE = ['object', 'closure', 'regexp'];
/** Those are named by their constructor. */
const NAMED = ['object', 'native'];

const NAMES: Record<string, string> = {
  closure: 'Function',
  regexp: 'RegExp',
  code: '(compiled code)',
  hidden: '(system)',
};
const LONGEST_NAME = 200;
/** Behind the name of a global object V8 writes that of the page, which a Node has none of. */
const WITHOUT_PAGE = / \/ $/;

/** Whether the name of such a node is that of its constructor. */
export function isConstructor(type: string): boolean {
  return NAMED.includes(type);
}

/** Of each node an index in `names`. */
export function constructors(lists: SnapshotLists): { kinds: Uint32Array; names: string[] } {
  const { nodeTypes, nodeNames, layout, strings } = lists;
  const names = layout.nodeTypes.map((type) => NAMES[type] ?? `(${type})`);
  const isNamed = layout.nodeTypes.map(isConstructor);
  const kinds = Uint32Array.from(nodeTypes);
  const byName = new Map<number, number>();
  for (let i = 0; i < kinds.length; i++) {
    if (!isNamed[nodeTypes[i]!]) continue;
    const name = nodeNames[i]!;
    let kind = byName.get(name);
    if (kind === undefined) {
      kind = names.push(strings.text(name, LONGEST_NAME).replace(WITHOUT_PAGE, '')) - 1;
      byName.set(name, kind);
    }
    kinds[i] = kind;
  }
  return { kinds, names };
}
