/** Columns of a page, decoded. Runs in the page and, for tests, in Node. */
/// <reference lib="dom" />
import type { Column, ColumnName, FlamegraphData } from './format.ts';

export type Columns = Record<Exclude<ColumnName, 'texts'>, Uint8Array | Uint32Array | Float64Array> & {
  texts: string[];
};

export async function decodeColumns(data: FlamegraphData): Promise<Columns> {
  const entries = Object.entries(data.columns).map(async ([name, column]) => [name, await decode(column)] as const);
  return Object.fromEntries(await Promise.all(entries)) as unknown as Columns;
}

async function decode(column: Column): Promise<string[] | Uint8Array | Uint32Array | Float64Array> {
  const bytes = Uint8Array.from(atob(column.data), (character) => character.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const buffer = await new Response(inflated).arrayBuffer();
  switch (column.type) {
    case 'u8':
      return new Uint8Array(buffer);
    case 'u32':
      return new Uint32Array(buffer);
    case 'f64':
      return new Float64Array(buffer);
    case 'text':
      return JSON.parse(new TextDecoder().decode(buffer)) as string[];
  }
}
