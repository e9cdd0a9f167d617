/**
 * How much memory an object keeps: itself and everything that would be gone with it, as V8's tools say it. References of
 * JavaScript lead everywhere, from every object to its class and from there to all others: the sum of what an object
 * leads to says nothing.
 */
import type { DeepSize } from '../deep-size.ts';
import type { HeapGraph } from '../graph.ts';
import { type Dominators, dominators } from './dominators.ts';

const ROOT = 0;

export class RetainedSizer {
  /** Nothing is kept by two. */
  readonly duplicates = 0;
  private readonly graph: HeapGraph;
  private readonly dominators: Dominators;
  private readonly sizes: Float64Array;
  private readonly counts: Uint32Array;
  private readonly depths: Uint32Array;
  /** 1 if it was asked for. */
  private readonly asked: Uint8Array;
  /** What each dominates immediately: of object i from first[i] up to first[i + 1]. */
  private readonly parts: { first: Uint32Array; objects: Uint32Array };

  constructor(graph: HeapGraph) {
    this.graph = graph;
    this.dominators = dominators(graph.heap, graph.backward(), ROOT);
    const { of, order } = this.dominators;
    this.sizes = Float64Array.from(graph.heap.sizes);
    this.counts = new Uint32Array(graph.count).fill(1);
    this.depths = new Uint32Array(graph.count);
    this.asked = new Uint8Array(graph.count);
    for (let i = order.length - 1; i > 0; i--) {
      const object = order[i]!;
      const above = of[object]!;
      this.sizes[above]! += this.sizes[object]!;
      this.counts[above]! += this.counts[object]!;
      this.depths[above] = Math.max(this.depths[above]!, this.depths[object]! + 1);
    }
    this.parts = partsOf(this.dominators, graph.count);
  }

  size(object: number, detail: number): DeepSize {
    this.asked[object] = 1;
    return this.measure(object, detail);
  }

  /** Whether an object is in a size that was asked for up to now. */
  counted(): (object: number) => boolean {
    const { of, order } = this.dominators;
    const marks = this.asked.slice();
    for (const object of order) if (marks[of[object]!] === 1) marks[object] = 1;
    return (object) => marks[object] === 1;
  }

  private measure(object: number, detail: number): DeepSize {
    const { first, objects } = this.parts;
    const parts = detail === 0 ? [] : Array.from(objects.subarray(first[object], first[object + 1]));
    parts.sort((a, b) => this.sizes[b]! - this.sizes[a]!);
    return {
      object,
      flat: this.graph.heap.sizes[object]!,
      deep: this.sizes[object]!,
      count: this.counts[object]!,
      depth: this.depths[object]!,
      parts: parts.map((part) => this.measure(part, detail - 1)),
    };
  }
}

function partsOf({ of, order }: Dominators, count: number): { first: Uint32Array; objects: Uint32Array } {
  const first = new Uint32Array(count + 1);
  for (let i = 1; i < order.length; i++) first[of[order[i]!]! + 1]!++;
  for (let i = 0; i < count; i++) first[i + 1]! += first[i]!;
  const next = first.slice();
  const objects = new Uint32Array(Math.max(0, order.length - 1));
  for (let i = 1; i < order.length; i++) objects[next[of[order[i]!]!]!++] = order[i]!;
  return { first, objects };
}
