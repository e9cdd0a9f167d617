/** Chunks to events: see event-chunk.ts. Anything may be in them. */
import {
  EVENT_OPERATIONS,
  EVENT_TIME_NS,
  type EventColumns,
  hasSize,
  isAllocation,
  isFreeing,
} from '../model/events.ts';
import * as format from './event-format.ts';
import { EventHistory, LIST_LENGTH } from './event-history.ts';
import { NumberReader, StreamReader, unzigzag } from './number-streams.ts';

const HEAD_BYTES = 2;
const MAX_ADDRESS = 2 ** 51;

export class EventDecoder {
  #history: EventHistory | null = null;
  #time = 0;
  #columns: NumberReader[] = [];

  /** @throws Error if the bytes are not those of `count` events. */
  decode(data: Uint8Array, count: number): EventColumns {
    if ((data[1]! & format.FRESH) !== 0) {
      this.#history ??= new EventHistory();
      this.#history.reset();
      this.#time = 0;
    }
    if (this.#history === null) throw new RangeError('chunks of events begin in their middle');
    const streams = new StreamReader(data, HEAD_BYTES);
    this.#columns = Array.from({ length: format.COLUMNS }, () => new NumberReader(streams, count));
    const events = {
      count,
      times: new Float64Array(count),
      operations: new Uint8Array(count),
      allocators: new Uint8Array(count),
      owners: new Uint32Array(count),
      addresses: new Float64Array(count),
      sizes: new Float64Array(count),
    };
    for (let i = 0; i < count; i++) this.#read(events, i, this.#history);
    return events;
  }

  #next(column: number): number {
    return this.#columns[column]!.next();
  }

  #read(events: EventColumns, i: number, history: EventHistory): void {
    const { kinds } = history;
    const kind = this.#readKind(history);
    const operation = kinds.operations[kind]!;
    events.operations[i] = operation;
    events.allocators[i] = kinds.allocators[kind]!;
    events.owners[i] = kinds.owners[kind]!;
    this.#time += unzigzag(this.#next(format.TIME)) * EVENT_TIME_NS;
    if (!Number.isSafeInteger(this.#time)) throw new RangeError('a time is out of range');
    events.times[i] = this.#time;
    if (hasSize(operation)) events.sizes[i] = this.#readSize(history, kind);
    if (isAllocation(operation)) events.addresses[i] = this.#readAllocated(history, events.sizes[i]!);
    else if (isFreeing(operation)) events.addresses[i] = this.#readFreed(history);
  }

  #readKind({ kinds }: EventHistory): number {
    const symbol = this.#next(format.KIND);
    let kind = kinds.count - 1 - (symbol - format.KIND_KNOWN);
    if (symbol === format.KIND_NEW) {
      const key = this.#next(format.NEW_KIND);
      const [operation, rest] = [key % EVENT_OPERATIONS, Math.floor(key / EVENT_OPERATIONS)];
      if (rest >= 2 ** 40) throw new RangeError('an owner is out of range');
      kind = kinds.add(operation, rest % 256, Math.floor(rest / 256));
    } else if (symbol === format.KIND_BY_CONTEXT) kind = kinds.byContext;
    else if (symbol === format.KIND_BY_LAST) kind = kinds.byLast;
    if (!(kind >= 0 && kind < kinds.count)) throw new RangeError('an event is of no kind');
    kinds.see(kind);
    return kind;
  }

  #readSize({ kinds }: EventHistory, kind: number): number {
    const symbol = this.#next(format.SIZE);
    const size = symbol < format.SIZE_OTHER ? kinds.sizes[2 * kind + symbol]! : symbol - format.SIZE_OTHER;
    kinds.seeSize(kind, size);
    return size;
  }

  #readAllocated(history: EventHistory, size: number): number {
    const list = history.listOf(size);
    const place = this.#next(format.PLACE);
    const address = checked(this.#addressAt(history, list, place));
    format.leaveList(history, list, place);
    history.addAllocation(address, size, list);
    return address;
  }

  #addressAt(history: EventHistory, list: number, place: number): number {
    if (place === format.PLACE_LIST) return history.freeBlock(list, 0);
    if (place === format.PLACE_LAST_FREED) return history.lastFreed;
    if (place === format.PLACE_NEXT) return history.nextAddress;
    if (place === format.PLACE_OTHER) return this.#readAddress(history);
    const rank = place - format.PLACE_LATER;
    if (rank >= LIST_LENGTH) throw new RangeError('a free block is out of range');
    return history.freeBlock(list, rank);
  }

  #readFreed(history: EventHistory): number {
    const distance = this.#next(format.DISTANCE);
    const isKnown = distance !== format.DISTANCE_UNKNOWN;
    const address = checked(isKnown ? history.allocationAt(distance) : this.#readAddress(history));
    history.addFree(address, distance);
    return address;
  }

  #readAddress(history: EventHistory): number {
    return format.numberedAddress(this.#next(format.ADDRESS), history.lastAddress);
  }
}

function checked(address: number | null): number {
  if (address === null || !(address >= 0 && address <= MAX_ADDRESS)) throw new RangeError('an address is out of range');
  return address;
}
