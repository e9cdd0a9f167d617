/** A row for each object, the largest first, made when it is asked for: of millions, ten are looked at. */
import { cutEnd } from '../util/format.ts';
import type { HeapGraph } from './graph.ts';
import type { PartitionRow } from './partition.ts';

/** Columns of what an object is: a str can be long. */
const TEXT_COLUMNS = 60;

export class RowsById {
  readonly length: number;
  private readonly graph: HeapGraph;
  private readonly order: Uint32Array;

  constructor(graph: HeapGraph, members: Uint32Array) {
    this.graph = graph;
    this.length = members.length;
    this.order = bySize(members, graph.heap.sizes);
  }

  objects(from: number, to: number): Uint32Array {
    return this.order.slice(from, to);
  }

  slice(from: number, to: number): PartitionRow[] {
    const { heap, names } = this.graph;
    return Array.from(this.objects(from, to), (object) => {
      const address = heap.addresses[object]!;
      const text = cutEnd(names.describe(address), TEXT_COLUMNS);
      const kind = `${this.graph.typeOf(object)}: 0x${address.toString(16)}${text === '' ? '' : ` ${text}`}`;
      return { kind, count: 1, size: heap.sizes[object]! };
    });
  }
}

/** There are few different sizes: counting is quicker than comparing. */
function bySize(members: Uint32Array, sizes: Float64Array): Uint32Array {
  const counts = new Map<number, number>();
  for (const object of members) counts.set(sizes[object]!, (counts.get(sizes[object]!) ?? 0) + 1);
  const next = new Map<number, number>();
  let place = 0;
  for (const size of [...counts.keys()].sort((a, b) => b - a)) {
    next.set(size, place);
    place += counts.get(size)!;
  }
  const order = new Uint32Array(members.length);
  for (const object of members) {
    const at = next.get(sizes[object]!)!;
    order[at] = object;
    next.set(sizes[object]!, at + 1);
  }
  return order;
}
