import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EVENT_ALLOCATE,
  EVENT_FREE,
  EVENT_OPERATIONS,
  type EventColumns,
  hasSize,
  isAllocation,
  isFreeing,
} from '../../../src/model/events.ts';
import { EventReader } from '../../../src/store/event-chunk.ts';
import { EventEncoder } from '../../../src/store/event-encoder.ts';

class Random {
  #state = 12345;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

/** Any events, most of whose addresses are those of an allocation before. */
function randomEvents(count: number) {
  const random = new Random();
  const { below } = { below: (limit: number) => random.below(limit) };
  const known = [0, 2 ** 51, 1, 2 ** 51 - 1];
  let time = 1e12;
  const operations = Uint8Array.from({ length: count }, () => below(below(9) === 0 ? EVENT_OPERATIONS : 2));
  const addressOf = (operation: number) => {
    if (!isAllocation(operation) && !isFreeing(operation)) return 0;
    if (below(4) > 0) return known[known.length - 1 - below(Math.min(known.length, below(60) + 1))]!;
    known.push(0x7f0000000000 + below(2 ** 24) * (below(20) === 0 ? 1 : 16));
    return known.at(-1)!;
  };
  return {
    count,
    times: Float64Array.from({ length: count }, () => (time += 100 * (below(10) === 0 ? -below(500) : below(4000)))),
    operations,
    allocators: Uint8Array.from({ length: count }, () => below(below(9) === 0 ? 256 : 3)),
    owners: Uint32Array.from({ length: count }, () => (below(100) === 0 ? 2 ** 32 - 1 - below(9) : below(300))),
    addresses: Float64Array.from(operations, addressOf),
    sizes: Float64Array.from(operations, (operation) => {
      if (!hasSize(operation)) return 0;
      return below(100) === 0 ? 2 ** 51 : below(below(2) === 0 ? 3 : 4096);
    }),
  };
}

/** Blocks of random sizes that live for a random time, each address given out again. */
function churn(count: number): EventColumns {
  const random = new Random();
  const events = {
    count,
    times: new Float64Array(count),
    operations: new Uint8Array(count),
    allocators: new Uint8Array(count).fill(1),
    owners: new Uint32Array(count),
    addresses: new Float64Array(count),
    sizes: new Float64Array(count),
  };
  const free = new Map<number, number[]>();
  const live: [address: number, size: number][] = [];
  let top = 0x5555_0000_0000;
  const fresh = () => {
    top += 1024;
    return top;
  };
  for (let i = 0; i < count; i++) {
    events.times[i] = (events.times[i - 1] ?? 0) + 1000 + 100 * random.below(16);
    const isFree = live.length > 500 + random.below(100);
    events.operations[i] = isFree ? EVENT_FREE : EVENT_ALLOCATE;
    if (isFree) {
      const at = random.below(live.length);
      const [address, size] = live[at]!;
      live[at] = live.at(-1)!;
      live.pop();
      const list = free.get(Math.ceil((size + 8) / 16)) ?? [];
      free.set(Math.ceil((size + 8) / 16), [...list, address]);
      events.addresses[i] = address;
      continue;
    }
    const size = 1 + random.below(1000);
    const list = free.get(Math.ceil((size + 8) / 16)) ?? [];
    const address = list.pop() ?? fresh();
    live.push([address, size]);
    events.owners[i] = random.below(3);
    events.addresses[i] = address;
    events.sizes[i] = size;
  }
  return events;
}

function part(events: EventColumns, from: number, to: number): EventColumns {
  const { times, operations, allocators, owners, addresses, sizes } = events;
  return {
    count: to - from,
    times: times.slice(from, to),
    operations: operations.slice(from, to),
    allocators: allocators.slice(from, to),
    owners: owners.slice(from, to),
    addresses: addresses.slice(from, to),
    sizes: sizes.slice(from, to),
  };
}

test('what is encoded is decoded, chunk after chunk', () => {
  const events = randomEvents(60_000);
  const [encoder, reader] = [new EventEncoder(), new EventReader()];
  for (let from = 0, step = 1; from < events.count; from += step, step = (step * 3) % 7919) {
    const to = Math.min(events.count, from + step);
    assert.deepEqual(reader.decode(encoder.encode(events, from, to), to - from), part(events, from, to), `${from}`);
  }
});

test('a chunk that was not written is as if it had never been encoded', () => {
  const events = randomEvents(3000);
  const [encoder, reader] = [new EventEncoder(), new EventReader()];
  const first = encoder.encode(events, 0, 1000);
  encoder.encode(events, 1000, 3000);
  encoder.reset();
  const second = encoder.encode(events, 1000, 3000);
  assert.deepEqual(reader.decode(first, 1000), part(events, 0, 1000));
  assert.deepEqual(reader.decode(second, 2000), part(events, 1000, 3000));
});

test('times lose what is below their step', () => {
  const events = { ...randomEvents(2), times: Float64Array.of(1_234_567_899, 1_234_567_900) };
  const { times } = new EventReader().decode(new EventEncoder().encode(events, 0, 2), 2);
  assert.deepEqual([...times], [1_234_567_800, 1_234_567_900]);
});

test('allocations of random sizes and lifetimes take three bytes at most', () => {
  const events = churn(200_000);
  const encoder = new EventEncoder();
  let bytes = 0;
  for (let from = 0; from < events.count; from += 20_000) bytes += encoder.encode(events, from, from + 20_000).length;
  assert.ok(bytes / events.count < 3, `${bytes / events.count}`);
});

test('damaged chunks are errors, whatever is in them', () => {
  const data = new EventEncoder().encode(randomEvents(300), 0, 300);
  for (const count of [0, -1, 301, 65_537, 2 ** 40, Number.NaN])
    assert.throws(() => new EventReader().decode(data, count), `${count}`);
  for (let length = 0; length < data.length; length++)
    assert.throws(() => new EventReader().decode(data.subarray(0, length), 300), `${length}`);
  const random = new Random();
  for (let n = 0; n < 3000; n++) {
    const damaged = data.slice();
    for (let k = random.below(4); k >= 0; k--) damaged[random.below(data.length)] = random.below(256);
    try {
      const { addresses, times } = new EventReader().decode(damaged, 300);
      assert.ok(addresses.every((address) => address >= 0 && address <= 2 ** 51) && times.every(Number.isSafeInteger));
    } catch (error) {
      assert.ok(error instanceof RangeError || (error as NodeJS.ErrnoException).code?.startsWith('Z_'), `${error}`);
    }
  }
});

test('chunks that begin in their middle are errors', () => {
  const events = randomEvents(200);
  const encoder = new EventEncoder();
  encoder.encode(events, 0, 100);
  const second = encoder.encode(events, 100, 200);
  assert.throws(() => new EventReader().decode(second, 100), /begin in their middle/);
});
