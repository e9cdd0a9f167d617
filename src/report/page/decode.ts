/** Columns of a page, decoded. Runs in the page and, for tests, in Node. */
/// <reference lib="dom" />
import type { DiffColumnName } from './diff-format.ts';
import type { BranchColumnName, Column, ColumnName, FrameColumnName } from './format.ts';

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

type Decoded<Name extends string> = Record<Exclude<Name, 'texts'>, Numbers> & { texts: string[] };

/** Index of the text of a frame's line of source; only in pages that may show it. */
type SourceColumn = { frame_source?: Numbers };

export type Columns = Decoded<ColumnName> & SourceColumn & Partial<Record<BranchColumnName, Numbers>>;
/** What every page with a graph has. */
export type FrameColumns = Decoded<FrameColumnName> & SourceColumn;
export type DiffColumns = Decoded<DiffColumnName>;

export async function decodeColumns<Result = Columns>({
  columns,
}: {
  columns: Record<string, Column>;
}): Promise<Result> {
  const entries = Object.entries(columns).map(async ([name, column]) => [name, await decode(column)] as const);
  return Object.fromEntries(await Promise.all(entries)) as unknown as Result;
}

async function decode(column: Column): Promise<string[] | Numbers> {
  const buffer = await inflated(bytesOf(column.data));
  switch (column.type) {
    case 'u8':
      return new Uint8Array(buffer);
    case 'u16':
      return new Uint16Array(buffer);
    case 'u32':
      return new Uint32Array(buffer);
    case 'f64':
      return new Float64Array(buffer);
    case 'int':
      return integers(new Uint8Array(buffer), 0);
    case 'delta':
      return integers(new Uint8Array(buffer), 1);
    case 'text':
      return JSON.parse(new TextDecoder().decode(buffer)) as string[];
  }
}

/** Not by way of a Blob, whose content is another process's, nor of a Response: there are many columns to wait for. */
async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = readable.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
  }
  await written;
  const result = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result.buffer;
}

/** Newer browsers do it many times as fast. */
const { fromBase64 } = Uint8Array as { fromBase64?: (base64: string) => Uint8Array<ArrayBuffer> };

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  if (fromBase64 !== undefined) return fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** See `page-columns.ts`. `kept` is 1 if a number is to be added to the one before it. */
function integers(bytes: Uint8Array, kept: 0 | 1): Float64Array {
  const values = new Float64Array(bytes.length);
  let count = 0;
  let before = 0;
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]!;
    let value = (first >>> 1) ^ -(first & 1);
    if (first >= 128) {
      const second = bytes[at++]!;
      if (second < 128) {
        const zigzag = first - 128 + second * 128;
        value = (zigzag >>> 1) ^ -(zigzag & 1);
      } else {
        const zigzag = first - 128 + (second - 128) * 128 + longRest(bytes, at, 128 ** 2);
        value = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
        while (bytes[at++]! >= 128);
      }
    }
    before = kept === 1 ? before + value : value;
    values[count++] = before;
  }
  return values.subarray(0, count);
}

function longRest(bytes: Uint8Array, from: number, scale: number): number {
  let sum = 0;
  for (let at = from, unit = scale; ; at++, unit *= 128) {
    sum += (bytes[at]! & 127) * unit;
    if (bytes[at]! < 128) return sum;
  }
}
