/**
 * The prefix tree of stacks, in memory. Stack 3 of this tree is `main` → `work` → `alloc`; walking it goes inwards out:
 *
 *     stack id  parent  frame            innermost(3) = alloc
 *     1         -       main             walk(3)      = alloc, work, main
 *     2         1       work
 *     3         2       alloc
 */
import { UserError } from '../util/errors.ts';
import type { FrameRow, Source } from './source.ts';

/** Shown where a site has no stack. */
export const NO_STACK = '<stack trace unavailable>';

/** A frame with the one that called it, and so on up to the root. */
export interface LinkedFrame {
  /** Unique in its tree. */
  id: number;
  /** Null at the root. */
  parent: LinkedFrame | null;
  frame: FrameRow;
}

export interface StackNode extends LinkedFrame {
  parent: StackNode | null;
  depth: number;
}

export class Stacks {
  /** Whether some frame is not native. */
  readonly isMixed: boolean;
  readonly #nodes = new Map<number, StackNode>();

  /** @throws UserError if the tree is damaged. */
  constructor(source: Source) {
    const frames = new Map<number, FrameRow>();
    let isMixed = false;
    for (const frame of source.iterate('frames')) {
      frames.set(frame.id, frame);
      isMixed ||= frame.language !== 'native';
    }
    this.isMixed = isMixed;
    const parentIds = new Map<StackNode, number>();
    for (const row of source.iterate('stacks')) {
      const frame = frames.get(row.frame_id);
      if (frame === undefined) throw damaged(row.id);
      const node = { id: row.id, parent: null, frame, depth: row.depth };
      this.#nodes.set(row.id, node);
      if (row.parent_id !== null) parentIds.set(node, row.parent_id);
    }
    for (const [node, parentId] of parentIds) {
      const parent = this.#nodes.get(parentId);
      // Depths that grow along the tree rule out cycles, so that every walk ends.
      if (parent === undefined || parent.depth >= node.depth) throw damaged(node.id);
      node.parent = parent;
    }
  }

  /** The innermost node; undefined if the stack is not known. */
  node(stackId: number | null): StackNode | undefined {
    return stackId === null ? undefined : this.#nodes.get(stackId);
  }

  /** The frame that a report names for the stack, see `placeOf`. */
  place(stackId: number | null): FrameRow | undefined {
    const innermost = this.node(stackId);
    return innermost && (this.isMixed ? placeOf(innermost) : innermost).frame;
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

/** Frames, innermost first. */
export function framesOf(innermost: LinkedFrame | null): FrameRow[] {
  const frames: FrameRow[] = [];
  for (let node = innermost; node !== null; node = node.parent) frames.push(node.frame);
  return frames;
}

function damaged(stackId: number): UserError {
  return new UserError(`The capture is damaged: stack ${stackId} does not lead to a root.`);
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
