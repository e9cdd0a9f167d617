import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { decodeEvents, encodeEvents } from '../../../src/store/event-chunk.ts';

function randomEvents(count: number) {
  let state = 12345;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  let time = 1e12;
  return {
    count,
    times: Float64Array.from({ length: count }, () => (time += below(10) === 0 ? -below(500) : below(4000))),
    operations: Uint8Array.from({ length: count }, () => below(2)),
    allocators: Uint8Array.from({ length: count }, () => below(256)),
    owners: Uint32Array.from({ length: count }, () => (below(100) === 0 ? 2 ** 32 - 1 - below(9) : below(3000))),
    addresses: Float64Array.from({ length: count }, () =>
      below(50) === 0 ? 2 ** 51 : 0x7f0000000000 + below(2 ** 24) * 16,
    ),
    sizes: Float64Array.from({ length: count }, () => (below(100) === 0 ? 2 ** 51 : below(4096))),
  };
}

test('what is encoded is decoded', () => {
  const events = randomEvents(5000);
  assert.deepEqual(decodeEvents(encodeEvents(events, 0, 5000), 5000), events);
  const part = decodeEvents(encodeEvents(events, 1000, 1003), 3);
  assert.deepEqual([...part.times], [...events.times.subarray(1000, 1003)]);
  assert.deepEqual([...part.owners], [...events.owners.subarray(1000, 1003)]);
});

test('damaged chunks are errors, whatever is in them', () => {
  const data = encodeEvents(randomEvents(100), 0, 100);
  const plain = inflateRawSync(data.subarray(1));
  for (const count of [0, -1, 101, 65_537, 2 ** 40, Number.NaN])
    assert.throws(() => decodeEvents(data, count), `${count}`);
  for (let length = 0; length < plain.length; length += 37) {
    assert.throws(() => decodeEvents(deflateRawSync(plain.subarray(0, length)), 100), `${length}`);
  }
  assert.throws(() => decodeEvents(data.subarray(0, 50), 100));
  assert.throws(() => decodeEvents(deflateRawSync(Buffer.alloc(3000, 0xff)), 100));
  // One that unpacks to more than it may.
  assert.throws(() => decodeEvents(deflateRawSync(Buffer.alloc(1e6)), 100));
});
