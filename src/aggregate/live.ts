/**
 * The live blocks of one process: address -> (size, site, sequence number of the allocating thread, interval of birth).
 *
 * Open addressing over interleaved 32-bit words, 24 bytes an entry:
 *
 *     word 0  address, low half
 *     word 1  address, bits 32-47  |  size, bits 32-47, in the upper half
 *     word 2  size, low half
 *     word 3  site + 1; 0: free place
 *     word 4  how many allocations the thread had made, modulo 2^32
 *     word 5  tick at which the interval began that it was allocated in, see intervals.ts
 *
 * Example, a shard of 8 places; A and B have home 2, C has home 3:
 *
 *     put A, put B, put C     . . A B C . . .      B and C moved one place on
 *     take A                  . . B C . . . .      what follows moves back towards its home: no tombstones, so a table
 *                                                  never gets slower by being used
 *
 * A table larger than a few thousand blocks is split into 256 shards by the top bits of the hash, which grow on their
 * own: at ten million blocks one big table would pause for a second to grow, a shard for 16 ms. At most 4/5 of the places
 * are taken and growing doubles: 30 to 60 bytes a block. A JavaScript Map is six times slower and keeps 100 to 145 bytes.
 *
 * One table per process, rather than the process in the key: the end of a process drops its table without a search, and
 * a fork can look at the parent's blocks alone.
 *
 * Words are signed: V8 passes 32-bit integers from function to function as they are, but allocates an object for every
 * number above 2^31, and half of all low halves are. So `low` of an address must be given as `low | 0`.
 *
 * Addresses have 47 bits on x86-64 unless mmap is asked for more; such mappings are in ranges.ts, not here.
 */

const ENTRY_WORDS = 6;
const SITE_WORD = 3;
const INITIAL_BITS = 6;
const SPLIT_BITS = 12;
const SHARD_BITS = 8;
const MAX_LOAD = 0.8;

/** Sizes above are counted as this. No allocator of a 47-bit address space can give more. */
export const MAX_BLOCK_BYTES = 2 ** 48 - 1;

/** Of a signed or unsigned low half. */
function hash(low: number, high: number): number {
  return Math.imul((low >>> 4) ^ Math.imul(high, 0x85ebca6b) ^ (low << 28), 0x9e3779b1);
}

function bytesOf(table: Int32Array, entry: number): number {
  return (table[entry + 2]! >>> 0) + (table[entry + 1]! >>> 16) * 2 ** 32;
}

export type BlockVisitor = (address: number, bytes: number, site: number, birth: number) => void;

class Shard {
  table: Int32Array;
  used = 0;
  mask = 0;
  shift = 0;
  /** Bits of the hash that chose this shard, above those that choose the place. */
  readonly skipBits: number;
  #limit = 0;

  constructor(bits: number, skipBits: number) {
    this.skipBits = skipBits;
    this.table = this.#reset(bits);
  }

  #reset(bits: number): Int32Array {
    this.mask = 2 ** bits - 1;
    this.shift = 32 - bits;
    this.#limit = Math.floor(2 ** bits * MAX_LOAD);
    return new Int32Array(2 ** bits * ENTRY_WORDS);
  }

  /** First word of the entry with the address, or of the free place where it belongs. */
  find(hashed: number, low: number, high: number): number {
    const { table, mask } = this;
    let place = (hashed << this.skipBits) >>> this.shift;
    for (;;) {
      const entry = place * ENTRY_WORDS;
      if (table[entry + SITE_WORD] === 0) return entry;
      if (table[entry] === low && (table[entry + 1]! & 0xffff) === high) return entry;
      place = (place + 1) & mask;
    }
  }

  get isFull(): boolean {
    return this.used > this.#limit;
  }

  grow(): void {
    const old = this.table;
    this.table = this.#reset(33 - this.shift);
    for (let from = 0; from < old.length; from += ENTRY_WORDS) {
      if (old[from + SITE_WORD] !== 0) this.copyIn(old, from);
    }
  }

  /** Copies an entry of another table whose address is not in this one. `used` is the caller's. */
  copyIn(source: Int32Array, from: number): void {
    const low = source[from]!;
    const high = source[from + 1]! & 0xffff;
    const entry = this.find(hash(low, high), low, high);
    this.table.set(source.subarray(from, from + ENTRY_WORDS), entry);
  }

  remove(entry: number): void {
    const { table, mask, shift, skipBits } = this;
    let hole = entry / ENTRY_WORDS;
    let place = hole;
    for (;;) {
      place = (place + 1) & mask;
      const from = place * ENTRY_WORDS;
      if (table[from + SITE_WORD] === 0) break;
      const home = (hash(table[from]!, table[from + 1]! & 0xffff) << skipBits) >>> shift;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      const to = hole * ENTRY_WORDS;
      table[to] = table[from]!;
      table[to + 1] = table[from + 1]!;
      table[to + 2] = table[from + 2]!;
      table[to + 3] = table[from + 3]!;
      table[to + 4] = table[from + 4]!;
      table[to + 5] = table[from + 5]!;
      hole = place;
    }
    table[hole * ENTRY_WORDS + SITE_WORD] = 0;
    this.used--;
  }
}

