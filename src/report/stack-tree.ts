/** The tree of the biggest stacks of a selection, out of the merged stacks of `flamegraph-tree.ts`. */
import type { OwnPart, StackTree, TreeFilters, TreeNode } from '../model/stack-tree.ts';
import { formatPlural } from '../util/format.ts';
import { type MergedTree, mergeStacks, type TreeFrame } from './flamegraph-tree.ts';
import type { Grouping } from './grouping.ts';
import type { Capture } from './report.ts';
import type { Selection } from './selection.ts';
import type { FrameOptions } from './shown-stacks.ts';

export interface StackTreeOptions extends FrameOptions {
  by: Grouping | null;
  /** So many stacks are shown, the rest is summed up. */
  biggest: number;
  hidesImports: boolean;
}

/** A stack as shown: the node of its innermost frame, and what was allocated there. */
interface Stack {
  node: number;
  isImported: boolean;
  bytes: number;
  allocations: number;
  own: OwnPart[];
}

/** Null if nothing is selected. */
export function stackTree(capture: Capture, selection: Selection, options: StackTreeOptions): StackTree | null {
  const merged = mergeStacks(capture, selection, options, [selection.view, 'allocations']);
  const stacks = stacksOf(capture, merged);
  if (stacks.length === 0) return null;
  const parents = parentsOf(merged);
  const isUnwanted = ({ isImported }: Stack) => options.hidesImports && isImported;
  const visible = stacks.filter((stack) => !isUnwanted(stack));
  const builder = new Builder(merged, parents);
  for (const stack of visible.slice(0, options.biggest)) builder.add(stack);
  const { root } = builder;
  hide(root, 'smaller stack', visible.slice(options.biggest));
  hide(root, 'stack of imports', stacks.filter(isUnwanted), 'stacks of imports');
  finish(root);
  const filters: TreeFilters = { hidesImports: options.hidesImports, hidesMachinery: options.nativeMachinery !== true };
  return { root, filters };
}

/** Biggest first. */
function stacksOf({ source }: Capture, { leaves, threadIds }: MergedTree): Stack[] {
  const threads = new Map(source.all('threads').map(({ id, tid, name }) => [id, name ? `${tid} ${name}` : `${tid}`]));
  const stacks: Stack[] = [];
  for (const { node, thread, isImported, values } of leaves) {
    const [bytes, allocations] = [values[0]!, values[1]!];
    if (allocations === 0) continue;
    // The leaves of one node stand together.
    let stack = stacks.at(-1);
    if (stack?.node !== node) {
      stack = { node, isImported, bytes: 0, allocations: 0, own: [] };
      stacks.push(stack);
    }
    stack.bytes += bytes;
    stack.allocations += allocations;
    stack.own.push({ thread: threads.get(threadIds[thread]!) ?? '?', bytes, allocations });
  }
  return stacks.sort((a, b) => b.bytes - a.bytes || b.allocations - a.allocations || a.node - b.node);
}

/** Index of each node's parent; that of the root is -1. */
function parentsOf({ depths }: MergedTree): Int32Array {
  const parents = new Int32Array(depths.length).fill(-1);
  /** The last node of each depth. */
  const open: number[] = [];
  for (let node = 0; node < depths.length; node++) {
    const depth = depths[node]!;
    open[depth] = node;
    if (depth > 0) parents[node] = open[depth - 1]!;
  }
  return parents;
}

class Builder {
  readonly root: TreeNode;
  readonly #merged: MergedTree;
  readonly #parents: Int32Array;
  readonly #made = new Map<number, TreeNode>();

  constructor(merged: MergedTree, parents: Int32Array) {
    this.#merged = merged;
    this.#parents = parents;
    this.root = newNode(merged.frames[merged.frameOf[0]!]!);
    this.#made.set(0, this.root);
  }

  add(stack: Stack): void {
    const missing: number[] = [];
    let node = stack.node;
    for (; !this.#made.has(node); node = this.#parents[node]!) missing.push(node);
    let at = this.#made.get(node)!;
    for (const index of missing.reverse()) {
      const child = newNode(this.#merged.frames[this.#merged.frameOf[index]!]!, at);
      at.children.push(child);
      this.#made.set(index, child);
      at = child;
    }
    at.own = stack.own.sort((a, b) => b.bytes - a.bytes);
    for (let above: TreeNode | null = at; above !== null; above = above.parent) {
      above.bytes += stack.bytes;
      above.allocations += stack.allocations;
    }
  }
}

function newNode(frame: TreeFrame, parent: TreeNode | null = null): TreeNode {
  const { function: name, file, line, module, kind } = frame;
  return {
    ...{ function: name, file, line, module, kind, parent },
    ...{ bytes: 0, allocations: 0, own: [], indent: 0, children: [] },
  };
}

/** Sorts children, what is hidden last, and indents those that are not alone. */
function finish(root: TreeNode): void {
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    node.children.sort((a, b) => isHidden(a) - isHidden(b) || b.bytes - a.bytes || b.allocations - a.allocations);
    const isBranching = node.children.length > 1 || node.own.length > 0;
    for (const child of node.children) {
      child.indent = node.indent + Number(isBranching);
      open.push(child);
    }
  }
}

const isHidden = ({ kind }: TreeNode): number => Number(kind === 'hidden');

/** What is not shown stands below the root, and is a part of its sum. */
function hide(root: TreeNode, noun: string, stacks: Stack[], plural?: string): void {
  if (stacks.length === 0) return;
  const bytes = stacks.reduce((sum, stack) => sum + stack.bytes, 0);
  const allocations = stacks.reduce((sum, stack) => sum + stack.allocations, 0);
  const name = `${formatPlural(stacks.length, noun, plural)} not shown`;
  root.bytes += bytes;
  root.allocations += allocations;
  const frame: TreeFrame = { function: name, file: '', line: 0, module: '', kind: 'owner', inlined: false };
  root.children.push({ ...newNode(frame, root), kind: 'hidden', bytes, allocations });
}
