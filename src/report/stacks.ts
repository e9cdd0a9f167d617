/**
 * The prefix tree of stacks, in memory. Stack 3 of this tree is `main` → `work` → `alloc`; walking it goes inwards out:
 *
 *     stack id  parent  frame            innermost(3) = alloc
 *     1         -       main             walk(3)      = alloc, work, main
 *     2         1       work
 *     3         2       alloc
 */
import type { FrameRow, Source } from './source.ts';
import { indexOf, type StackColumns, stackColumns } from './stack-columns.ts';

/** Shown where a site has no stack. */
export const NO_STACK = '<stack trace unavailable>';

/** A frame with the one that called it, and so on up to the root. */
export interface LinkedFrame {
  /** Its number in its tree, from 0. */
  id: number;
  /** Null at the root. */
  parent: LinkedFrame | null;
  frame: FrameRow;
}

export class Stacks {
  /** Whether some frame is not native. */
  readonly isMixed: boolean;
  readonly #columns: StackColumns;
  /** Nodes that were asked for, with those above them; by index. */
  readonly #nodes: LinkedFrame[];

  /** @throws UserError if the tree is damaged. */
  constructor(source: Source) {
    this.#columns = stackColumns(source);
    this.isMixed = this.#columns.frames.some((frame) => frame.language !== 'native');
    this.#nodes = new Array(this.#columns.ids.length);
  }

  /** The innermost node; undefined if the stack is not known. */
  node(stackId: number | null): LinkedFrame | undefined {
    const index = indexOf(this.#columns.ids, stackId);
    return index < 0 ? undefined : this.#node(index);
  }

  /** The frame that a report names for the stack, see `placeOf`. */
  place(stackId: number | null): FrameRow | undefined {
    const innermost = this.isMixed ? this.node(stackId) : undefined;
    return innermost ? placeOf(innermost).frame : this.innermost(stackId);
  }

  /** The frame that called the allocator. */
  innermost(stackId: number | null): FrameRow | undefined {
    const index = indexOf(this.#columns.ids, stackId);
    return index < 0 ? undefined : this.#columns.frames[this.#columns.frameOf[index]!];
  }

  /** Makes what is missing from the root inwards. */
  #node(index: number): LinkedFrame {
    const { parents, frames, frameOf } = this.#columns;
    const missing: number[] = [];
    let at = index;
    for (; at >= 0 && this.#nodes[at] === undefined; at = parents[at]!) missing.push(at);
    let node = at < 0 ? null : this.#nodes[at]!;
    for (let i = missing.length - 1; i >= 0; i--) {
      const made: number = missing[i]!;
      node = { id: made, parent: node, frame: frames[frameOf[made]!]! };
      this.#nodes[made] = node;
    }
    return node!;
  }
}

/**
 * The frame to which the memory of a stack is attributed: the innermost line of Python or JavaScript. Every Buffer is made
 * by a line of Node's own, so that these stand for a stack only if there is no other line in it:
 *
 *     calloc's caller   native
 *     FastBuffer        node:internal/buffer:959
 *     alloc             node:buffer:366
 *     Server.handle     /srv/app.js:12             the place
 *     emit              node:events:518            the place of what it allocates itself
 */
export function placeOf(innermost: LinkedFrame): LinkedFrame {
  let line: LinkedFrame | null = null;
  for (let node: LinkedFrame | null = innermost; node !== null; node = node.parent) {
    if (node.frame.language === 'native') continue;
    if (!isInternal(node.frame)) return node;
    line ??= node;
  }
  return line ?? innermost;
}

/** The same of frames, innermost first; undefined if all are native. */
export function lineAmong(frames: FrameRow[]): FrameRow | undefined {
  const lines = frames.filter((frame) => frame.language !== 'native');
  return lines.find((frame) => !isInternal(frame)) ?? lines[0];
}

/** Whether a JavaScript frame is Node's own, or a function that is built into V8: these have neither file nor line. */
export function isInternal({ language, file, line }: Pick<FrameRow, 'language' | 'file' | 'line'>): boolean {
  return language === 'javascript' && (file === null ? line === null : file.startsWith('node:'));
}

/** `make` with its results kept by the id of the frame, which is found faster than the frame itself. */
export function ofFrame<Value>(make: (frame: FrameRow) => Value): (frame: FrameRow) => Value {
  const known: Value[] = [];
  return (frame) => {
    known[frame.id] ??= make(frame);
    return known[frame.id]!;
  };
}

/** Frames, innermost first. */
export function framesOf(innermost: LinkedFrame | null): FrameRow[] {
  const frames: FrameRow[] = [];
  for (let node = innermost; node !== null; node = node.parent) frames.push(node.frame);
  return frames;
}

/** `src/a.c:12`, `src/a.c`, or without a source file the module's path; empty if neither is known. */
export function frameLocation(frame: Pick<FrameRow, 'file' | 'line' | 'module'>): string {
  if (frame.file === null) return frame.module ?? '';
  return frame.line === null ? frame.file : `${frame.file}:${frame.line}`;
}

/** Function of a frame; `???` without a name. */
export function frameFunction(frame: Pick<FrameRow, 'function'>): string {
  return frame.function ?? '???';
}
