/**
 * Most code allocates blocks of one size. Where only the difference from what is expected is kept, most numbers are 0:
 *
 *     entry  blocks  bytes    expected   kept
 *     7      2       64       0          64
 *     7      5       160      5 × 32     0
 *     7      1       33       1 × 32     1
 */
import type { Numbers } from './decode.ts';

export class Sizes {
  /** Bytes of a block, by entry. */
  readonly #sizes: Float64Array;

  constructor(entries: number) {
    this.#sizes = new Float64Array(entries);
  }

  expected(entry: number, blocks: number): number {
    return Math.round(this.#sizes[entry]! * blocks);
  }

  /** To be told of what was allocated. */
  learn(entry: number, blocks: number, bytes: number): void {
    if (blocks !== 0) this.#sizes[entry] = bytes / blocks;
  }
}

export interface ByteColumns {
  allocated_entry: Numbers;
  allocated_count: Numbers;
  allocated_bytes: Numbers;
  brief_count: Numbers;
  brief_bytes: Numbers;
  ungained_count: Numbers;
  ungained_bytes: Numbers;
  freed_entry: Numbers;
  freed_count: Numbers;
  freed_bytes: Numbers;
}

/** Makes bytes of differences, or with `sign` -1 differences of bytes, in place. */
export function convert(columns: ByteColumns, entries: number, sign: 1 | -1): void {
  const sizes = new Sizes(entries);
  const { allocated_entry, allocated_count, allocated_bytes, freed_entry, freed_count, freed_bytes } = columns;
  const { brief_count, brief_bytes, ungained_count, ungained_bytes } = columns;
  for (let i = 0; i < allocated_entry.length; i++) {
    // No lists that are taken apart at once: this runs once for many rows, before it is compiled well.
    const entry = allocated_entry[i]!;
    const blocks = allocated_count[i]!;
    const expected = sizes.expected(entry, blocks);
    const bytes = allocated_bytes[i]! + (sign === 1 ? expected : 0);
    allocated_bytes[i]! += sign * expected;
    sizes.learn(entry, blocks, bytes);
    if (brief_count[i] !== 0) brief_bytes[i]! += sign * sizes.expected(entry, brief_count[i]!);
    if (ungained_count[i] !== 0) ungained_bytes[i]! += sign * sizes.expected(entry, ungained_count[i]!);
  }
  for (let i = 0; i < freed_entry.length; i++) {
    freed_bytes[i]! += sign * sizes.expected(freed_entry[i]!, freed_count[i]!);
  }
}
