/**
 * All stacks of a selection merged into one prefix tree, as columns in preorder (see `page/format.ts`). Above the frames
 * stand `all`, then the groups if asked for, else the processes if there are several; both above threads.
 */
import { formatPlural } from '../util/format.ts';
import { GROUP_TITLE, type Grouping, Groups } from './grouping.ts';
import { KINDS, type Kind, VIEWS } from './page/format.ts';
import type { Capture } from './report.ts';
import type { Selection } from './selection.ts';
import { type FrameOptions, type LeftOut, ShownStacks } from './shown-stacks.ts';
import type { FrameRow, SiteViewsRow } from './source.ts';
import { frameFunction, isInternal, type LinkedFrame, NO_STACK } from './stacks.ts';

export interface TreeFrame {
  function: string;
  file: string;
  line: number;
  module: string;
  kind: Kind;
  inlined: boolean;
}

/** bytes and allocations of each view, in the order of `VIEWS`. */
export type ViewValues = number[];

export interface MergedTree {
  frames: TreeFrame[];
  nodes: { depth: number; frame: number }[];
  /** By node. `thread` is the index in `threadIds`. */
  leaves: { node: number; thread: number; values: ViewValues }[];
  /** Threads that allocated, by their ids in the capture. */
  threadIds: number[];
  leftOut: LeftOut | null;
}

interface Node {
  frame: TreeFrame;
  children: Node[];
  /** By thread id. */
  own: Map<number, ViewValues> | null;
  /** With everything below; filled in before children are sorted. */
  total: ViewValues;
}

export interface TreeOptions extends FrameOptions {
  /** Every stack begins with a frame of that group. */
  by: Grouping | null;
}

/** Children are sorted by bytes in the selected view, biggest first. */
export function mergeStacks(capture: Capture, selection: Selection, options: TreeOptions): MergedTree {
  const builder = new Builder(capture, options);
  for (const site of capture.source.iterate('sites_all_views', selection)) builder.add(site);
  return { ...flatten(builder.root, VIEWS.indexOf(selection.view)), leftOut: builder.leftOut };
}

/** One tree per owner: the root, a process or a group. */
interface Owner {
  node: Node;
  nodes: Map<LinkedFrame | null, Node>;
}

class Builder {
  readonly root: Node;
  readonly #stacks: ShownStacks;
  readonly #frames = new Map<FrameRow, TreeFrame>();
  readonly #owners = new Map<unknown, Owner>();
  readonly #by: Grouping | null;
  readonly #groups: Groups | null;
  readonly #processNames: Map<number, string>;

  constructor(capture: Capture, options: TreeOptions) {
    this.#stacks = new ShownStacks(capture.source, options);
    this.#by = options.by;
    this.#groups = options.by === null ? null : new Groups(capture, options.by);
    const traced = capture.facts.processes.filter((process) => process.allocations > 0);
    const nameOf = (p: (typeof traced)[number]) => `process ${p.pid} ${p.command_line || p.comm || ''}`.trim();
    this.#processNames = new Map(traced.length > 1 ? traced.map((process) => [process.id, nameOf(process)]) : []);
    this.root = node(owner(traced.length > 1 ? `all (${formatPlural(traced.length, 'process', 'processes')})` : 'all'));
    this.#owners.set(null, { node: this.root, nodes: new Map() });
  }

  get leftOut(): LeftOut | null {
    return this.#stacks.leftOut;
  }

  add(site: SiteViewsRow): void {
    const leaf = this.#leaf(this.#owner(site), this.#stacks.innermost(site.stack_id));
    leaf.own ??= new Map();
    const values = [
      site.peak_bytes,
      site.peak_allocations,
      site.live_bytes,
      site.live_allocations,
      site.temporary_bytes,
      site.temporary_allocations,
      site.allocated_bytes,
      site.allocations,
      site.sample_bytes,
      site.sample_allocations,
    ];
    const own = leaf.own.get(site.thread_id);
    if (own === undefined) leaf.own.set(site.thread_id, values);
    else addTo(own, values);
  }

