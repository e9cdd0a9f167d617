/** What only a heap snapshot itself knows: the names of references, and what its objects say of themselves. */
import type { HeapNames } from '../../model/heap.ts';
import { isConstructor } from './constructors.ts';
import { tableOf } from './ephemerons.ts';
import type { SnapshotLists } from './read-snapshot.ts';

const LONGEST_LABEL = 100;
const LONGEST_TEXT = 60;
/** Names of properties are the same again and again; those that a target makes up have a limit. */
const MOST_REMEMBERED = 50_000;
const QUOTED = ['string', 'concatenated string', 'sliced string'];

export class SnapshotNames implements HeapNames {
  private readonly lists: SnapshotLists;
  private readonly labels = new Map<number, string>();
  /** Who asks for all objects asks for one after the other. */
  private next = 0;

  constructor(lists: SnapshotLists) {
    this.lists = lists;
  }

  references(from: number, to?: number): { target: number; label: string }[] {
    const { ids, firstEdge, targets } = this.lists;
    const node = this.nodeOf(from);
    if (node < 0) return [];
    const found: { target: number; label: string }[] = [];
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
      const target = ids[targets[edge]!]!;
      if (to !== undefined && target !== to) continue;
      found.push({ target, label: this.label(edge) });
      if (to !== undefined) break;
    }
    return found;
  }

  describe(address: number): string {
    const { nodeTypes, nodeNames, layout, strings } = this.lists;
    const node = this.nodeOf(address);
    const type = layout.nodeTypes[nodeTypes[node] ?? -1];
    if (type === undefined || isConstructor(type)) return '';
    const text = strings.text(nodeNames[node]!, LONGEST_TEXT);
    return QUOTED.includes(type) ? JSON.stringify(text) : text;
  }

  /** Below 0 if there is none. */
  private nodeOf(id: number): number {
    const { ids } = this.lists;
    let node = ids.indexOf(id, this.next);
    if (node < 0) node = ids.indexOf(id);
    this.next = Math.max(0, node);
    return node;
  }

  /** `.property`, `['a property']`, `[3]`, `variable name`; in parentheses what only V8 knows. */
  private label(edge: number): string {
    const { edgeTypes, edgeNames, layout } = this.lists;
    const type = edgeTypes[edge]!;
    const name = edgeNames[edge]!;
    const typeName = layout.edgeTypes[type]!;
    if (typeName === 'element') return `[${name}]`;
    if (typeName === 'hidden') return `(${name})`;
    const key = name * layout.edgeTypes.length + type;
    const known = this.labels.get(key);
    if (known !== undefined) return known;
    const label = this.written(typeName, name);
    if (this.labels.size < MOST_REMEMBERED) this.labels.set(key, label);
    return label;
  }

  private written(type: string, name: number): string {
    const { strings } = this.lists;
    const table = type === 'internal' ? tableOf(strings, name) : null;
    if (table !== null) return `(value in WeakMap @${table})`;
    const text = strings.text(name, LONGEST_LABEL);
    if (type === 'context') return `variable ${text}`;
    if (type !== 'property' && type !== 'shortcut') return `(${text})`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text) ? `.${text}` : `['${text}']`;
  }
}
