/**
 * Folded stacks, as Brendan Gregg's flamegraph.pl and speedscope read them: `root;…;innermost 4096`, one line per stack.
 * The format has no escapes: a semicolon in a name becomes a colon, as by stackcollapse-perf.pl, a control character `\x0a`.
 * Stacks begin with their process if there are several, and with `splitThreads` with their thread.
 */
import { printable } from '../../util/format.ts';
import type { Capture } from '../report.ts';
import type { Selection } from '../selection.ts';
import type { LinkedFrame } from '../stacks.ts';
import { type ExportOptions, frameLabel, processLabel, threadLabel, totalsByOwner } from './samples.ts';

/** Of the tree of names: functions of one name under one caller are one, whatever their lines. */
interface NameNode {
  name: string;
  caller: NameNode | null;
  callees: Map<string, NameNode>;
  value: number;
}

export function* collapsed(capture: Capture, selection: Selection, options: ExportOptions): Iterable<string> {
  const owners = totalsByOwner(capture, selection, options);
  const hasSeveral = owners.some(({ process }) => process !== owners[0]!.process);
  const nodes = new Set<NameNode>();
  const roots = new Map<string, NameNode>();
  for (const { process, thread, stacks } of owners) {
    let base: NameNode | null = null;
    if (hasSeveral) base = calleeOf(roots, null, processLabel(process));
    if (thread !== null) base = calleeOf(base?.callees ?? roots, base, threadLabel(thread));
    const known = new Map<LinkedFrame | null, NameNode>();
    for (const total of stacks) {
      const node = nodeOf(total.innermost, base, roots, known);
      node.value += total[options.count];
      nodes.add(node);
    }
  }
  for (const node of nodes) if (node.value > 0) yield `${pathOf(node)} ${node.value}\n`;
}

/** Walks out to a frame that is known, then back. */
function nodeOf(
  innermost: LinkedFrame | null,
  base: NameNode | null,
  roots: Map<string, NameNode>,
  known: Map<LinkedFrame | null, NameNode>,
): NameNode {
  if (innermost === null) return calleeOf(base?.callees ?? roots, base, frameLabel(null));
  const path: LinkedFrame[] = [];
  let at: LinkedFrame | null = innermost;
  while (at !== null && !known.has(at)) {
    path.push(at);
    at = at.parent;
  }
  let node = at === null ? base : known.get(at)!;
  for (const linked of path.reverse()) {
    node = calleeOf(node?.callees ?? roots, node, frameLabel(linked.frame));
    known.set(linked, node);
  }
  return node!;
}

function calleeOf(callees: Map<string, NameNode>, caller: NameNode | null, label: string): NameNode {
  let node = callees.get(label);
  if (node === undefined) {
    node = { name: printable(label).replaceAll(';', ':'), caller, callees: new Map(), value: 0 };
    callees.set(label, node);
  }
  return node;
}

function pathOf(innermost: NameNode): string {
  const names: string[] = [];
  for (let node: NameNode | null = innermost; node !== null; node = node.caller) names.push(node.name);
  return names.reverse().join(';');
}
