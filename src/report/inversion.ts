/**
 * Turns a tree of stacks around, so that they begin with the code that allocated. It has many times the nodes then, but
 * most are the way of a single stack to its root, which the tree as it was knows already: only the branches are made here,
 * and `page/inverted.ts` makes the nodes of them.
 *
 *     tree                      branches: node, depth
 *     0 all                     0, 0   all
 *     1   main                  2, 1   copy     of several stacks
 *     2     copy 100            1, 2   main     of one: all its callers follow
 *     3     load                3, 2   load     of one: all its callers follow
 *     4       copy 50
 *
 * Stacks that are alike so far stand side by side in a list. Each step takes them one caller further and divides them by
 * it; one that is alone goes no further.
 */
import { compareNames, type MergedTree } from './flamegraph-tree.ts';
import type { Branches } from './page/inverted.ts';
import { Tree } from './page/tree.ts';

export interface Inversion {
  branches: Record<keyof Branches, number[]>;
  /** By leaf: where it is among all nodes of the inverted tree. */
  leafNode: Uint32Array;
}

/** Siblings stand by these values of their leaves, largest first, then by their names. */
export function invertedTree(tree: MergedTree, ...weights: [number, number]): Inversion {
  return new Inverter(tree, weights).run();
}

interface Branch {
  node: number;
  frame: number;
  depth: number;
  isOwner: boolean;
  /** Place of its stacks in the list. */
  from: number;
  to: number;
  sums: [number, number];
}

class Inverter {
  readonly #tree: MergedTree;
  readonly #parent: Uint32Array;
  readonly #isOwner: Uint8Array;
  /** Its stack, of a node that has leaves; and how many nodes there are up to its owner. */
  readonly #stackOf: Int32Array;
  readonly #height: Uint32Array;
  /** By stack: the node that it has come to, in the end that of the inverted tree; and the sums of its leaves. */
  readonly #at: number[] = [];
  readonly #sums: [number, number][] = [];
  readonly #owners = new Map<number, Branch>();
  /** Stacks, those of a branch side by side. */
  readonly #list: number[] = [];

  constructor(tree: MergedTree, weights: [number, number]) {
    const { frames, depths, frameOf, leaves } = tree;
    this.#tree = tree;
    this.#parent = new Tree(depths).parent;
    this.#isOwner = Uint8Array.from(frameOf, (frame) => Number(frames[frame]!.kind === 'owner'));
    this.#height = new Uint32Array(depths.length);
    this.#stackOf = new Int32Array(depths.length).fill(-1);
    for (const { node, values } of leaves) {
      if (this.#stackOf[node]! < 0) {
        this.#stackOf[node] = this.#at.push(node) - 1;
        this.#sums.push([0, 0]);
      }
      const sums = this.#sums[this.#stackOf[node]!]!;
      for (const k of [0, 1] as const) sums[k] += values[weights[k]]!;
    }
    this.#findOwners();
  }

  run(): Inversion {
    const branches: Inversion['branches'] = { node: [], depth: [], isSingle: [] };
    let count = 0;
    const open = [this.#owners.get(0)!];
    for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
      const { node, depth, from, to, isOwner } = branch;
      const isSingle = !isOwner && to - from === 1;
      branches.node.push(node);
      branches.depth.push(depth);
      branches.isSingle.push(Number(isSingle));
      if (isSingle) {
        count += this.#height[node]!;
        this.#at[this.#list[from]!] = count - 1;
        continue;
      }
      const children = isOwner ? this.#belowOwner(branch) : this.#further(branch, count);
      for (const child of children.sort((a, b) => this.#order(b, a))) open.push(child);
      count++;
    }
    const leafNode = Uint32Array.from(this.#tree.leaves, ({ node }) => this.#at[this.#stackOf[node]!]!);
    return { branches, leafNode };
  }

  /** Puts the stacks of each owner side by side. */
  #findOwners(): void {
    const { depths, frameOf } = this.#tree;
    const ownerOf = new Uint32Array(depths.length);
    for (let node = 0; node < depths.length; node++) {
      const isOwner = this.#isOwner[node] === 1;
      ownerOf[node] = isOwner ? node : ownerOf[this.#parent[node]!]!;
      this.#height[node] = isOwner ? 0 : this.#height[this.#parent[node]!]! + 1;
      if (isOwner) this.#owners.set(node, newBranch(node, frameOf[node]!, depths[node]!, true));
    }
    const stacks = new Map([...this.#owners.keys()].map((owner) => [owner, [] as number[]]));
    this.#at.forEach((node, stack) => {
      stacks.get(ownerOf[node]!)!.push(stack);
      let owner = ownerOf[node]!;
      for (; owner !== 0; owner = this.#parent[owner]!) this.#add(this.#owners.get(owner)!, stack);
    });
    for (const [owner, own] of stacks) {
      const branch = this.#owners.get(owner)!;
      branch.from = this.#list.length;
      for (const stack of own) this.#list.push(stack);
      branch.to = this.#list.length;
    }
  }

  #belowOwner({ node: owner, depth, from, to }: Branch): Branch[] {
    const isBelow = ({ node }: Branch) => node !== owner && this.#parent[node] === owner;
    return [...[...this.#owners.values()].filter(isBelow), ...this.#divided(from, to, depth + 1)];
  }

  /** One caller further. `place`: where those end that have no more of them. */
  #further({ depth, from, to }: Branch, place: number): Branch[] {
    let left = from;
    for (let i = from; i < to; i++) {
      const stack = this.#list[i]!;
      const caller = this.#parent[this.#at[stack]!]!;
      const hasEnded = this.#isOwner[caller] === 1;
      this.#at[stack] = hasEnded ? place : caller;
      if (!hasEnded) continue;
      this.#list[i] = this.#list[left]!;
      this.#list[left++] = stack;
    }
    return this.#divided(left, to, depth + 1);
  }

  /** By the frames that the stacks have come to. */
  #divided(from: number, to: number, depth: number): Branch[] {
    const stacks = new Map<number, number[]>();
    for (const stack of this.#list.slice(from, to)) {
      const frame = this.#tree.frameOf[this.#at[stack]!]!;
      const alike = stacks.get(frame);
      if (alike === undefined) stacks.set(frame, [stack]);
      else alike.push(stack);
    }
    let place = from;
    return Array.from(stacks, ([frame, alike]) => {
      const branch = newBranch(this.#at[alike[0]!]!, frame, depth, false);
      branch.from = place;
      for (const stack of alike) {
        this.#list[place++] = stack;
        this.#add(branch, stack);
      }
      branch.to = place;
      return branch;
    });
  }

  #add({ sums }: Branch, stack: number): void {
    sums[0] += this.#sums[stack]![0];
    sums[1] += this.#sums[stack]![1];
  }

  #order(a: Branch, b: Branch): number {
    const nameOf = ({ frame }: Branch) => this.#tree.frames[frame]!.function;
    return b.sums[0] - a.sums[0] || b.sums[1] - a.sums[1] || compareNames(nameOf(a), nameOf(b));
  }
}

function newBranch(node: number, frame: number, depth: number, isOwner: boolean): Branch {
  return { node, frame, depth, isOwner, from: 0, to: 0, sums: [0, 0] };
}
