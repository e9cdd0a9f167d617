import type { StackTree, TreeNode } from '../../../src/model/stack-tree.ts';

/** A node with the sum of its children, and `own` bytes in one allocation. */
export function node(name: string, own: number, ...children: TreeNode[]): TreeNode {
  const sum = (of: (child: TreeNode) => number) => children.reduce((total, child) => total + of(child), 0);
  const made: TreeNode = {
    function: name,
    file: `/src/${name}.c`,
    line: 7,
    module: '/bin/app',
    kind: 'native',
    bytes: own + sum((child) => child.bytes),
    allocations: Number(own > 0) + sum((child) => child.allocations),
    own: own > 0 ? [{ thread: '1 main', bytes: own, allocations: 1 }] : [],
    indent: 0,
    parent: null,
    children,
  };
  for (const child of children) child.parent = made;
  return made;
}

/** all { main { a { b { c } }, d } } */
export function madeTree(filters = { hidesImports: false, hidesMachinery: true }): StackTree {
  return { root: node('all', 0, node('main', 0, node('a', 0, node('b', 0, node('c', 600))), node('d', 400))), filters };
}
