/**
 * The stacks of two captures in one prefix tree. Frames are the same if their names are, see `diff.ts`:
 *
 *     before: main → load 800            all            before  after
 *     after:  main → load 200              main         800     700
 *             main → save 500                load       800     200
 *                                            save       0       500
 */
import { remembered } from '../util/remembered.ts';
import type { DiffBy } from './diff.ts';
import { NO_STACK_FRAME, owner, type TreeFrame, treeFrame } from './flamegraph-tree.ts';
import { GROUP_TITLE, type Group, type Grouping, Groups } from './grouping.ts';
import { addUp, type FlatTree, flatten, type GrowingTree } from './number-tree.ts';
import type { Capture } from './report.ts';
import { type Selection, selectedSites } from './selection.ts';
import { ShownStacks } from './shown-stacks.ts';
import type { FrameRow } from './source.ts';
import { type LinkedFrame, ofFrame } from './stacks.ts';

/** Bytes and allocations before, then after. */
export type SideValues = [number, number, number, number];

export interface DiffTree extends FlatTree<TreeFrame> {
  leaves: { node: number; values: SideValues }[];
}

/** Nodes of one capture below one node, by the numbers of their frames in its tree. */
type Known = Map<number, number>;

export class DiffTreeBuilder implements GrowingTree<TreeFrame> {
  readonly frames: TreeFrame[] = [];
  readonly frameOf: number[] = [];
  readonly parents: number[] = [];
  /** What was allocated in a node itself, by node. */
  readonly #own: (SideValues | undefined)[] = [];
  /** Indices in `frames`, by what is the same in both captures. */
  readonly #frameIndices = new Map<string, number>();
  /** Nodes by the index of their frame, by the node above. */
  readonly #children: Map<number, number>[] = [];
  readonly #by: DiffBy;

  constructor(by: DiffBy) {
    this.#by = by;
    this.#add(-1, this.frames.push(owner('all')) - 1);
  }

  add(capture: Capture, selection: Selection, side: 'before' | 'after'): void {
    const stacks = new ShownStacks(capture.source, {});
    const groups = isPlace(this.#by) ? null : new Groups(capture, this.#by as Grouping);
    const topOf = remembered((group: Group | null) => ({ node: this.#top(group), known: new Map() as Known }));
    const frameIndex = ofFrame((row) => this.#frameOfRow(row));
    const offset = side === 'before' ? 0 : 2;
    for (const site of selectedSites(capture.source, selection)) {
      const { node: top, known } = topOf(groups?.of(site) ?? null);
      const node = this.#node(top, known, stacks.innermost(site.stack_id), frameIndex);
      this.#own[node] ??= [0, 0, 0, 0];
      this.#own[node][offset]! += site.bytes;
      this.#own[node][offset + 1]! += site.allocations;
    }
  }

  #top(group: Group | null): number {
    if (group === null) return 0;
    const name = `${GROUP_TITLE[this.#by as Grouping].toLowerCase()} ${group.columns.group}`;
    const frame = this.#frame(name, () => owner(name));
    return this.#child(0, frame);
  }

  /** Not recursive: a stack may be deeper than JavaScript's. */
  #node(top: number, known: Known, innermost: LinkedFrame | null, frameIndex: (row: FrameRow) => number): number {
    const noStack = () => this.#frame('', () => NO_STACK_FRAME);
    if (innermost === null) return this.#child(top, noStack());
    const missing: LinkedFrame[] = [];
    let up: LinkedFrame | null = innermost;
    while (up !== null && !known.has(up.id)) {
      missing.push(up);
      up = up.parent;
    }
    let node = up === null ? top : known.get(up.id)!;
    for (let i = missing.length - 1; i >= 0; i--) {
      node = this.#below(node, frameIndex(missing[i]!.frame));
      known.set(missing[i]!.id, node);
    }
    return node;
  }

  /** Calls within a file are not to be seen by file. */
  #below(above: number, frame: number): number {
    return this.#by === 'file' && this.frameOf[above] === frame ? above : this.#child(above, frame);
  }

  #frameOfRow(row: FrameRow): number {
    const place = row.file ?? row.module ?? '';
    if (this.#by === 'file') {
      const name = place === '' ? '???' : place;
      return this.#frame(name, () => ({ ...treeFrame(row), function: name, file: '', line: 0, inlined: false }));
    }
    const line = this.#by === 'line' ? (row.line ?? 0) : 0;
    return this.#frame(`${row.function}\0${place}\0${line}`, () => ({ ...treeFrame(row), line }));
  }

  #frame(key: string, make: () => TreeFrame): number {
    const known = this.#frameIndices.get(key);
    if (known !== undefined) return known;
    const index = this.frames.push(make()) - 1;
    this.#frameIndices.set(key, index);
    return index;
  }

  #child(above: number, frame: number): number {
    const child = this.#children[above]!.get(frame) ?? this.#add(above, frame);
    this.#children[above]!.set(frame, child);
    return child;
  }

  #add(parent: number, frame: number): number {
    this.parents.push(parent);
    this.#children.push(new Map());
    return this.frameOf.push(frame) - 1;
  }

  /** Children are sorted by the larger of their two sizes. */
  finish(): DiffTree {
    const [before, after] = [this.#totals(0), this.#totals(2)];
    const size = (node: number) => Math.max(before[node]!, after[node]!);
    const leaves: DiffTree['leaves'] = [];
    const flat = flatten(
      this,
      (a, b) => size(b) - size(a),
      (node, place) => {
        const values = this.#own[node];
        if (values?.some((n) => n !== 0)) leaves.push({ node: place, values });
      },
    );
    return { ...flat, leaves };
  }

  #totals(value: number): Float64Array {
    const own = Float64Array.from(this.parents, (_, node) => this.#own[node]?.[value] ?? 0);
    return addUp(this.parents, own);
  }
}

const isPlace = (by: DiffBy): boolean => by === 'function' || by === 'file' || by === 'line';
