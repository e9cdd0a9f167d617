/** How an object's address is written: 0x7f12… of a process, @123 of a heap snapshot. */
import type { HeapColumns } from '../model/heap.ts';

export function addressText(heap: HeapColumns, object: number): string {
  const address = heap.addresses[object]!;
  return heap.isSnapshot ? `@${address}` : `0x${address.toString(16)}`;
}

/** undefined if it is none. */
export function parseAddress(heap: HeapColumns, text: string): number | undefined {
  const isOne = heap.isSnapshot ? /^@?\d+$/.test(text) : /^(0x[0-9a-f]+|\d+)$/i.test(text);
  return isOne ? Number(text.replace('@', '')) : undefined;
}
