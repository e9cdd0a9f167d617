/**
 * All stacks of a selection merged into one prefix tree, as columns in preorder (see `page/format.ts`). Above the frames
 * stand `all`, then the groups if asked for, else the processes if there are several; both above threads.
 */
import { formatPlural } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import { FrameTree } from './frame-tree.ts';
import { GROUP_TITLE, type Grouping, Groups, type Member } from './grouping.ts';
import { Imports } from './imports.ts';
import { KINDS, type Kind, VIEWS } from './page/format.ts';
import type { Capture } from './report.ts';
import type { Selection, View } from './selection.ts';
import { type FrameOptions, type LeftOut, ShownStacks } from './shown-stacks.ts';
import type { FrameRow, SiteViewsRow } from './source.ts';
import { frameFunction, framesOf, isInternal, type LinkedFrame, NO_STACK, ofFrame } from './stacks.ts';

export interface TreeFrame {
  function: string;
  file: string;
  line: number;
  module: string;
  kind: Kind;
  inlined: boolean;
}

/** bytes and allocations of each view that was asked for, in that order. */
export type ViewValues = number[];

type ViewField = Exclude<keyof SiteViewsRow, 'id' | 'process_id' | 'thread_id' | 'allocator' | 'stack_id'>;

const FIELDS: Record<View, [bytes: ViewField, allocations: ViewField]> = {
  high_watermark: ['peak_bytes', 'peak_allocations'],
  leaks: ['live_bytes', 'live_allocations'],
  temporary_allocations: ['temporary_bytes', 'temporary_allocations'],
  allocations: ['allocated_bytes', 'allocations'],
  v8_samples: ['sample_bytes', 'sample_allocations'],
};

export interface MergedTree {
  frames: TreeFrame[];
  /** By node. */
  depths: Uint32Array;
  /** Index in `frames`, by node. */
  frameOf: Uint32Array;
  /** By node. `thread` is the index in `threadIds`; `isImported`: an import stands in the stack. */
  leaves: { node: number; thread: number; isImported: boolean; values: ViewValues }[];
  /** Threads that allocated, by their ids in the capture. */
  threadIds: number[];
  /** Sites that the leaves are made of, by their ids in the capture. */
  siteIds: number[];
  /** Index in `leaves`, by site. */
  leafOf: Uint32Array;
  leftOut: LeftOut | null;
}

export interface TreeOptions extends FrameOptions {
  /** Every stack begins with a frame of that group. */
  by: Grouping | null;
  /** Stacks begin with the code that allocated, and go outwards. */
  inverted?: boolean | undefined;
}

/**
 * Children are sorted by bytes in the selected view, biggest first, then by all that was allocated: both must be among
 * `views`.
 */
export function mergeStacks(
  capture: Capture,
  selection: Selection,
  options: TreeOptions,
  views: readonly View[] = VIEWS,
): MergedTree {
  const builder = new Builder(capture, options);
  const fields = views.flatMap((view) => FIELDS[view]);
  const keys = ['id', 'process_id', 'thread_id', 'allocator', 'stack_id'] as const;
  for (const columns of capture.source.columns('sites_all_views', [...keys, ...fields], selection)) {
    const { id, process_id, thread_id, allocator, stack_id } = columns;
    const values = fields.map((field) => columns[field]);
    for (let i = 0; i < stack_id.length; i++) {
      const site = { process_id: process_id[i]!, thread_id: thread_id[i]!, allocator: allocator[i]! };
      const ofSite = values.map((column) => column[i]!);
      builder.add(id[i]!, site, stack_id[i]!, ofSite);
    }
  }
  const order = { view: views.indexOf(selection.view), all: views.indexOf('allocations') };
  const flat = flatten(builder, order);
  const { siteIds, ownOfSite, leftOut } = builder;
  return { ...flat, siteIds, leafOf: Uint32Array.from(ownOfSite, ({ leaf }) => leaf), leftOut };
}

/** One tree per owner: the root, a process or a group. */
interface Owner {
  node: number;
  /** By the number of the frame in the tree as shown. */
  nodes: Map<number, number>;
}

/** Of one thread. */
interface Own {
  threadId: number;
  isImported: boolean;
  values: ViewValues;
  /** Its index among the leaves, when these are known. */
  leaf: number;
}

/** Stands for a stack that is not known among the numbers of frames. */
const NO_NUMBER = -1;

