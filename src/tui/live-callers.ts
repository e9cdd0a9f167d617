/**
 * Callers and callees of a location, of the sites that are looked at, as a tree to walk through:
 *
 *     load              1100      all stacks that it stands in
 *     ├ called by       1100
 *     │ └ main          1100
 *     └ calls            300      its own 800 bytes are of no callee
 *       └ strdup         300
 *
 * Where it stands in a stack several times, the innermost one counts.
 */
import type { FrameRow } from '../model/frame-row.ts';
import type { NodeKind, StackTree, TreeNode } from '../model/stack-tree.ts';
import type { LiveModel } from './live-model.ts';

export function callersTree(model: LiveModel, location: number): StackTree {
  const { data, locations } = model;
  const counts = model.paused ?? data.live;
  const base = model.showsDifference ? model.mark?.counts : null;
  const isSelected = model.siteFilter();
  const { function: name, file } = model.locationOf(location);
  const root = newNode({ function: name, file, line: 0, module: '', kind: 'owner' }, null);
  const callers = newNode({ ...HEADING, function: 'called by' }, root);
  const callees = newNode({ ...HEADING, function: 'calls' }, root);
  for (let site = 1; site <= data.siteCount; site++) {
    const bytes = (counts.bytes[site] ?? 0) - (base?.bytes[site] ?? 0);
    const allocations = (counts.allocations[site] ?? 0) - (base?.allocations[site] ?? 0);
    const stack = data.siteStacks[site]!;
    if ((bytes === 0 && allocations === 0) || !locations.ofStack(stack).includes(location) || !isSelected(site))
      continue;
    const frames = locations.framesOf(stack);
    const at = frames.findIndex((frame) => locations.ofFrame(frame) === location);
    if (root.line === 0 && frames[at]?.file) root.line = frames[at].line ?? 0;
    add(root, [], bytes, allocations);
    if (at + 1 < frames.length) add(callers, frames.slice(at + 1), bytes, allocations);
    if (at > 0) add(callees, frames.slice(0, at).reverse(), bytes, allocations);
  }
  root.children = [callers, callees].filter(({ children }) => children.length > 0);
  finish(root);
  return { root, filters: { hidesImports: false, hidesMachinery: true } };
}

const HEADING = { function: '', file: '', line: 0, module: '', kind: 'owner' as NodeKind };

type Names = Pick<TreeNode, 'function' | 'file' | 'line' | 'module' | 'kind'>;

function newNode(names: Names, parent: TreeNode | null): TreeNode {
  return { ...names, parent, bytes: 0, allocations: 0, own: [], indent: 0, children: [] };
}

function add(top: TreeNode, frames: FrameRow[], bytes: number, allocations: number): void {
  let node = top;
  node.bytes += bytes;
  node.allocations += allocations;
  for (const frame of frames) {
    const names: Names = {
      ...{ function: frame.function ?? '???', file: frame.file ?? '', line: frame.line ?? 0 },
      ...{ module: frame.module ?? '', kind: frame.language as NodeKind },
    };
    let child = node.children.find((known) => isSame(known, names));
    if (child === undefined) {
      child = newNode(names, node);
      node.children.push(child);
    }
    node = child;
    node.bytes += bytes;
    node.allocations += allocations;
  }
}

function isSame(a: Names, b: Names): boolean {
  return a.function === b.function && a.file === b.file && a.line === b.line && a.module === b.module;
}

/** Biggest first; children that are not alone are indented. */
function finish(root: TreeNode): void {
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node !== root) node.children.sort((a, b) => b.bytes - a.bytes || b.allocations - a.allocations);
    const step = Number(node === root || node.parent === root || node.children.length > 1);
    for (const child of node.children) {
      child.indent = node.indent + step;
      open.push(child);
    }
  }
}
