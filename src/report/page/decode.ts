/** Columns of a page, decoded. Runs in the page and, for tests, in Node. */
/// <reference lib="dom" />
import type { DiffColumnName, FrameColumnName } from './diff-format.ts';
import type { Column, ColumnName } from './format.ts';

export type Numbers = Uint8Array | Uint32Array | Float64Array;

type Decoded<Name extends string> = Record<Exclude<Name, 'texts'>, Numbers> & { texts: string[] };

export type Columns = Decoded<ColumnName>;
/** What every page with a graph has. */
export type FrameColumns = Decoded<FrameColumnName>;
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
  const inflated = new Blob([bytesOf(column.data)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const buffer = await new Response(inflated).arrayBuffer();
  switch (column.type) {
    case 'u8':
      return new Uint8Array(buffer);
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

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** See `page-columns.ts`. `kept` is 1 if a number is to be added to the one before it. */
function integers(bytes: Uint8Array, kept: 0 | 1): Float64Array {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) count += bytes[at]! < 128 ? 1 : 0;
  const values = new Float64Array(count);
  let before = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    // Shifts as long as they can: most numbers have few bytes, and 31 bits are fast.
    let zigzag = 0;
    let shift = 0;
    for (; bytes[at]! >= 128 && shift < 21; shift += 7) zigzag |= (bytes[at++]! & 127) << shift;
    if (bytes[at]! < 128) zigzag |= bytes[at++]! << shift;
    else zigzag += longRest(bytes, at, 2 ** shift);
    while (bytes[at - 1]! >= 128) at++;
    const value = zigzag < 2 ** 31 ? (zigzag >>> 1) ^ -(zigzag & 1) : zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    before = kept === 1 ? before + value : value;
    values[i] = before;
  }
  return values;
}

function longRest(bytes: Uint8Array, from: number, scale: number): number {
  let sum = 0;
  for (let at = from, unit = scale; ; at++, unit *= 128) {
    sum += (bytes[at]! & 127) * unit;
    if (bytes[at]! < 128) return sum;
  }
}