/** Nodes are numbers, from 0; a node is made before those below it. There may be a million of them. */
class Builder {
  readonly frames: TreeFrame[] = [];
  /** Index in `frames` by node. */
  readonly frameOf: number[] = [];
  /** By node; that of the root is -1. */
  readonly parents: number[] = [];
  /** What was allocated in a node itself, by node. */
  readonly own: (Own[] | undefined)[] = [];
  readonly siteIds: number[] = [];
  /** What each site was added to. */
  readonly ownOfSite: Own[] = [];
  readonly #stacks: ShownStacks;
  readonly #frameIndex: (row: FrameRow) => number;
  readonly #owners = new Map<unknown, Owner>();
  readonly #by: Grouping | null;
  readonly #groups: Groups | null;
  readonly #imports = new Imports();
  readonly #inverted: ((innermost: LinkedFrame) => LinkedFrame) | null;
  readonly #processNames: Map<number, string>;

  constructor(capture: Capture, options: TreeOptions) {
    this.#stacks = new ShownStacks(capture.source, options);
    this.#frameIndex = ofFrame((row) => this.frames.push(treeFrame(row)) - 1);
    this.#by = options.by;
    this.#inverted = options.inverted ? invert() : null;
    this.#groups = options.by === null ? null : new Groups(capture, options.by);
    const traced = capture.facts.processes.filter((process) => process.allocations > 0);
    const nameOf = (p: (typeof traced)[number]) => `process ${p.pid} ${p.command_line || p.comm || ''}`.trim();
    this.#processNames = new Map(traced.length > 1 ? traced.map((process) => [process.id, nameOf(process)]) : []);
    const all = owner(traced.length > 1 ? `all (${formatPlural(traced.length, 'process', 'processes')})` : 'all');
    this.#owners.set(null, { node: this.#add(-1, this.frames.push(all) - 1), nodes: new Map() });
  }

  get leftOut(): LeftOut | null {
    return this.#stacks.leftOut;
  }

  add(siteId: number, site: Member, stackId: number | null, values: ViewValues): void {
    const innermost = this.#stacks.innermost(stackId);
    const end = innermost !== null && this.#inverted !== null ? this.#inverted(innermost) : innermost;
    const leaf = this.#leaf(this.#owner(site), end);
    this.own[leaf] ??= [];
    let own = this.own[leaf].find(({ threadId }) => threadId === site.thread_id);
    if (own === undefined) {
      own = { threadId: site.thread_id, isImported: this.#imports.has(innermost), values, leaf: -1 };
      this.own[leaf].push(own);
    } else for (let i = 0; i < values.length; i++) own.values[i]! += values[i]!;
    this.siteIds.push(siteId);
    this.ownOfSite.push(own);
  }

  #owner(site: Member): Owner {
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
      found = { node: this.#add(above.node, this.frames.push(owner(name)) - 1), nodes: new Map() };
      this.#owners.set(key, found);
    }
    return found;
  }

  /** Not recursive: a stack may be deeper than JavaScript's. */
  #leaf(at: Owner, innermost: LinkedFrame | null): number {
    const known = at.nodes.get(innermost?.id ?? NO_NUMBER);
    if (known !== undefined) return known;
    if (innermost === null) {
      const node = this.#add(at.node, this.frames.push(NO_STACK_FRAME) - 1);
      at.nodes.set(NO_NUMBER, node);
      return node;
    }
    const missing: LinkedFrame[] = [];
    let up: LinkedFrame | null = innermost;
    while (up !== null && !at.nodes.has(up.id)) {
      missing.push(up);
      up = up.parent;
    }
    let node = up === null ? at.node : at.nodes.get(up.id)!;
    for (let i = missing.length - 1; i >= 0; i--) {
      node = this.#add(node, this.#frameIndex(missing[i]!.frame));
      at.nodes.set(missing[i]!.id, node);
    }
    return node;
  }

  #add(parent: number, frame: number): number {
    this.parents.push(parent);
    return this.frameOf.push(frame) - 1;
  }
}

/** The same frames from the innermost outwards, in a tree of their own; gives their ends. */
function invert(): (innermost: LinkedFrame) => LinkedFrame {
  const tree = new FrameTree();
  return remembered((innermost: LinkedFrame) => tree.node(framesOf(innermost))!);
}

