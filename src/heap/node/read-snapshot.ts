/**
 * Reads a heap snapshot of V8 as columns. A file like this one, of which the strings stay on disk:
 *
 *     {"snapshot":{"meta":{"node_fields":["type","name","id",…],…},"node_count":2,"edge_count":1,…},
 *     "nodes":[9,1,1,0,1,0,0, 3,2,3,24,0,0,0],     as many numbers per node as there are node_fields
 *     "edges":[2,3,7],                             all edges of the first node, of the second …; 7: where a node begins
 *     "trace_function_infos":[],…,"strings":["<dummy>","","Session","session"]}
 *
 * In the columns types are constructors, addresses ids of nodes, tracked those objects that JavaScript sees as objects,
 * and reference counts how many references there are in the snapshot. Weak references keep nothing and are left out.
 */
import { fstatSync } from 'node:fs';
import { HEAP_NONE, HEAP_TRACKED, type HeapColumns, type HeapNames } from '../../model/heap.ts';
import { constructors, VISIBLE } from './constructors.ts';
import { ofTables } from './ephemerons.ts';
import { damaged, JsonFile } from './json-file.ts';
import { parseLayout, type SnapshotLayout } from './layout.ts';
import { SnapshotNames } from './names.ts';
import { StringTable } from './string-table.ts';

/** The nodes and edges as they are in the file. */
export interface SnapshotLists {
  layout: SnapshotLayout;
  strings: StringTable;
  nodeTypes: Uint8Array;
  nodeNames: Uint32Array;
  ids: Float64Array;
  sizes: Float64Array;
  /** Of node i: from firstEdge[i] up to firstEdge[i + 1]. */
  firstEdge: Uint32Array;
  edgeTypes: Uint8Array;
  /** A name, or an index. */
  edgeNames: Uint32Array;
  targets: Uint32Array;
}

const HEAD_LIMIT = 1 << 16;

/** `target`: whose it is. @throws UserError if the file is damaged. It must stay open for as long as names are asked for. */
export function readSnapshot(file: number, target: string): { heap: HeapColumns; names: HeapNames } {
  const lists = readLists(file);
  keepStrong(lists);
  const { kinds, names } = constructors(lists);
  const count = lists.ids.length;
  const referenceCounts = new Uint32Array(count);
  for (const target of lists.targets) referenceCounts[target]!++;
  const isVisible = lists.layout.nodeTypes.map((type) => VISIBLE.includes(type));
  const heap: HeapColumns = {
    isSnapshot: true,
    types: names.map((name) => ({ address: Number.NaN, module: '', name, isKnown: true, isTracked: true })),
    addresses: lists.ids,
    sizes: lists.sizes,
    typeOf: kinds,
    referenceCounts,
    flags: Uint8Array.from(lists.nodeTypes, (type) => (isVisible[type] ? HEAP_TRACKED : 0)),
    owners: new Uint32Array(count).fill(HEAP_NONE),
    firstTarget: lists.firstEdge,
    targets: lists.targets,
    problems: { links: 0, objects: 0, contents: 0, pools: 0, limits: 0 },
    hasPymalloc: true,
    arenas: 0,
    blocks: 0,
    minor: 0,
    unknownObjects: 0,
    unknownTypes: 0,
    target,
    missingBytes: 0,
  };
  return { heap, names: new SnapshotNames(lists) };
}

function readLists(file: number): SnapshotLists {
  const json = new JsonFile(file);
  let lists: SnapshotLists | null = null;
  const seen = new Set<string>();
  json.members((name) => {
    if (['snapshot', 'nodes', 'edges', 'strings'].includes(name)) {
      if (seen.has(name)) throw damaged(`${name} twice`);
      seen.add(name);
    }
    if (name === 'snapshot') {
      lists = emptyLists(parseLayout(json.text(HEAD_LIMIT), fstatSync(file).size), file);
      return;
    }
    if (lists === null) throw damaged('it does not begin with its head');
    if (name === 'nodes') readNodes(json, lists);
    else if (name === 'edges') readEdges(json, lists, seen.has('nodes'));
    else if (name === 'strings') lists.strings.read(json);
    else json.skip();
  });
  if (lists === null || seen.size < 4) throw damaged('a part of it is missing');
  return lists;
}

