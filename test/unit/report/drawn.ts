/** What a flame graph page of a capture holds, at its high watermark. */
import { flamegraphPage } from '../../../src/report/flamegraph.ts';
import type { DataOptions } from '../../../src/report/flamegraph-data.ts';
import { type Columns, decodeColumns } from '../../../src/report/page/decode.ts';
import { type FlamegraphData, KINDS } from '../../../src/report/page/format.ts';
import { invertColumns } from '../../../src/report/page/inverted.ts';
import { ownValue } from '../../../src/report/page/own.ts';
import { Tree } from '../../../src/report/page/tree.ts';
import type { Capture } from '../../../src/report/report.ts';
import { HIGH_WATERMARK } from './command.ts';

export interface Drawn {
  data: FlamegraphData;
  columns: Columns;
  tree: Tree;
  /** Bytes by node. */
  peak: Float64Array;
}

export async function draw(capture: Capture, options: Partial<DataOptions>): Promise<Drawn> {
  const assets = { style: '', script: '' };
  const page = flamegraphPage(capture, HIGH_WATERMARK, { by: null, ...options }, assets);
  const data = JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(page!)![1]!) as FlamegraphData;
  const columns = await decodeColumns(data);
  if (data.inverted) invertColumns(columns);
  const tree = new Tree(columns.node_depth as Uint32Array);
  const entries = {
    node: columns.leaf_node as Uint32Array,
    thread: columns.leaf_thread as Uint32Array,
    value: columns.leaf_high_watermark_bytes as Float64Array,
  };
  return { data, columns, tree, peak: tree.totals(entries, () => true) };
}

function nameOf({ columns }: Drawn, node: number): string {
  return columns.texts[columns.frame_function[columns.node_frame[node]!]!]!;
}

/** `function kind bytes` of each node, indented. */
export function drawnLines(drawn: Drawn): string[] {
  const { columns, tree, peak } = drawn;
  return Array.from(peak, (bytes, node) => {
    const kind = KINDS[columns.frame_kind[columns.node_frame[node]!]!]!;
    return `${'  '.repeat(tree.depth[node]!)}${nameOf(drawn, node)} ${kind} ${bytes}`;
  });
}

/** Own bytes by function, nodes added up. */
export function drawnOwn(drawn: Drawn): Map<string, number> {
  const own = new Map<string, number>();
  for (let node = 1; node < drawn.tree.size; node++) {
    const name = nameOf(drawn, node);
    own.set(name, (own.get(name) ?? 0) + ownValue(drawn.columns, drawn.tree, drawn.peak, node));
  }
  return own;
}
