/**
 * How much memory an object keeps, with all that it leads to, each object counted once. What belongs to the program and
 * not to its data is left out, as pympler does: modules, types, functions, code, frames.
 */
import type { HeapGraph } from './graph.ts';

export interface DeepSize {
  object: number;
  /** Bytes of the object alone. */
  flat: number;
  /** Bytes with all that it leads to and nobody before it did. */
  deep: number;
  /** Objects in `deep`. */
  count: number;
  /** How deep they are nested at most. */
  depth: number;
  /** By reference, the largest first, to the depth that was asked for. */
  parts: DeepSize[];
}

const IGNORED = new Set([
  'module',
  'function',
  'builtin_function_or_method',
  'method',
  'method_descriptor',
  'wrapper_descriptor',
  'getset_descriptor',
  'member_descriptor',
  'code',
  'frame',
]);

export class DeepSizer {
  private readonly graph: HeapGraph;
  private readonly limit: number;
  private readonly isIgnored: boolean[];
  private readonly seen: Uint8Array;
  /** Objects that were reached again. */
  duplicates = 0;

  /** `limit`: how many references are followed from one object to the next at most. */
  constructor(graph: HeapGraph, limit: number) {
    this.graph = graph;
    this.limit = limit;
    const types = new Set(graph.heap.types.map(({ address }) => address));
    this.isIgnored = Array.from({ length: graph.heap.types.length }, (_, i) => IGNORED.has(graph.typeNames[i]!));
    this.seen = new Uint8Array(graph.count);
    // a type is known by its address, whatever its metaclass is
    for (let i = 0; i < graph.count; i++) if (types.has(graph.heap.addresses[i]!)) this.seen[i] = IS_TYPE;
  }

  /** Its parts are measured one by one down to `detail`: what two share counts for the first. */
  size(object: number, detail: number): DeepSize {
    this.seen[object] = SEEN;
    return this.measure(object, detail, 0);
  }

  /** Whether an object is in a size that was asked for up to now. */
  counted(): (object: number) => boolean {
    return (object) => this.seen[object] === SEEN;
  }

  private measure(object: number, detail: number, depth: number): DeepSize {
    const flat = this.graph.heap.sizes[object]!;
    if (detail === 0) return { object, flat, ...this.sumFrom(object, depth), parts: [] };
    const parts = this.claim(object).map((part) => this.measure(part, depth < this.limit ? detail - 1 : 0, depth + 1));
    parts.sort((a, b) => b.deep - a.deep);
    const sum = (of: (part: DeepSize) => number, start: number) => parts.reduce((all, part) => all + of(part), start);
    return {
      object,
      flat,
      deep: sum((part) => part.deep, flat),
      count: sum((part) => part.count, 1),
      depth: parts.reduce((most, part) => Math.max(most, part.depth + 1), 0),
      parts,
    };
  }

  private sumFrom(object: number, start: number): { deep: number; count: number; depth: number } {
    let [deep, count, depth] = [0, 0, 0];
    for (let level = [object]; level.length > 0; depth++) {
      const next: number[] = [];
      for (const at of level) {
        deep += this.graph.heap.sizes[at]!;
        count++;
        if (start + depth < this.limit) for (const part of this.claim(at)) next.push(part);
      }
      level = next;
    }
    return { deep, count, depth: depth - 1 };
  }

  /** What it leads to that nobody else did before. */
  private claim(object: number): number[] {
    const { heap } = this.graph;
    const parts: number[] = [];
    for (let edge = heap.firstTarget[object]!; edge < heap.firstTarget[object + 1]!; edge++) {
      const target = heap.targets[edge]!;
      if (this.seen[target] === SEEN) this.duplicates++;
      if (this.seen[target] !== 0 || this.isIgnored[heap.typeOf[target]!]) continue;
      this.seen[target] = SEEN;
      parts.push(target);
    }
    return parts;
  }
}

const SEEN = 1;
const IS_TYPE = 2;
