/** Objects by address, for sets of objects of several moments: an object is the same as long as its type is. */
import type { HeapColumns } from '../model/heap.ts';

const EMPTY = 0xffffffff;
/** Of the golden ratio: addresses differ in their middle bits most. */
const MULTIPLIER = 0x9e3779b1;

/** Keeps addresses and types only, not the heap: 20 to 28 bytes an object. */
export class AddressIndex {
  private readonly addresses: Float64Array;
  private readonly typeOf: Uint32Array;
  private readonly typeAddresses: Float64Array;
  /** Open addressing, at most half full. */
  private readonly slots: Uint32Array;

  constructor({ addresses, typeOf, types }: Pick<HeapColumns, 'addresses' | 'typeOf' | 'types'>) {
    this.addresses = addresses;
    this.typeOf = typeOf;
    this.typeAddresses = Float64Array.from(types, ({ address }) => address);
    this.slots = new Uint32Array(2 ** Math.ceil(Math.log2(addresses.length * 2 + 2))).fill(EMPTY);
    for (let i = 0; i < addresses.length; i++) {
      let slot = this.home(addresses[i]!);
      while (this.slots[slot] !== EMPTY) slot = this.next(slot);
      this.slots[slot] = i;
    }
  }

  /** Bytes of memory that it keeps. */
  get bytes(): number {
    return this.addresses.byteLength + this.typeOf.byteLength + this.slots.byteLength;
  }

  /** The object of that type at an address; undefined if there is none. */
  find(address: number, typeAddress: number): number | undefined {
    for (let slot = this.home(address); this.slots[slot] !== EMPTY; slot = this.next(slot)) {
      const object = this.slots[slot]!;
      if (this.addresses[object] === address)
        return this.typeAddresses[this.typeOf[object]!] === typeAddress ? object : undefined;
    }
    return undefined;
  }

  private home(address: number): number {
    const hash = Math.imul((address / 8) >>> 0, MULTIPLIER);
    return ((hash >>> 16) ^ hash) & (this.slots.length - 1);
  }

  private next(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }
}
