/** What only a heap snapshot itself knows: the names of references, and what its objects say of themselves. */
import type { HeapNames } from '../../model/heap.ts';
import { isConstructor } from './constructors.ts';
import { tableOf } from './ephemerons.ts';
import type { SnapshotLists } from './read-snapshot.ts';

const LONGEST_LABEL = 100;
const LONGEST_TEXT = 60;
const QUOTED = ['string', 'concatenated string', 'sliced string'];

export class SnapshotNames implements HeapNames {
  private readonly lists: SnapshotLists;

  constructor(lists: SnapshotLists) {
    this.lists = lists;
  }

  references(from: number, to?: number): { target: number; label: string }[] {
    const { ids, firstEdge, targets } = this.lists;
    const node = ids.indexOf(from);
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

  /** `.property`, `['a property']`, `[3]`, `variable name`; in parentheses what only V8 knows. */
  private label(edge: number): string {
    const { edgeTypes, edgeNames, layout, strings } = this.lists;
    const type = layout.edgeTypes[edgeTypes[edge]!]!;
    const name = edgeNames[edge]!;
    if (type === 'element') return `[${name}]`;
    if (type === 'hidden') return `(${name})`;
    const table = type === 'internal' ? tableOf(strings, name) : null;
    if (table !== null) return `(value in WeakMap @${table})`;
    const text = strings.text(name, LONGEST_LABEL);
    if (type === 'context') return `variable ${text}`;
    if (type !== 'property' && type !== 'shortcut') return `(${text})`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text) ? `.${text}` : `['${text}']`;
  }

  describe(address: number): string {
    const { ids, nodeTypes, nodeNames, layout, strings } = this.lists;
    const node = ids.indexOf(address);
    const type = layout.nodeTypes[nodeTypes[node] ?? -1];
    if (type === undefined || isConstructor(type)) return '';
    const text = strings.text(nodeNames[node]!, LONGEST_TEXT);
    return QUOTED.includes(type) ? JSON.stringify(text) : text;
  }
}
