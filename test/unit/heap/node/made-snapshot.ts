/** Heap snapshots for unit tests: the text of V8's format, and a file with it. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface MadeNode {
  type: string;
  name: string;
  size?: number;
  /** `type:name` or `type:index` of each, and the index of the node that it leads to. */
  edges?: [string, number][];
}

const NODE_TYPES = ['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'native', 'synthetic'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];
const NODE_FIELDS = ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'];
const EDGE_FIELDS = ['type', 'name_or_index', 'to_node'];

/** Of node i the id is 2 * i + 1, as V8's are odd. */
export function idOf(node: number): number {
  return 2 * node + 1;
}

/** `strings`: further ones, before those that are needed. */
export function snapshotText(nodes: MadeNode[], strings: string[] = []): string {
  const table = [...strings];
  const indices = new Map(strings.map((text, i) => [text, i]));
  const indexOf = (text: string) => {
    const index = indices.get(text) ?? table.push(text) - 1;
    indices.set(text, index);
    return index;
  };
  const rows = nodes.map(({ type, name, size, edges }, i) =>
    [NODE_TYPES.indexOf(type), indexOf(name), idOf(i), size ?? 16, edges?.length ?? 0, 0].join(),
  );
  const edges = nodes.flatMap(({ edges }) => edges ?? []);
  const edgeRows = edges.map(([label, to]) => {
    const [, type, name] = /^(\w+):(.*)$/s.exec(label)!;
    const isIndex = type === 'element' || type === 'hidden';
    return [EDGE_TYPES.indexOf(type!), isIndex ? Number(name) : indexOf(name!), to * NODE_FIELDS.length].join();
  });
  const meta = {
    node_fields: NODE_FIELDS,
    node_types: [NODE_TYPES, 'string', 'number', 'number', 'number', 'number'],
    edge_fields: EDGE_FIELDS,
    edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
  };
  const head = JSON.stringify({ meta, node_count: nodes.length, edge_count: edges.length, trace_function_count: 0 });
  return [
    `{"snapshot":${head},\n"nodes":[${rows.join('\n,')}],\n"edges":[${edgeRows.join('\n,')}],\n`,
    `"trace_tree":[],"locations":[[1,"]"]],\n"strings":${JSON.stringify(table)}}\n`,
  ].join('');
}

/** An open file, closed and removed when the test has ended. */
export function fileWith(t: TestContext, text: string | Uint8Array): number {
  const file = openFile(t);
  writeSync(file, text as string);
  return file;
}

/** The same file with another text each time. */
export function rewritable(t: TestContext): (text: string | Uint8Array) => number {
  const file = openFile(t);
  return (text) => {
    ftruncateSync(file, 0);
    writeSync(file, Buffer.from(text as string), 0, null, 0);
    return file;
  };
}

function openFile(t: TestContext): number {
  const folder = mkdtempSync(join(tmpdir(), 'mp-snapshot-'));
  const file = openSync(join(folder, 'made.heapsnapshot'), 'w+');
  t.after(() => {
    closeSync(file);
    rmSync(folder, { recursive: true });
  });
  return file;
}