export class LiveBlocks {
  #shards = [new Shard(INITIAL_BITS, 0)];
  /** Of the block that the last `put` replaced or the last `take` removed. */
  takenBytes = 0;
  takenSequence = 0;
  takenBirth = 0;

  get count(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.used, 0);
  }

  /** Memory held, in bytes. */
  get byteLength(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.table.byteLength, 0);
  }

  /** True if a block with this address is live. */
  has(low: number, high: number): boolean {
    const hashed = hash(low, high & 0xffff);
    const shard = this.#shardOf(hashed);
    return shard.table[shard.find(hashed, low, high & 0xffff) + SITE_WORD] !== 0;
  }

  /** Makes a block live. Returns the site of the block that had the address, or -1. */
  put(
    low: number,
    high: number,
    sizeLow: number,
    sizeHigh: number,
    site: number,
    sequence: number,
    birth: number,
  ): number {
    const hashed = hash(low, high & 0xffff);
    const shard = this.#shardOf(hashed);
    const table = shard.table;
    const entry = shard.find(hashed, low, high & 0xffff);
    const replaced = table[entry + SITE_WORD]! - 1;
    if (replaced >= 0) this.#remember(table, entry);
    table[entry] = low;
    table[entry + 1] = (high & 0xffff) | (sizeHigh << 16);
    table[entry + 2] = sizeLow;
    table[entry + SITE_WORD] = site + 1;
    table[entry + 4] = sequence;
    table[entry + 5] = birth;
    if (replaced < 0) {
      shard.used++;
      if (shard.isFull) this.#grow(shard);
    }
    return replaced;
  }

  /** Removes the block with this address and returns its site, or -1 if there is none. */
  take(low: number, high: number): number {
    const hashed = hash(low, high & 0xffff);
    const shard = this.#shardOf(hashed);
    const entry = shard.find(hashed, low, high & 0xffff);
    const site = shard.table[entry + SITE_WORD]! - 1;
    if (site < 0) return -1;
    this.#remember(shard.table, entry);
    shard.remove(entry);
    return site;
  }

  /** Appends every address, in no order. */
  addresses(): Float64Array {
    const result = new Float64Array(this.count);
    let count = 0;
    for (const { table } of this.#shards) {
      for (let entry = 0; entry < table.length; entry += ENTRY_WORDS) {
        if (table[entry + SITE_WORD] !== 0)
          result[count++] = (table[entry]! >>> 0) + (table[entry + 1]! & 0xffff) * 2 ** 32;
      }
    }
    return result;
  }

  /** Tells of every block, in no order. */
  visit(visitor: BlockVisitor): void {
    for (const { table } of this.#shards) {
      for (let entry = 0; entry < table.length; entry += ENTRY_WORDS) {
        if (table[entry + SITE_WORD] === 0) continue;
        const address = (table[entry]! >>> 0) + (table[entry + 1]! & 0xffff) * 2 ** 32;
        visitor(address, bytesOf(table, entry), table[entry + SITE_WORD]! - 1, table[entry + 5]!);
      }
    }
  }

  /** The same by address. */
  visitInOrder(visitor: BlockVisitor): void {
    for (const address of this.addresses().sort()) {
      const [low, high] = [address | 0, Math.floor(address / 2 ** 32)];
      const hashed = hash(low, high);
      const shard = this.#shardOf(hashed);
      const { table } = shard;
      const entry = shard.find(hashed, low, high);
      visitor(address, bytesOf(table, entry), table[entry + SITE_WORD]! - 1, table[entry + 5]!);
    }
  }

  #shardOf(hashed: number): Shard {
    const shards = this.#shards;
    return shards.length === 1 ? shards[0]! : shards[hashed >>> (32 - SHARD_BITS)]!;
  }

  #remember(table: Int32Array, entry: number): void {
    this.takenBytes = bytesOf(table, entry);
    this.takenSequence = table[entry + 4]!;
    this.takenBirth = table[entry + 5]!;
  }

  #grow(shard: Shard): void {
    if (this.#shards.length > 1 || shard.mask < 2 ** SPLIT_BITS - 1) {
      shard.grow();
      return;
    }
    const bits = SPLIT_BITS - SHARD_BITS + 1;
    this.#shards = Array.from({ length: 2 ** SHARD_BITS }, () => new Shard(bits, SHARD_BITS));
    for (let entry = 0; entry < shard.table.length; entry += ENTRY_WORDS) {
      if (shard.table[entry + SITE_WORD] === 0) continue;
      const target = this.#shardOf(hash(shard.table[entry]!, shard.table[entry + 1]! & 0xffff));
      target.copyIn(shard.table, entry);
      target.used++;
      if (target.isFull) target.grow();
    }
  }
}