  #owner(site: SiteViewsRow): Owner {
    let at = this.#owners.get(null)!;
    const process = this.#processNames.get(site.process_id);
    const hasProcesses = this.#by === null || this.#by === 'thread';
    if (process !== undefined && hasProcesses) at = this.#below(at, site.process_id, process);
    const group = this.#groups?.of(site);
    return group === undefined
      ? at
      : this.#below(at, group, `${GROUP_TITLE[this.#by!].toLowerCase()} ${group.columns.group}`);
  }

  #below(above: Owner, key: unknown, name: string): Owner {
    let found = this.#owners.get(key);
    if (found === undefined) {
      found = { node: node(owner(name)), nodes: new Map() };
      above.node.children.push(found.node);
      this.#owners.set(key, found);
    }
    return found;
  }

  /** Not recursive: a stack may be deeper than JavaScript's. */
  #leaf(at: Owner, innermost: LinkedFrame | null): Node {
    const known = at.nodes.get(innermost);
    if (known !== undefined) return known;
    if (innermost === null) return this.#attach(at, null, at.node, NO_STACK_FRAME);
    const missing: LinkedFrame[] = [];
    let up: LinkedFrame | null = innermost;
    while (up !== null && !at.nodes.has(up)) {
      missing.push(up);
      up = up.parent;
    }
    let above = up === null ? at.node : at.nodes.get(up)!;
    for (const linked of missing.reverse()) above = this.#attach(at, linked, above, this.#frame(linked.frame));
    return above;
  }

  #attach(at: Owner, key: LinkedFrame | null, above: Node, frame: TreeFrame): Node {
    const child = node(frame);
    above.children.push(child);
    at.nodes.set(key, child);
    return child;
  }

  #frame(row: FrameRow): TreeFrame {
    let frame = this.#frames.get(row);
    if (frame === undefined) {
      frame = {
        function: frameFunction(row),
        file: row.file ?? '',
        line: row.line ?? 0,
        module: row.module ?? '',
        kind: isInternal(row) ? 'internal' : (KINDS.find((kind) => kind === row.language) ?? 'unknown'),
        inlined: row.inlined !== 0,
      };
      this.#frames.set(row, frame);
    }
    return frame;
  }
}

const NO_STACK_FRAME: TreeFrame = { ...owner(NO_STACK), kind: 'unknown' };

function owner(name: string): TreeFrame {
  return { function: name, file: '', line: 0, module: '', kind: 'owner', inlined: false };
}

function node(frame: TreeFrame): Node {
  return { frame, children: [], own: null, total: new Array<number>(VIEWS.length * 2).fill(0) };
}

function addTo(sum: ViewValues, values: ViewValues): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

function flatten(root: Node, view: number): Omit<MergedTree, 'leftOut'> {
  addTotals(root);
  const merged: Omit<MergedTree, 'leftOut'> = { frames: [], nodes: [], leaves: [], threadIds: [] };
  const frameIndex = new Map<TreeFrame, number>();
  const threadIndex = new Map<number, number>();
  const open: { node: Node; depth: number }[] = [{ node: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const frame = indexIn(frameIndex, merged.frames, next.node.frame);
    for (const [threadId, values] of next.node.own ?? []) {
      merged.leaves.push({
        node: merged.nodes.length,
        thread: indexIn(threadIndex, merged.threadIds, threadId),
        values,
      });
    }
    merged.nodes.push({ depth: next.depth, frame });
    for (const child of sortedChildren(next.node, view).reverse()) open.push({ node: child, depth: next.depth + 1 });
  }
  return merged;
}

/** Children before parents, without recursion. */
function addTotals(root: Node): void {
  const order: Node[] = [root];
  const parents: number[] = [-1];
  for (let i = 0; i < order.length; i++) {
    for (const child of order[i]!.children) {
      order.push(child);
      parents.push(i);
    }
  }
  for (let i = order.length - 1; i >= 0; i--) {
    const { total, own } = order[i]!;
    for (const values of own?.values() ?? []) addTo(total, values);
    if (i > 0) addTo(order[parents[i]!]!.total, total);
  }
}

const ALL_BYTES = VIEWS.indexOf('allocations') * 2;

function sortedChildren({ children }: Node, view: number): Node[] {
  return children.sort(
    (a, b) =>
      b.total[view * 2]! - a.total[view * 2]! ||
      b.total[ALL_BYTES]! - a.total[ALL_BYTES]! ||
      (a.frame.function < b.frame.function ? -1 : 1),
  );
}

function indexIn<T>(indices: Map<T, number>, list: T[], item: T): number {
  let index = indices.get(item);
  if (index === undefined) {
    index = list.push(item) - 1;
    indices.set(item, index);
  }
  return index;
}
