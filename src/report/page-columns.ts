/** Columns as pages carry them; read again by `page/decode.ts`. */
import { deflateRawSync } from 'node:zlib';
import { printable } from '../util/format.ts';
import type { TreeFrame } from './flamegraph-tree.ts';
import type { FlatTree } from './number-tree.ts';
import { type Column, type FrameColumnName, KINDS } from './page/format.ts';

export const u8 = (values: ArrayLike<number>): Column => column('u8', Uint8Array.from(values));
export const f64 = (values: ArrayLike<number>): Column => column('f64', Float64Array.from(values));

/** Whole numbers from 0 to below 2^32, as narrow as they can be: pages inflate so many bytes, and need not decode them. */
export function natural(values: ArrayLike<number>): Column {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]!);
  if (largest < 2 ** 8) return u8(values);
  return largest < 2 ** 16 ? column('u16', Uint16Array.from(values)) : column('u32', Uint32Array.from(values));
}

/** Whole numbers of any size and sign, most of them small. */
export const int = (values: Iterable<number>): Column => column('int', varints(values));

/** The same where none is negative nor large, as a rule: a page need not decode them then. */
export function small(values: ArrayLike<number> & Iterable<number>): Column {
  for (let i = 0; i < values.length; i++) if (values[i]! < 0 || values[i]! > 255) return int(values);
  return u8(values);
}

/** Whole numbers that are close to the one before. */
export function delta(values: Iterable<number>): Column {
  let before = 0;
  const differences = function* () {
    for (const value of values) {
      yield value - before;
      before = value;
    }
  };
  return column('delta', varints(differences()));
}

/** Distinct texts by the order in which they are asked for; the first is empty. */
class Texts {
  readonly #texts: string[] = [''];
  readonly #indices = new Map([['', 0]]);

  index(raw: string): number {
    const text = printable(raw);
    let index = this.#indices.get(text);
    if (index === undefined) {
      index = this.#texts.push(text) - 1;
      this.#indices.set(text, index);
    }
    return index;
  }

  column(): Column {
    return column('text', Buffer.from(JSON.stringify(this.#texts)));
  }
}

/** Frames and nodes of a tree. `sourceOf`: the line of source that a page shows of a frame. */
export function treeColumns(
  { frames, depths, frameOf }: FlatTree<TreeFrame>,
  sourceOf?: (frame: TreeFrame) => string,
): Record<FrameColumnName, Column> & { frame_source?: Column } {
  const texts = new Texts();
  const text = (raw: string) => texts.index(raw);
  return {
    frame_function: natural(frames.map((frame) => text(frame.function))),
    frame_file: natural(frames.map((frame) => text(frame.file))),
    frame_line: natural(frames.map((frame) => frame.line)),
    frame_module: natural(frames.map((frame) => text(frame.module))),
    frame_kind: u8(frames.map((frame) => KINDS.indexOf(frame.kind))),
    frame_inlined: u8(frames.map((frame) => Number(frame.inlined))),
    node_depth: natural(depths),
    node_frame: natural(frameOf),
    ...(sourceOf ? { frame_source: natural(frames.map((frame) => text(sourceOf(frame)))) } : {}),
    texts: texts.column(),
  };
}

function column(type: Column['type'], array: Uint8Array | Uint16Array | Uint32Array | Float64Array): Column {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return { type, data: deflateRawSync(bytes).toString('base64') };
}

/** LEB128 of zigzag numbers: -1, 1, -2 are 1, 2, 3. No shifts: sizes have up to 53 bits. */
function varints(values: Iterable<number>): Uint8Array {
  let bytes = new Uint8Array(1 << 16);
  let length = 0;
  for (const value of values) {
    if (length + 10 > bytes.length) {
      const longer = new Uint8Array(bytes.length * 2);
      longer.set(bytes);
      bytes = longer;
    }
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[length++] = (rest % 128) | 128;
    bytes[length++] = rest;
  }
  return bytes.subarray(0, length);
}
