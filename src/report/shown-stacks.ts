/**
 * Stacks as reports show them, again a prefix tree. Stacks that differ only in frames that are left out become one:
 *
 *     as recorded, root first                                     as shown, root first
 *     _start, Py_RunMain, _PyEval_EvalFrameDefault, <module>      _start, <module>
 *     _start, PyRun_File, _PyEval_EvalFrameDefault, <module>      _start, <module>
 *     _start, Py_RunMain, PyUnicode_New                           _start, Py_RunMain, PyUnicode_New    (no Python in it)
 */
import { FrameTree } from './frame-tree.ts';
import { foldMachinery } from './machinery.ts';
import type { FrameRow, Source } from './source.ts';
import { framesOf, type LinkedFrame, placeOf, Stacks } from './stacks.ts';

/** Which frames are shown of a stack that has Python or JavaScript frames; those of other stacks are shown always. */
export interface FrameOptions {
  /** False: no native ones. Default: true. */
  native?: boolean | undefined;
  /** True: also the native ones with which the interpreter calls (`machinery.ts`). Default: false. */
  nativeMachinery?: boolean | undefined;
}

/** What was left out of at least one stack. */
export type LeftOut = 'native' | 'machinery';

/** Frames of one stack that are shown, both innermost first. */
export function shownFrames(frames: FrameRow[], { native, nativeMachinery }: FrameOptions): FrameRow[] {
  if (native !== false) return nativeMachinery ? frames : foldMachinery(frames);
  const others = frames.filter((frame) => frame.language !== 'native');
  return others.length > 0 ? others : frames;
}

export class ShownStacks {
  readonly #stacks: Stacks;
  readonly #options: FrameOptions;
  /** Innermost nodes as shown, by the numbers of the recorded ones. */
  readonly #shown: LinkedFrame[] = [];
  readonly #tree = new FrameTree();
  #leftOut: LeftOut | null = null;

  /** @throws UserError if the tree is damaged. */
  constructor(source: Source, options: FrameOptions) {
    this.#stacks = new Stacks(source);
    this.#options = options;
  }

  /** Whether some frame is not native. */
  get isMixed(): boolean {
    return this.#stacks.isMixed;
  }

  /** Of the stacks that were asked for so far. */
  get leftOut(): LeftOut | null {
    return this.#leftOut;
  }

  /** The innermost frame that is shown; null if the stack is not known. Stacks that look alike share it. */
  innermost(stackId: number | null): LinkedFrame | null {
    const recorded = this.#stacks.node(stackId);
    if (recorded === undefined) return null;
    if (!this.#stacks.isMixed) return recorded;
    this.#shown[recorded.id] ??= this.#show(recorded);
    return this.#shown[recorded.id]!;
  }

  /** The one that the stack is attributed to, of those that are shown; see `Stacks.place`. */
  place(innermost: LinkedFrame): LinkedFrame {
    return this.#stacks.isMixed ? placeOf(innermost) : innermost;
  }

  #show(recorded: LinkedFrame): LinkedFrame {
    const all = framesOf(recorded);
    const frames = shownFrames(all, this.#options);
    if (frames.length < all.length) this.#leftOut = this.#options.native === false ? 'native' : 'machinery';
    return this.#tree.node(frames.reverse())!;
  }
}
