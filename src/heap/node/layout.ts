/**
 * What the head of a heap snapshot says of the lists that follow (v8/src/profiler/heap-snapshot-generator.cc,
 * HeapSnapshotJSONSerializer): how many numbers a node and an edge have, which of them is what, and how types are numbered.
 */
import { damaged } from './json-file.ts';

export interface SnapshotLayout {
  nodeCount: number;
  edgeCount: number;
  /** Numbers per node, and which one is what. */
  nodeFields: number;
  node: { type: number; name: number; id: number; selfSize: number; edgeCount: number };
  /** By number: `object`, `closure`, `string`, … */
  nodeTypes: string[];
  edgeFields: number;
  edge: { type: number; nameOrIndex: number; toNode: number };
  /** By number: `property`, `element`, `weak`, … */
  edgeTypes: string[];
}

const MOST_FIELDS = 32;
const MOST_TYPES = 255;
/** `0,`: as short as a number of a list can be. */
const LEAST_BYTES = 2;

/** @throws UserError if it does not fit, or not in a file of `fileBytes`. */
export function parseLayout(text: string, fileBytes: number): SnapshotLayout {
  const head = parsed(text);
  const meta = recordOf(head.meta, 'meta');
  const nodeFields = namesOf(meta.node_fields, MOST_FIELDS, 'node_fields');
  const edgeFields = namesOf(meta.edge_fields, MOST_FIELDS, 'edge_fields');
  const of = (fields: string[], name: string) => {
    const index = fields.indexOf(name);
    if (index < 0) throw damaged(`no field ${name}`);
    return index;
  };
  const node = {
    type: of(nodeFields, 'type'),
    name: of(nodeFields, 'name'),
    id: of(nodeFields, 'id'),
    selfSize: of(nodeFields, 'self_size'),
    edgeCount: of(nodeFields, 'edge_count'),
  };
  const edge = {
    type: of(edgeFields, 'type'),
    nameOrIndex: of(edgeFields, 'name_or_index'),
    toNode: of(edgeFields, 'to_node'),
  };
  return {
    nodeCount: countOf(head.node_count, 1, nodeFields.length, fileBytes, 'nodes'),
    edgeCount: countOf(head.edge_count, 0, edgeFields.length, fileBytes, 'edges'),
    nodeFields: nodeFields.length,
    node,
    nodeTypes: typesOf(meta.node_types, node.type, 'node_types'),
    edgeFields: edgeFields.length,
    edge,
    edgeTypes: typesOf(meta.edge_types, edge.type, 'edge_types'),
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(text), 'snapshot');
  } catch {
    throw damaged('its head is no JSON');
  }
}

function recordOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw damaged(`no ${name}`);
  return value as Record<string, unknown>;
}

function namesOf(value: unknown, most: number, name: string): string[] {
  if (!Array.isArray(value) || value.length > most || value.some((one) => typeof one !== 'string'))
    throw damaged(`no ${name}`);
  return value as string[];
}

function typesOf(value: unknown, field: number, name: string): string[] {
  return namesOf(Array.isArray(value) ? value[field] : undefined, MOST_TYPES, name);
}

/** More than the file has room for are not there: nothing is allocated for them. */
function countOf(value: unknown, least: number, fields: number, fileBytes: number, name: string): number {
  const most = Math.min(fileBytes / (LEAST_BYTES * fields), 0xffff_fffe);
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw damaged(`no count of ${name}`);
  return value as number;
}
