/** The trees of massif's format, whose lines `massif.ts` describes. */

import { formatPercent, printable } from '../../util/format.ts';
import { remembered } from '../../util/remembered.ts';
import type { FrameRow } from '../source.ts';
import { frameFunction, frameLocation, type LinkedFrame, NO_STACK } from '../stacks.ts';
import { type StackTotal } from './samples.ts';

/** Smaller parts of a tree are one line. Massif's own default is 1 %. */
const THRESHOLD = 0.001;
const ROOT = '(heap allocation functions) malloc/new/new[], --alloc-fns, etc.';

/** Stands for a stack that is not known. */
const NO_FRAME: LinkedFrame = {
  id: 0,
  parent: null,
  frame: { id: 0, function: NO_STACK, file: null, line: null, language: 'native', module: null, inlined: 0 },
};

/** Part of a tree that is still to be written: the stacks that go through it, each with its next frame. */
interface Branch {
  label: string;
  depth: number;
  bytes: number;
  /** Null beyond the root of a stack. */
  stacks: { at: LinkedFrame | null; bytes: number }[];
}

/** Only what is shown is taken apart: a whole tree from the inside out would be larger than the capture. */
export function* treeLines(stacks: StackTotal[], total: number): Iterable<string> {
  const labelOf = remembered(label);
  const root = {
    label: ROOT,
    depth: 0,
    bytes: total,
    stacks: stacks.map(({ innermost, bytes }) => ({ at: innermost ?? NO_FRAME, bytes })),
  };
  const pending: Branch[] = [root];
  for (let branch = pending.pop(); branch !== undefined; branch = pending.pop()) {
    const callers = callersIn(branch, labelOf);
    const shown = callers.filter(({ bytes }) => bytes > 0 && bytes >= total * THRESHOLD);
    const hidden = callers.slice(shown.length);
    if (hidden.length > 0) {
      const bytes = sumOf(hidden);
      shown.push({ label: restLabel(hidden.length), depth: branch.depth + 1, bytes, stacks: [] });
    }
    yield `${' '.repeat(branch.depth)}n${shown.length}: ${branch.bytes} ${branch.label}\n`;
    pending.push(...shown.reverse());
  }
}

/** By the next frame, largest first. */
function callersIn({ depth, stacks }: Branch, labelOf: (frame: FrameRow) => string): Branch[] {
  const callers = new Map<string, Branch>();
  for (const { at, bytes } of stacks) {
    if (at === null) continue;
    const label = labelOf(at.frame);
    const caller = callers.get(label) ?? { label, depth: depth + 1, bytes: 0, stacks: [] };
    caller.bytes += bytes;
    caller.stacks.push({ at: at.parent, bytes });
    callers.set(label, caller);
  }
  return [...callers.values()].sort((a, b) => b.bytes - a.bytes);
}

function restLabel(count: number): string {
  const places = count === 1 ? '1 place,' : `${count} places, all`;
  return `in ${places} below massif's threshold (${formatPercent(THRESHOLD, 1).replace('%', '')}%)`;
}

function label(frame: FrameRow): string {
  const location = frameLocation(frame);
  return `0x0: ${plain(frameFunction(frame))}${location ? ` (${plain(location)})` : ''}`;
}

/** ms_print takes what follows a `#` for a comment. */
export function plain(text: string): string {
  return printable(text).replaceAll('#', '\\x23');
}

export const sumOf = (parts: { bytes: number }[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);
