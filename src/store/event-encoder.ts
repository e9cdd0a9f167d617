/** Events to chunks: see event-chunk.ts. */
import {
  EVENT_OPERATIONS,
  EVENT_TIME_NS,
  type EventColumns,
  hasSize,
  isAllocation,
  isFreeing,
} from '../model/events.ts';
import * as format from './event-format.ts';
import { EventHistory, LIST_LENGTH, REMEMBERED } from './event-history.ts';
import { NumberWriter, zigzag } from './number-streams.ts';

const BUCKETS = REMEMBERED / 2;
const BUCKET = 4;

export class EventEncoder {
  readonly #history = new EventHistory();
  #kindOf = new Map<number, number>();
  /** Allocations by address, the newest four of each hash: their number + 1. */
  readonly #byAddress = new Uint32Array(BUCKETS * BUCKET);
  #isFresh = true;
  #lastTime = 0;
  #columns = newColumns();

  /** The next chunk says nothing by what is before it. To be called when a chunk has not been written. */
  reset(): void {
    this.#history.reset();
    this.#kindOf = new Map();
    this.#byAddress.fill(0);
    this.#isFresh = true;
    this.#lastTime = 0;
    this.#columns = newColumns();
  }

  /** The events [from, to), the next in order. */
  encode(events: EventColumns, from: number, to: number): Uint8Array {
    for (let i = from; i < to; i++) this.#put(events, i);
    const head = Uint8Array.of(format.VERSION, this.#isFresh ? format.FRESH : 0);
    this.#isFresh = false;
    return Buffer.concat([head, ...this.#columns.flatMap((column) => column.finish())]);
  }

  #put(events: EventColumns, i: number): void {
    const operation = events.operations[i]!;
    const kind = this.#putKind(operation, events.allocators[i]!, events.owners[i]!);
    const time = Math.floor(events.times[i]! / EVENT_TIME_NS);
    this.#columns[format.TIME]!.put(zigzag(time - this.#lastTime));
    this.#lastTime = time;
    const size = events.sizes[i]!;
    if (hasSize(operation)) this.#putSize(kind, size);
    if (isAllocation(operation)) this.#putAllocated(events.addresses[i]!, size);
    else if (isFreeing(operation)) this.#putFreed(events.addresses[i]!);
  }

  #putKind(operation: number, allocator: number, owner: number): number {
    const { kinds } = this.#history;
    const key = (owner * 256 + allocator) * EVENT_OPERATIONS + operation;
    let kind = this.#kindOf.get(key);
    const column = this.#columns[format.KIND]!;
    if (kind === undefined) {
      kind = kinds.add(operation, allocator, owner);
      this.#kindOf.set(key, kind);
      column.put(format.KIND_NEW);
      this.#columns[format.NEW_KIND]!.put(key);
    } else if (kind === kinds.byContext) column.put(format.KIND_BY_CONTEXT);
    else if (kind === kinds.byLast) column.put(format.KIND_BY_LAST);
    else column.put(format.KIND_KNOWN + kinds.count - 1 - kind);
    kinds.see(kind);
    return kind;
  }

  #putSize(kind: number, size: number): void {
    const { kinds } = this.#history;
    const column = this.#columns[format.SIZE]!;
    if (size === kinds.sizes[2 * kind]) column.put(format.SIZE_LAST);
    else if (size === kinds.sizes[2 * kind + 1]) column.put(format.SIZE_BEFORE);
    else column.put(format.SIZE_OTHER + size);
    kinds.seeSize(kind, size);
  }

  #putAllocated(address: number, size: number): void {
    const history = this.#history;
    const list = history.listOf(size);
    const place = this.#placeOf(address, list);
    this.#columns[format.PLACE]!.put(place);
    if (place === format.PLACE_OTHER) this.#putAddress(address);
    format.leaveList(history, list, place);
    history.addAllocation(address, size, list);
    this.#remember(address);
  }

  #placeOf(address: number, list: number): number {
    const history = this.#history;
    if (address === history.freeBlock(list, 0)) return format.PLACE_LIST;
    if (address === history.lastFreed) return format.PLACE_LAST_FREED;
    if (address === history.nextAddress) return format.PLACE_NEXT;
    for (let rank = 1; rank < LIST_LENGTH; rank++)
      if (history.freeBlock(list, rank) === address) return format.PLACE_LATER + rank;
    return format.PLACE_OTHER;
  }

  #putFreed(address: number): void {
    const distance = this.#distanceOf(address);
    this.#columns[format.DISTANCE]!.put(distance);
    if (distance === format.DISTANCE_UNKNOWN) this.#putAddress(address);
    this.#history.addFree(address, distance);
  }

  #putAddress(address: number): void {
    this.#columns[format.ADDRESS]!.put(format.addressNumber(address, this.#history.lastAddress));
  }

  #bucketOf(address: number): number {
    const mixed = Math.imul((address / 16) | 0, 0x9e3779b1) ^ Math.imul(address / 2 ** 32, 0x85ebca6b);
    return ((mixed ^ (mixed >>> 15)) & (BUCKETS - 1)) * BUCKET;
  }

  #remember(address: number): void {
    const { addresses, allocations } = this.#history;
    const table = this.#byAddress;
    const first = this.#bucketOf(address);
    let at = first;
    // An older allocation of the same address makes room, or else the oldest.
    for (; at < first + BUCKET - 1; at++) if (addresses[(table[at]! - 1) % REMEMBERED] === address) break;
    for (; at > first; at--) table[at] = table[at - 1]!;
    table[first] = allocations;
  }

  #distanceOf(address: number): number {
    const { addresses, allocations } = this.#history;
    const table = this.#byAddress;
    const first = this.#bucketOf(address);
    for (let at = first; at < first + BUCKET; at++) {
      const number = table[at]!;
      const distance = allocations - number + 1;
      if (number > 0 && distance <= REMEMBERED && addresses[(number - 1) % REMEMBERED] === address) return distance;
    }
    return format.DISTANCE_UNKNOWN;
  }
}

function newColumns(): NumberWriter[] {
  return Array.from({ length: format.COLUMNS }, () => new NumberWriter());
}
