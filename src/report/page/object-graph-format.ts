/** What is in the page of objects and their references. */
export interface ObjectGraphData {
  format: 1;
  /** Whose they are: `process 12`. */
  target: string;
  title: string;
  /** Of the walk from the first node: to what it refers to, or to what refers to it. */
  direction: 'refs' | 'backrefs';
  /** The first is what was asked for; a node stands behind one that is nearer to it. */
  nodes: ObjectNode[];
  /** In the direction of the walk: `from` is the node that was reached first. */
  edges: [from: number, to: number, label: string][];
}

export interface ObjectNode {
  address: string;
  type: string;
  /** A short text of what it is; may be empty. */
  value: string;
  /** Bytes. */
  size: number;
  /** Its reference count. */
  references: number;
  /** References from the first node. */
  depth: number;
  /** References that are left out. */
  left: number;
  /** The line that allocated it; empty: not asked for. */
  site: string;
  /** The stack that did, innermost first. */
  stack: string[];
}
