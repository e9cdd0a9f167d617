/** What of a tree is open, and where the cursor is; knows neither keys nor screens. */
import { isLinear, type StackTree, type TreeNode } from '../model/stack-tree.ts';

export class TreeModel {
  readonly tree: StackTree;
  readonly #open = new Set<TreeNode>();
  #rows: TreeNode[] = [];
  #cursor = 0;
  #top = 0;

  /** The root is open, and the biggest way down from it. */
  constructor(tree: StackTree) {
    this.tree = tree;
    for (let node: TreeNode | undefined = tree.root; node !== undefined; node = node.children[0]) this.#open.add(node);
    this.#list();
  }

  /** Nodes that are shown, from top to bottom. */
  get rows(): readonly TreeNode[] {
    return this.#rows;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get selected(): TreeNode {
    return this.#rows[this.#cursor]!;
  }

  isOpen(node: TreeNode): boolean {
    return this.#open.has(node);
  }

  move(by: number): void {
    this.#cursor = Math.max(0, Math.min(this.#rows.length - 1, this.#cursor + by));
  }

  toggle(): void {
    this.#set(this.selected, !this.isOpen(this.selected));
    this.#list();
  }

  /** Opens the node, or goes to its first child. */
  inwards(): void {
    if (!this.isOpen(this.selected)) this.toggle();
    else if (this.selected.children.length > 0) this.move(1);
  }

  /** Closes the node, or goes to its parent. */
  outwards(): void {
    const { parent, children } = this.selected;
    if (this.isOpen(this.selected) && children.length > 0) this.toggle();
    else if (parent !== null) this.#cursor = this.#rows.indexOf(parent);
  }

  /** Opens or closes the node, and those below it down to the first with several children. */
  toggleChain(): void {
    const opens = !this.isOpen(this.selected);
    let node = this.selected;
    this.#set(node, opens);
    while (node.children.length === 1) {
      node = node.children[0]!;
      this.#set(node, opens);
    }
    this.#list();
  }

  /** Index of the first row of a window of `height` rows that contains the cursor; it moves no further than it must. */
  scrolled(height: number): number {
    const last = Math.max(0, this.#rows.length - height);
    this.#top = Math.max(Math.min(this.#top, this.#cursor, last), this.#cursor - height + 1);
    return this.#top;
  }

  #set(node: TreeNode, isOpen: boolean): void {
    if (isOpen) this.#open.add(node);
    else this.#open.delete(node);
  }

  /** A row that stays keeps the cursor: only what is below it comes and goes. */
  #list(): void {
    this.#rows = [];
    const rest = [this.tree.root];
    for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
      this.#rows.push(node);
      if (!this.isOpen(node)) continue;
      for (let i = node.children.length - 1; i >= 0; i--) rest.push(node.children[i]!);
    }
  }
}

/** `▸` closed, `▾` open, `·` nothing below; a node in the middle of a chain looks like its continuation. */
export function marker(model: TreeModel, node: TreeNode): string {
  if (node.children.length === 0) return '·';
  if (!model.isOpen(node)) return '▸';
  return isLinear(node) && node.parent !== null && isLinear(node.parent) ? '│' : '▾';
}
