/**
 * Frames and the prefix tree of stacks. Two frames with the same parts are one; two stacks share the nodes of what they
 * have in common at the root:
 *
 *     main > run > parse > malloc_wrapper          node   1 main   2 run   3 parse   4 malloc_wrapper
 *     main > run > send                            node                    5 send (parent 2)
 *
 * The number of the innermost node names the stack. Nodes and frames are numbered from 1 in the order in which they are
 * seen, a parent always before its children, so that what is new since a commit is a range of numbers.
 */

import type { FrameTree } from '../model/accounts.ts';
import { TripleIndex } from '../model/triple-index.ts';
import type { Frame } from '../model/types.ts';
import { grown } from './growable.ts';

export class FrameTable {
  readonly #ids = new Map<string, number>();
  /** The symbolizer hands out the same objects again and again: most look-ups end here. */
  readonly #idOfObject = new WeakMap<Frame, number>();
  readonly #frames: Frame[] = [];

  get size(): number {
    return this.#frames.length;
  }

  get(id: number): Frame {
    const frame = this.#frames[id - 1];
    if (frame === undefined) throw new RangeError(`no frame ${id}`);
    return frame;
  }

  add(frame: Frame): number {
    const known = this.#idOfObject.get(frame);
    if (known !== undefined) return known;
    const key = keyOf(frame);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#frames.push(frame);
      this.#ids.set(key, id);
    }
    this.#idOfObject.set(frame, id);
    return id;
  }
}

function keyOf({ function: name, file, line, language, module, inlined }: Frame): string {
  return JSON.stringify([name, file, line, language, module, inlined]);
}

export class StackTree implements FrameTree {
  readonly frames = new FrameTable();
  readonly #index = new TripleIndex();
  #parents = new Uint32Array(256);
  #frameIds = new Uint32Array(256);
  #depths = new Uint32Array(256);

  get size(): number {
    return this.#index.size;
  }

  add(frames: readonly Frame[]): number {
    let node = 0;
    for (const frame of frames) node = this.#child(node, this.frames.add(frame));
    return node;
  }

  /** 0 for a node without parent. */
  parentOf(node: number): number {
    return this.#parents[node]!;
  }

  frameOf(node: number): number {
    return this.#frameIds[node]!;
  }

  depthOf(node: number): number {
    return this.#depths[node]!;
  }

  #child(parent: number, frameId: number): number {
    const known = this.#index.size;
    const node = this.#index.add(parent, frameId, 0) + 1;
    if (node <= known) return node;
    this.#parents = grown(this.#parents, node + 1);
    this.#frameIds = grown(this.#frameIds, node + 1);
    this.#depths = grown(this.#depths, node + 1);
    this.#parents[node] = parent;
    this.#frameIds[node] = frameId;
    this.#depths[node] = (parent === 0 ? 0 : this.#depths[parent]!) + 1;
    return node;
  }
}
