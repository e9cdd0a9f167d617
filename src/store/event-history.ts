/**
 * What is remembered of the events so far, by which the next are predicted: the same for who writes them and who reads
 * them. Its memory is bounded but for the kinds of events, which are as many as sites.
 *
 *     kinds          operation, function and owner; what kind followed one, and what followed the last three
 *     sizes          the last two of a kind
 *     allocations    the last 2^20: a free says how many allocations ago its block was allocated
 *     free blocks    the last 32 of about a size, as an allocator has them in its lists: what was freed last is given out
 *                    first
 */

/** 0: none. */
const CONTEXT_BITS = 16;
export const REMEMBERED = 2 ** 20;
export const LIST_LENGTH = 32;
const LISTS = 4096;
const NO_ADDRESS = -1;
/** Of glibc: blocks are multiples of it, with 8 bytes of their own. */
const GRAIN = 16;

export class EventHistory {
  kinds = new Kinds();
  allocations = 0;
  readonly addresses = new Float64Array(REMEMBERED);
  readonly #lists = new Uint16Array(REMEMBERED);
  readonly #free = new Float64Array(LISTS * LIST_LENGTH).fill(NO_ADDRESS);
  readonly #tops = new Uint8Array(LISTS);
  lastFreed = 0;
  lastAddress = 0;
  /** Where a block would be that was cut off behind the last. */
  nextAddress = 0;

  /** Forgets everything. Old allocations can stay: they are out of reach. */
  reset(): void {
    this.kinds = new Kinds();
    this.allocations = 0;
    this.#free.fill(NO_ADDRESS);
    this.#tops.fill(0);
    this.lastFreed = 0;
    this.lastAddress = 0;
    this.nextAddress = 0;
  }

  listOf(size: number): number {
    return Math.ceil((size + 8) / GRAIN) % LISTS;
  }

  /** The free block of this rank; 0: the one freed last. */
  freeBlock(list: number, rank: number): number {
    return this.#free[this.#place(list, rank)]!;
  }

  #place(list: number, rank: number): number {
    return list * LIST_LENGTH + ((this.#tops[list]! - rank) & (LIST_LENGTH - 1));
  }

  removeFree(list: number, rank: number): void {
    for (let n = rank; n > 0; n--) this.#free[this.#place(list, n)] = this.#free[this.#place(list, n - 1)]!;
    this.#free[this.#place(list, 0)] = NO_ADDRESS;
    this.#tops[list]!--;
  }

  addAllocation(address: number, size: number, list: number): void {
    const at = this.allocations++ % REMEMBERED;
    this.addresses[at] = address;
    this.#lists[at] = list;
    this.lastAddress = address;
    this.nextAddress = address + Math.max(2, Math.ceil((size + 8) / GRAIN)) * GRAIN;
  }

  /** The allocation that is so many back; 1: the last. Null: not remembered. */
  allocationAt(distance: number): number | null {
    if (distance > REMEMBERED || distance > this.allocations) return null;
    return this.addresses[(this.allocations - distance) % REMEMBERED]!;
  }

  /** `distance`: of its allocation; 0: not known. */
  addFree(address: number, distance: number): void {
    this.lastFreed = address;
    if (distance === 0) return;
    const list = this.#lists[(this.allocations - distance) % REMEMBERED]!;
    this.#tops[list]!++;
    this.#free[this.#place(list, 0)] = address;
  }
}

export class Kinds {
  count = 0;
  operations = new Uint8Array(256);
  allocators = new Uint8Array(256);
  owners = new Uint32Array(256);
  /** The last size and the one before. */
  sizes = new Float64Array(512);
  #followers = new Uint32Array(256);
  readonly #contexts = new Uint32Array(2 ** CONTEXT_BITS);
  #last = 0;
  #before = 0;
  #first = 0;

  /** The kind that followed the last three when they were last seen. */
  get byContext(): number {
    return this.#contexts[this.#context]!;
  }

  get byLast(): number {
    return this.#followers[this.#last]!;
  }

  get #context(): number {
    const mixed =
      Math.imul(this.#last, 0x9e3779b1) ^ Math.imul(this.#before, 0x85ebca6b) ^ Math.imul(this.#first, 0xc2b2ae35);
    return (mixed ^ (mixed >>> 15)) & (2 ** CONTEXT_BITS - 1);
  }

  add(operation: number, allocator: number, owner: number): number {
    const kind = this.count++;
    if (kind === this.operations.length) this.#grow(kind * 2);
    this.operations[kind] = operation;
    this.allocators[kind] = allocator;
    this.owners[kind] = owner;
    return kind;
  }

  see(kind: number): void {
    this.#contexts[this.#context] = kind;
    this.#followers[this.#last] = kind;
    this.#first = this.#before;
    this.#before = this.#last;
    this.#last = kind;
  }

  seeSize(kind: number, size: number): void {
    if (this.sizes[2 * kind] === size) return;
    this.sizes[2 * kind + 1] = this.sizes[2 * kind]!;
    this.sizes[2 * kind] = size;
  }

  #grow(length: number): void {
    const copy = <T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.operations = copy(this.operations, new Uint8Array(length));
    this.allocators = copy(this.allocators, new Uint8Array(length));
    this.owners = copy(this.owners, new Uint32Array(length));
    this.sizes = copy(this.sizes, new Float64Array(2 * length));
    this.#followers = copy(this.#followers, new Uint32Array(length));
  }
}
