/**
 * Objects of a heap as they are remembered, to tell later which are new: by address and by type, for what has gone makes way
 * for others. As a file a line of JSON, then the columns in the byte order of this machine:
 *
 *     {"format":1,"count":2,"types":["list","app.Item"]}\n   address, address (8 bytes each)   type, type (4 bytes each)
 */
import type { HeapColumns } from '../model/heap.ts';
import { typeNames } from './kinds.ts';

export interface Mark {
  addresses: Float64Array;
  /** Indices in `types`. */
  typeOf: Uint32Array;
  types: string[];
}

/** The objects of a heap, or only those that `selected` says. */
export function markOf(heap: HeapColumns, selected: (object: number) => boolean = () => true): Mark {
  const objects = Uint32Array.from(heap.addresses, (_, i) => i).filter(selected);
  return {
    addresses: Float64Array.from(objects, (i) => heap.addresses[i]!),
    typeOf: Uint32Array.from(objects, (i) => heap.typeOf[i]!),
    types: typeNames(heap),
  };
}

/** Whether an object of `heap` is in the set: one of the same type was at its address. */
export function membership(set: Mark, heap: HeapColumns): (object: number) => boolean {
  const names = typeNames(heap);
  const typeAt = new Map<number, string>();
  for (let i = 0; i < set.addresses.length; i++) typeAt.set(set.addresses[i]!, set.types[set.typeOf[i]!]!);
  return (object) => typeAt.get(heap.addresses[object]!) === names[heap.typeOf[object]!];
}

export function encodeMark({ addresses, typeOf, types }: Mark): Uint8Array {
  const head = `${JSON.stringify({ format: 1, count: addresses.length, types })}\n`;
  return Buffer.concat([Buffer.from(head), bytesOf(addresses), bytesOf(typeOf)]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** null if the bytes are none. */
export function decodeMark(bytes: Uint8Array): Mark | null {
  const end = bytes.indexOf(0x0a);
  const head = end < 0 ? null : headOf(Buffer.from(bytes.subarray(0, end)).toString());
  if (head === null || bytes.length !== end + 1 + head.count * 12) return null;
  // a copy: the columns must begin at a multiple of their width
  const columns = new Uint8Array(bytes.subarray(end + 1)).buffer;
  const addresses = new Float64Array(columns, 0, head.count);
  const typeOf = new Uint32Array(columns, head.count * 8, head.count);
  return typeOf.every((type) => type < head.types.length) ? { addresses, typeOf, types: head.types } : null;
}

function headOf(text: string): { count: number; types: string[] } | null {
  try {
    const { format, count, types } = JSON.parse(text) as { format: unknown; count: unknown; types: unknown };
    const isHead = format === 1 && Number.isSafeInteger(count) && (count as number) >= 0 && Array.isArray(types);
    return isHead && types.every((type) => typeof type === 'string') ? { count: count as number, types } : null;
  } catch {
    return null;
  }
}
