/**
 * Which line allocated an object: the live blocks of a capture, joined by address. An object does not begin where its block
 * does: the garbage collector's header, and from 3.11 on the pointers to __dict__ and weak references, are in front, and so
 * is what PYTHONMALLOC=debug keeps of a block.
 *
 *     block 0x7f10          0x7f20              0x7f30
 *           │ dict, weakrefs │ collector's links │ object …
 */
import type { HeapColumns } from '../model/heap.ts';
import { remembered } from '../util/remembered.ts';

/** A live block, and the stack that allocated it. */
export interface AllocatedBlock {
  address: number;
  bytes: number;
  /** Index of a stack; null: it is not known. */
  stack: number | null;
}

export interface ObjectSites {
  /** Index in `lines`, by object. */
  siteOf: Uint32Array;
  /** `app.py:12 (load)`; each once. */
  lines: string[];
  /** Index of the stack of an object; null: none is known. */
  stackOf(object: number): number | null;
}

/** Of an object in front of which everything is. */
const MAX_HEADER_BYTES = 48;
const HEADER_UNIT = 16;
const LEAST_OBJECT_BYTES = 16;
const NO_BLOCK = 0xffffffff;

export interface LineNames {
  lineOf(stack: number | null): string;
  /** Of an object whose block is not among them. */
  withoutBlock(address: number): string;
}

export function objectSites(
  heap: HeapColumns,
  blocks: readonly AllocatedBlock[],
  { lineOf, withoutBlock }: LineNames,
): ObjectSites {
  const blockOf = blocksOf(heap, blocks);
  const lines: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (line: string) => {
    const number = numbers.get(line) ?? lines.push(line) - 1;
    numbers.set(line, number);
    return number;
  };
  const ofStack = remembered((stack: number | null) => numberOf(lineOf(stack)));
  const siteOf = blockOf.map((block, i) =>
    block === NO_BLOCK ? numberOf(withoutBlock(heap.addresses[i]!)) : ofStack(blocks[block]!.stack),
  );
  const stackOf = (object: number) => blocks[blockOf[object]!]?.stack ?? null;
  return { siteOf, lines, stackOf };
}

/** The index of each object's block: one that begins no more than its headers before it, and holds it. */
function blocksOf(heap: HeapColumns, blocks: readonly AllocatedBlock[]): Uint32Array {
  const byAddress = new Map<number, number>();
  for (let i = 0; i < blocks.length; i++) byAddress.set(blocks[i]!.address, i);
  const found = new Uint32Array(heap.addresses.length).fill(NO_BLOCK);
  for (let i = 0; i < found.length; i++) {
    for (let header = 0; header <= MAX_HEADER_BYTES; header += HEADER_UNIT) {
      const block = byAddress.get(heap.addresses[i]! - header);
      if (block === undefined) continue;
      if (blocks[block]!.bytes >= header + LEAST_OBJECT_BYTES) found[i] = block;
      break;
    }
  }
  return found;
}
