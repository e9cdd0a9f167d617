import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveBlocks } from '../../../src/aggregate/live.ts';

test('takes back what was put, across growth and the split into shards', () => {
  const blocks = new LiveBlocks();
  const count = 40_000;
  const low = (n: number) => (n * 16 + 0xffff_0000) | 0;
  const high = (n: number) => (n % 3 === 0 ? 0x7fff : n % 3 === 1 ? 0 : 0xffff);
  for (let n = 0; n < count; n++) assert.equal(blocks.put(low(n), high(n), n, n % 5, n, n * 7, n % 3), -1);
  assert.equal(blocks.count, count);
  const addresses = new Set(blocks.addresses());
  assert.equal(addresses.size, count);
  assert.ok(addresses.has((low(0) >>> 0) + high(0) * 2 ** 32));
  for (let n = 0; n < count; n += 2) {
    assert.equal(blocks.take(low(n), high(n)), n);
    assert.equal(blocks.takenBytes, n + (n % 5) * 2 ** 32);
    assert.equal(blocks.takenSequence, n * 7);
    assert.equal(blocks.takenBirth, n % 3);
  }
  for (let n = 0; n < count; n++) assert.equal(blocks.has(low(n), high(n)), n % 2 === 1);
  assert.equal(blocks.take(low(0), high(0)), -1);
  assert.equal(blocks.count, count / 2);
});

test('an address whose low half is zero is an address', () => {
  const blocks = new LiveBlocks();
  blocks.put(0, 0x7f00, 5, 0, 0, 1, 4);
  assert.ok(blocks.has(0, 0x7f00));
  assert.ok(!blocks.has(0, 0x7f01));
  assert.equal(blocks.put(0, 0x7f00, 6, 0, 9, 2, 5), 0);
  assert.equal(blocks.takenBytes, 5);
  assert.equal(blocks.take(0, 0x7f00), 9);
});

test('keeps a block in 30 to 60 bytes', () => {
  const blocks = new LiveBlocks();
  let worst = 0;
  for (let n = 0; n < 300_000; n++) {
    blocks.put((n * 48) | 0, 0x5555, 40, 0, 1, n, 0);
    if (n > 20_000 && n % 1000 === 0) worst = Math.max(worst, blocks.byteLength / blocks.count);
  }
  assert.ok(worst > 30 && worst < 62, `${worst} bytes a block`);
});