function treeFrame(row: FrameRow): TreeFrame {
  return {
    function: frameFunction(row),
    file: row.file ?? '',
    line: row.line ?? 0,
    module: row.module ?? '',
    kind: isInternal(row) ? 'internal' : (KINDS.find((kind) => kind === row.language) ?? 'unknown'),
    inlined: row.inlined !== 0,
  };
}

const NO_STACK_FRAME: TreeFrame = { ...owner(NO_STACK), kind: 'unknown' };

function owner(name: string): TreeFrame {
  return { function: name, file: '', line: 0, module: '', kind: 'owner', inlined: false };
}

/** By what children are sorted: two places in the list of views. */
interface Order {
  view: number;
  all: number;
}

type FlatTree = Omit<MergedTree, 'siteIds' | 'leafOf' | 'leftOut'>;

/** In preorder, with frames and threads in the order in which they come in it. */
function flatten(builder: Builder, order: Order): FlatTree {
  const { frames, frameOf, own } = builder;
  const children = sortedChildren(builder, order);
  const count = frameOf.length;
  const [depths, frameOfNode] = [new Uint32Array(count), new Uint32Array(count)];
  const merged: FlatTree = { frames: [], depths, frameOf: frameOfNode, leaves: [], threadIds: [] };
  const frameIndex = new Int32Array(frames.length).fill(-1);
  const threadIndex = remembered((id: number) => merged.threadIds.push(id) - 1);
  const depthOf = new Uint32Array(count);
  const open = [0];
  for (let at = 0; at < count; at++) {
    const node = open.pop()!;
    const frame = frameOf[node]!;
    if (frameIndex[frame]! < 0) frameIndex[frame] = merged.frames.push(frames[frame]!) - 1;
    for (const owned of own[node] ?? NONE) {
      const { threadId, isImported, values } = owned;
      owned.leaf = merged.leaves.push({ node: at, thread: threadIndex(threadId), isImported, values }) - 1;
    }
    depths[at] = depthOf[node]!;
    frameOfNode[at] = frameIndex[frame]!;
    for (let i = children.starts[node + 1]! - 1; i >= children.starts[node]!; i--) {
      const child = children.nodes[i]!;
      depthOf[child] = depthOf[node]! + 1;
      open.push(child);
    }
  }
  return merged;
}

/** Those of node n are `nodes` from `starts[n]` to `starts[n + 1]`. */
interface Children {
  nodes: Int32Array;
  starts: Int32Array;
}

/** By bytes in the view, then of all allocations, then by function. */
function sortedChildren(builder: Builder, { view, all }: Order): Children {
  const { frames, frameOf } = builder;
  const bytes = totals(builder, view * 2);
  const allBytes = totals(builder, all * 2);
  const children = childrenOf(builder.parents);
  const nameOf = (node: number) => frames[frameOf[node]!]!.function;
  const compare = (a: number, b: number) =>
    bytes[b]! - bytes[a]! || allBytes[b]! - allBytes[a]! || compareNames(nameOf(a), nameOf(b));
  for (let node = 0; node < frameOf.length; node++) {
    const [start, end] = [children.starts[node]!, children.starts[node + 1]!];
    if (end - start > 1) children.nodes.subarray(start, end).sort(compare);
  }
  return children;
}

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const NONE: Own[] = [];

/** Of each node with everything below it. */
function totals({ parents, own }: Builder, value: number): Float64Array {
  const sums = new Float64Array(parents.length);
  for (let node = 0; node < own.length; node++) {
    for (const { values } of own[node] ?? NONE) sums[node]! += values[value]!;
  }
  for (let node = parents.length - 1; node > 0; node--) sums[parents[node]!]! += sums[node]!;
  return sums;
}

/** In the order in which they were made. */
function childrenOf(parents: number[]): Children {
  const starts = new Int32Array(parents.length + 2);
  for (let node = 1; node < parents.length; node++) starts[parents[node]! + 2]!++;
  for (let node = 2; node < starts.length; node++) starts[node]! += starts[node - 1]!;
  // Now starts[n + 1] is where the children of n begin; each that is put there moves it on, to where those of n + 1 begin.
  const nodes = new Int32Array(parents.length - 1);
  for (let node = 1; node < parents.length; node++) {
    const next = parents[node]! + 1;
    nodes[starts[next]!] = node;
    starts[next]!++;
  }
  return { nodes, starts };
}
