/**
 * Stacks merged from their roots, as `mp tree` shows them. A node has the memory of everything below it; one whose only
 * child has all of it stands on one line with that child, so that a chain of calls does not run out of the screen:
 *
 *     node          bytes  own  indent
 *     all            1100    0       0
 *     main           1100   50       0       all that `all` has
 *       load          800  800       1
 *       save          250    0       1
 *       write         250  250       1       all that `save` has
 */

/** What was allocated in a node itself, by thread. */
export interface OwnPart {
  /** `101 worker` */
  thread: string;
  bytes: number;
  allocations: number;
}

/** `owner`: a process or a group; `hidden`: what is not shown, named by why. */
export type NodeKind = 'native' | 'python' | 'javascript' | 'owner' | 'unknown' | 'internal' | 'hidden';

export interface TreeNode {
  /** Names are as the target wrote them: to be escaped. */
  function: string;
  /** Source file; empty if not known. */
  file: string;
  /** 0: not known. */
  line: number;
  /** Mapped file; empty if not known. */
  module: string;
  kind: NodeKind;
  /** With everything below. */
  bytes: number;
  allocations: number;
  own: OwnPart[];
  indent: number;
  parent: TreeNode | null;
  /** Biggest first; what is hidden stands last. */
  children: TreeNode[];
}

export interface StackTree {
  root: TreeNode;
  /** What was left out of stacks and can be shown, by the key that does so. */
  filters: TreeFilters;
}

export interface TreeFilters {
  /** Whether stacks that go through an import are summed up as hidden. */
  hidesImports: boolean;
  /** Whether the frames with which interpreters make their calls are left out. */
  hidesMachinery: boolean;
}

/** Whether the only child has all of the node's memory. */
export function isLinear({ children, own }: TreeNode): boolean {
  return children.length === 1 && own.length === 0;
}

/** The node and all below it, parents first, children in their order; not recursive, as stacks may be deep. */
export function* preorder(top: TreeNode): Generator<TreeNode> {
  const open = [top];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node;
    for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i]!);
  }
}

/** `file:line`, or what is known of it. */
export function nodePlace({ file, line, module }: Pick<TreeNode, 'file' | 'line' | 'module'>): string {
  if (file === '') return module;
  return line === 0 ? file : `${file}:${line}`;
}
