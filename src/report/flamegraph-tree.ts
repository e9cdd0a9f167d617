/**
 * All stacks of a selection merged into one prefix tree, as columns in preorder (see `page/format.ts`). Above the frames
 * stand `all`, then the groups if asked for, else the processes if there are several; both above threads.
 */
import { formatPlural } from '../util/format.ts';
import { remembered } from '../util/remembered.ts';
import { GROUP_TITLE, type Grouping, Groups, type Member } from './grouping.ts';
import { Imports } from './imports.ts';
import { addUp, type FlatTree, flatten, type GrowingTree } from './number-tree.ts';
import { KINDS, type Kind, VIEWS } from './page/format.ts';
import type { Capture } from './report.ts';
import { type Selection, selectedSites, type View } from './selection.ts';
import { type FrameOptions, type LeftOut, ShownStacks } from './shown-stacks.ts';
import type { FrameRow, SiteViewsRow } from './source.ts';
import { frameFunction, isInternal, type LinkedFrame, NO_STACK, ofFrame } from './stacks.ts';

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

export interface MergedTree extends FlatTree<TreeFrame> {
  /** By node. `thread` is the index in `threadIds`; `isImported`: an import stands in the stack. */
  leaves: { node: number; thread: number; isImported: boolean; values: ViewValues }[];
  /** Threads that allocated, by their ids in the capture. */
  threadIds: number[];
  /** Indices of leaves, by the ids of the sites that they are made of; null: not asked for. */
  siteLeaves: Map<number, number> | null;
  leftOut: LeftOut | null;
}

export interface TreeOptions extends FrameOptions {
  /** Every stack begins with a frame of that group. */
  by: Grouping | null;
  /** Tell which leaf each site is a part of. */
  withSites?: boolean | undefined;
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
  // The query below asks for all views at once; this one refuses what is not known of a range of time.
  for (const _ of selectedSites(capture.source, selection)) break;
  const builder = new Builder(capture, options);
  const fields = views.flatMap((view) => FIELDS[view]);
  const sites = options.withSites ? new Map<number, Own>() : null;
  const id = sites === null ? [] : (['id'] as const);
  const keys = [...id, 'process_id', 'thread_id', 'allocator', 'stack_id'] as const;
  for (const columns of capture.source.columns('sites_all_views', [...keys, ...fields], selection)) {
    const { process_id, thread_id, allocator, stack_id } = columns;
    const values = fields.map((field) => columns[field]);
    for (let i = 0; i < stack_id.length; i++) {
      const site = { process_id: process_id[i]!, thread_id: thread_id[i]!, allocator: allocator[i]! };
      const ofSite = values.map((column) => column[i]!);
      const own = builder.add(site, stack_id[i]!, ofSite);
      sites?.set(columns.id[i]!, own);
    }
  }
  const flat = flattened(builder, views.indexOf(selection.view), views.indexOf('allocations'));
  const siteLeaves = sites && new Map([...sites].map(([site, { leaf }]) => [site, leaf]));
  return { ...flat, siteLeaves, leftOut: builder.leftOut };
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

class Builder implements GrowingTree<TreeFrame> {
  readonly frames: TreeFrame[] = [];
  readonly frameOf: number[] = [];
  readonly parents: number[] = [];
  /** What was allocated in a node itself, by node. */
  readonly own: (Own[] | undefined)[] = [];
  readonly #stacks: ShownStacks;
  readonly #frameIndex: (row: FrameRow) => number;
  readonly #owners = new Map<unknown, Owner>();
  readonly #by: Grouping | null;
  readonly #groups: Groups | null;
  readonly #imports = new Imports();
  readonly #processNames: Map<number, string>;

  constructor(capture: Capture, options: TreeOptions) {
    this.#stacks = new ShownStacks(capture.source, options);
    this.#frameIndex = ofFrame((row) => this.frames.push(treeFrame(row)) - 1);
    this.#by = options.by;
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

  /** Gives what the site was added to. */
  add(site: Member, stackId: number | null, values: ViewValues): Own {
    const innermost = this.#stacks.innermost(stackId);
    const leaf = this.#leaf(this.#owner(site), innermost);
    this.own[leaf] ??= [];
    let own = this.own[leaf].find(({ threadId }) => threadId === site.thread_id);
    if (own === undefined) {
      own = {
        threadId: site.thread_id,
        isImported: this.#stacks.isMixed && this.#imports.has(innermost),
        values,
        leaf: -1,
      };
      this.own[leaf].push(own);
    } else for (let i = 0; i < values.length; i++) own.values[i]! += values[i]!;
    return own;
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

export function treeFrame(row: FrameRow): TreeFrame {
  return {
    function: frameFunction(row),
    file: row.file ?? '',
    line: row.line ?? 0,
    module: row.module ?? '',
    kind: isInternal(row) ? 'internal' : (KINDS.find((kind) => kind === row.language) ?? 'unknown'),
    inlined: row.inlined !== 0,
  };
}

export const NO_STACK_FRAME: TreeFrame = { ...owner(NO_STACK), kind: 'unknown' };

/** A frame that is no place in a program: all, a process, a group. */
export function owner(name: string): TreeFrame {
  return { function: name, file: '', line: 0, module: '', kind: 'owner', inlined: false };
}

type MergedLeaves = Pick<MergedTree, 'leaves' | 'threadIds'>;

/** Threads in the order in which they come. */
function flattened(builder: Builder, selected: number, all: number): FlatTree<TreeFrame> & MergedLeaves {
  const merged: MergedLeaves = { leaves: [], threadIds: [] };
  const threadIndex = remembered((id: number) => merged.threadIds.push(id) - 1);
  const flat = flatten(builder, bySize(builder, selected, all), (node, place) => {
    for (const own of builder.own[node] ?? NONE) {
      const { threadId, isImported, values } = own;
      own.leaf = merged.leaves.push({ node: place, thread: threadIndex(threadId), isImported, values }) - 1;
    }
  });
  return { ...flat, ...merged };
}

/** By bytes in the view, then of all allocations, then by function. */
function bySize(builder: Builder, selected: number, all: number): (a: number, b: number) => number {
  const { frames, frameOf } = builder;
  const bytes = totals(builder, selected * 2);
  const allBytes = totals(builder, all * 2);
  const nameOf = (node: number) => frames[frameOf[node]!]!.function;
  return (a, b) => bytes[b]! - bytes[a]! || allBytes[b]! - allBytes[a]! || compareNames(nameOf(a), nameOf(b));
}

export const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const NONE: Own[] = [];

/** Of each node with everything below it. */
function totals({ parents, own }: Builder, value: number): Float64Array {
  const sums = new Float64Array(parents.length);
  for (let node = 0; node < own.length; node++) {
    for (const { values } of own[node] ?? NONE) sums[node]! += values[value]!;
  }
  return addUp(parents, sums);
}