function emptyLists(layout: SnapshotLayout, file: number): SnapshotLists {
  const { nodeCount, edgeCount } = layout;
  return {
    layout,
    strings: new StringTable(file),
    nodeTypes: new Uint8Array(nodeCount),
    nodeNames: new Uint32Array(nodeCount),
    ids: new Float64Array(nodeCount),
    sizes: new Float64Array(nodeCount),
    firstEdge: new Uint32Array(nodeCount + 1),
    edgeTypes: new Uint8Array(edgeCount),
    edgeNames: new Uint32Array(edgeCount),
    targets: new Uint32Array(edgeCount),
  };
}

function readNodes(json: JsonFile, lists: SnapshotLists): void {
  const { node, nodeFields, nodeCount, nodeTypes, edgeCount } = lists.layout;
  let at = 0;
  let field = 0;
  let edges = 0;
  json.numbers((value) => {
    if (at === nodeCount) throw damaged('more nodes than it says');
    if (field === node.type) lists.nodeTypes[at] = checked(value, nodeTypes.length, 'type of a node');
    else if (field === node.name) lists.nodeNames[at] = checked(value, HEAP_NONE, 'name of a node');
    else if (field === node.id) lists.ids[at] = value;
    else if (field === node.selfSize) lists.sizes[at] = value;
    else if (field === node.edgeCount) edges = checked(edges + value, edgeCount + 1, 'number of edges');
    if (++field < nodeFields) return;
    field = 0;
    lists.firstEdge[++at] = edges;
  });
  if (at !== nodeCount || field !== 0 || edges !== edgeCount) throw damaged('fewer nodes than it says');
}

function readEdges(json: JsonFile, lists: SnapshotLists, hasNodes: boolean): void {
  if (!hasNodes) throw damaged('edges before nodes');
  const { edge, edgeFields, edgeCount, edgeTypes, nodeCount, nodeFields } = lists.layout;
  let at = 0;
  let field = 0;
  json.numbers((value) => {
    if (at === edgeCount) throw damaged('more edges than it says');
    if (field === edge.type) lists.edgeTypes[at] = checked(value, edgeTypes.length, 'type of an edge');
    else if (field === edge.nameOrIndex) lists.edgeNames[at] = checked(value, HEAP_NONE, 'name of an edge');
    else if (field === edge.toNode) lists.targets[at] = checked(value / nodeFields, nodeCount, 'end of an edge');
    if (++field < edgeFields) return;
    field = 0;
    at++;
  });
  if (at !== edgeCount || field !== 0) throw damaged('fewer edges than it says');
}

function checked(value: number, end: number, what: string): number {
  if (value >= end || !Number.isInteger(value)) throw damaged(`no ${what} is ${value}`);
  return value;
}

/** Takes out what keeps nothing: weak references, and those of a WeakMap's table to its values, which the keys keep. */
function keepStrong(lists: SnapshotLists): void {
  const { firstEdge, edgeTypes, edgeNames, targets, layout } = lists;
  const weak = layout.edgeTypes.indexOf('weak');
  const isOfTable = ofTables(lists);
  let kept = 0;
  let edge = 0;
  for (let node = 0; node < layout.nodeCount; node++) {
    const end = firstEdge[node + 1]!;
    firstEdge[node] = kept;
    for (; edge < end; edge++) {
      if (edgeTypes[edge] === weak || isOfTable(node, edge)) continue;
      edgeTypes[kept] = edgeTypes[edge]!;
      edgeNames[kept] = edgeNames[edge]!;
      targets[kept++] = targets[edge]!;
    }
  }
  firstEdge[layout.nodeCount] = kept;
  lists.edgeTypes = edgeTypes.subarray(0, kept);
  lists.edgeNames = edgeNames.subarray(0, kept);
  lists.targets = targets.subarray(0, kept);
}
