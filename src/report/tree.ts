/**
 * The tree of stacks as text. Small branches become one line, long chains are cut in their middle:
 *
 *          Size    Share  Allocations  Function      Location
 *     ─────────  ───────  ───────────  ────────────  ──────────────────
 *     3.005 MiB  100.00%           62  all
 *     3.002 MiB   99.87%           61  main          /src/app/main.c:10
 *     3.000 MiB   99.82%            3  ├ walk        /src/app/walk.cc:30
 *     3.000 MiB   99.82%            3  │ grow        /src/app/walk.cc:44
 *     1.563 KiB    0.05%           58  └ 2 below 1%
 */
import { isLinear, nodePlace, preorder, type TreeNode } from '../model/stack-tree.ts';
import {
  cutEnd,
  cutStart,
  formatBytes,
  formatCount,
  formatPercent,
  formatPlural,
  printable,
  shortenPath,
} from '../util/format.ts';
import { renderTable } from '../util/table.ts';
import type { Layout } from './header.ts';
import { shortenName } from './names.ts';
import { type Capture, jsonReport, styledTable, textReport } from './report.ts';
import type { Selection } from './selection.ts';
import { type StackTreeOptions, stackTree } from './stack-tree.ts';

export interface TreeTextOptions extends StackTreeOptions {
  /** Percent of the whole; what has less is summed up. */
  threshold: number;
}

interface Line {
  guide: string;
  name: string;
  place: string;
  /** Whether the name can be shortened as that of a function. */
  isFunction: boolean;
  bytes: number;
  allocations: number;
}

export function treeText(capture: Capture, selection: Selection, options: TreeTextOptions, layout: Layout): string {
  const tree = stackTree(capture, selection, options);
  if (tree === null) return textReport(capture.facts, selection, [], layout);
  const { root } = tree;
  const maxGuide = Math.floor(layout.columns / 4);
  const owners = new Set<string>();
  const cells = treeLines(root, options.threshold).map((line) => {
    const name = cutStart(line.guide, maxGuide) + printable(line.name);
    if (!line.isFunction) owners.add(name);
    return [
      formatBytes(line.bytes),
      formatPercent(line.bytes, root.bytes),
      formatCount(line.allocations),
      name,
      printable(line.place),
    ];
  });
  const shortenBranch = (text: string, width: number) => {
    const guide = /^[…│├└ ]*/.exec(text)![0];
    return owners.has(text)
      ? cutEnd(text, width)
      : guide + shortenName(text.slice(guide.length), Math.max(1, width - guide.length));
  };
  const columns = [
    { title: 'Size', align: 'right' as const },
    { title: 'Share', align: 'right' as const },
    { title: selection.view === 'v8_samples' ? 'Samples' : 'Allocations', align: 'right' as const },
    { title: 'Function', shorten: shortenBranch },
    { title: 'Location', shorten: shortenPath },
  ];
  return textReport(capture.facts, selection, styledTable(renderTable(columns, cells, layout.columns), layout), layout);
}

/** All nodes, parents before their children; `depth` says which is whose. */
export function treeJson(capture: Capture, selection: Selection, options: StackTreeOptions): string {
  const tree = stackTree(capture, selection, options);
  const depths = new Map<TreeNode | null, number>([[null, -1]]);
  const nodes = [...(tree === null ? [] : preorder(tree.root))].map((node) => {
    const depth = depths.get(node.parent)! + 1;
    depths.set(node, depth);
    const { parent: _parent, children: _children, indent: _indent, own, ...fields } = node;
    return {
      depth,
      ...fields,
      percent: tree!.root.bytes === 0 ? 0 : (node.bytes / tree!.root.bytes) * 100,
      own_bytes: own.reduce((sum, part) => sum + part.bytes, 0),
      own_allocations: own.reduce((sum, part) => sum + part.allocations, 0),
    };
  });
  return jsonReport(capture.facts, selection, { ...(options.by === null ? {} : { by: options.by }), nodes });
}

const isFunction = ({ kind }: TreeNode): boolean => kind !== 'owner' && kind !== 'hidden';

interface Branch {
  node: TreeNode;
  /** Before its first line, and before what is below it. */
  head: string;
  body: string;
}

/** Not recursive: a tree may be deeper than JavaScript's stack. */
function treeLines(root: TreeNode, threshold: number): Line[] {
  const least = (root.bytes * threshold) / 100;
  const lines: Line[] = [];
  const open: (Branch | Line)[] = [{ node: root, head: '', body: '' }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!('node' in next)) {
      lines.push(next);
      continue;
    }
    const chain = chainOf(next.node);
    lines.push(...chainLines(chain, next));
    open.push(...branchesOf(chain.at(-1)!, next.body, least, threshold).reverse());
  }
  return lines;
}

/** The node and those below it that have all of its memory. */
function chainOf(top: TreeNode): TreeNode[] {
  const chain = [top];
  for (let node = top; isLinear(node); ) {
    node = node.children[0]!;
    chain.push(node);
  }
  return chain;
}

const MAX_CHAIN = 40;

function chainLines(chain: TreeNode[], { head, body }: Branch): Line[] {
  const lines = chain.map((node, i) => ({
    guide: i === 0 ? head : body,
    name: node.function,
    place: nodePlace(node),
    isFunction: isFunction(node),
    bytes: node.bytes,
    allocations: node.allocations,
  }));
  const left = lines.length - MAX_CHAIN;
  if (left <= 1) return lines;
  const half = MAX_CHAIN / 2;
  return [
    ...lines.slice(0, half),
    { ...lines[half]!, name: `… ${formatPlural(left, 'frame')} …`, place: '', isFunction: false },
    ...lines.slice(-half),
  ];
}

/** Children that have enough, then the rest in one line, then what is hidden. */
function branchesOf(node: TreeNode, body: string, least: number, threshold: number): (Branch | Line)[] {
  const isHidden = ({ kind }: TreeNode) => kind === 'hidden';
  const small = node.children.filter((child) => child.bytes < least && !isHidden(child));
  const shown = node.children.filter((child) => child.bytes >= least && !isHidden(child));
  const parts = [...shown, ...(small.length > 0 ? [small] : []), ...node.children.filter(isHidden)];
  return parts.map((part, i) => {
    const isLast = i === parts.length - 1;
    const head = `${body}${isLast ? '└' : '├'} `;
    return Array.isArray(part)
      ? smallLine(part, head, threshold)
      : { node: part, head, body: `${body}${isLast ? ' ' : '│'} ` };
  });
}

/** A single one is named, without what is below it. */
function smallLine(small: TreeNode[], guide: string, threshold: number): Line {
  const sum = (of: (child: TreeNode) => number) => small.reduce((total, child) => total + of(child), 0);
  const numbers = { guide, bytes: sum((child) => child.bytes), allocations: sum((child) => child.allocations) };
  const [only] = small;
  if (small.length > 1 || only === undefined)
    return { ...numbers, name: `${formatCount(small.length)} below ${threshold}%`, place: '', isFunction: false };
  const name = only.children.length > 0 ? `${only.function} …` : only.function;
  return { ...numbers, name, place: nodePlace(only), isFunction: isFunction(only) };
}
