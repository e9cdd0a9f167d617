/**
 * Live blocks as bytes, little-endian, column after column: written at once, where rows would hold up the recorder.
 *
 *     addresses  f64 × n  │  bytes  f64 × n  │  processes  u32 × n  │  sites (0: not known)  u32 × n
 */
import type { BlockColumns } from '../model/blocks.ts';
import { StoreError } from '../util/errors.ts';

const BLOCK_BYTES = 24;
const BLOCKS_PER_PART = 2 ** 20;

export interface PackedBlock {
  process_id: number;
  address: number;
  bytes: number;
  /** Null: not known. */
  site_id: number | null;
}

/** `processes` and `sites` are rows of the capture. */
export function* packBlocks(blocks: BlockColumns): Generator<Uint8Array> {
  for (let from = 0; from < blocks.count; from += BLOCKS_PER_PART) {
    const count = Math.min(BLOCKS_PER_PART, blocks.count - from);
    const { addresses, bytes, processes, sites, data } = columnsIn(new Uint8Array(count * BLOCK_BYTES));
    for (let i = 0; i < count; i++) {
      addresses[i] = blocks.addresses[from + i]!;
      bytes[i] = blocks.bytes[from + i]!;
      processes[i] = blocks.processes[from + i]!;
      sites[i] = blocks.sites[from + i]!;
    }
    yield data;
  }
}

/** @throws StoreError unless it is a whole number of blocks. */
export function* unpackBlocks(part: Uint8Array): Generator<PackedBlock> {
  if (part.length % BLOCK_BYTES !== 0) throw new StoreError('blocks of a snapshot are damaged', 'SQLITE_CORRUPT');
  // numbers are read from addresses that fit them
  const { addresses, bytes, processes, sites } = columnsIn(Uint8Array.from(part));
  for (let i = 0; i < addresses.length; i++) {
    yield { process_id: processes[i]!, address: addresses[i]!, bytes: bytes[i]!, site_id: sites[i]! || null };
  }
}

function columnsIn(data: Uint8Array) {
  const count = data.length / BLOCK_BYTES;
  return {
    data,
    addresses: new Float64Array(data.buffer, 0, count),
    bytes: new Float64Array(data.buffer, 8 * count, count),
    processes: new Uint32Array(data.buffer, 16 * count, count),
    sites: new Uint32Array(data.buffer, 20 * count, count),
  };
}
