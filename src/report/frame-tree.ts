/** A prefix tree of frames: stacks with the same frames share their nodes. */
import type { FrameRow } from './source.ts';
import type { LinkedFrame } from './stacks.ts';

type Callees = Map<number, LinkedFrame>;

export class FrameTree {
  /** By the ids of their frames. */
  readonly #roots: Callees = new Map();
  /** The same, by the number of the caller. */
  readonly #callees: (Callees | undefined)[] = [];
  #count = 0;

  /** The node of `frames`, in the order of the walk from the root. Null: there are none. */
  node(frames: Iterable<FrameRow>): LinkedFrame | null {
    let node: LinkedFrame | null = null;
    for (const frame of frames) node = this.#callee(node, frame);
    return node;
  }

  #callee(caller: LinkedFrame | null, frame: FrameRow): LinkedFrame {
    const callees = caller === null ? this.#roots : this.#calleesOf(caller.id);
    let node = callees.get(frame.id);
    if (node === undefined) {
      node = { id: this.#count++, parent: caller, frame };
      callees.set(frame.id, node);
    }
    return node;
  }

  #calleesOf(caller: number): Callees {
    this.#callees[caller] ??= new Map();
    return this.#callees[caller];
  }
}
