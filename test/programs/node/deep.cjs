/**
 * STACKS stacks, no two of them the same: DEPTH + 1 calls of odd and even, which the bits of the number of the stack tell.
 * At the end of each is one Buffer, of FIRST_BYTES + number, which is kept.
 *
 *     number 5, bits 1010 0000 0000 from the lowest on
 *     level    0    1   2    3    4    …   10    11    12   13    …   DEPTH
 *              even odd even even even     even  odd   even odd       even
 *
 * node [--expose-gc] deep.cjs: with gc() the heap is collected after every 100 stacks, and after a pause in which names
 * can be read.
 */
'use strict';
const { allocate, finish, waitForGate } = require('./sites.cjs');

const STACKS = 2100;
const DEPTH = 40;
const BITS = 12;
const FIRST_BYTES = 1001;
const PAUSE_MS = 50;
const lock = new Int32Array(new SharedArrayBuffer(4));

function even(number, level) {
  if (level === 0) return allocate(FIRST_BYTES + number);
  return ((number >> (level % BITS)) & 1 ? odd : even)(number, level - 1);
}

function odd(number, level) {
  if (level === 0) return allocate(FIRST_BYTES + number);
  return ((number >> (level % BITS)) & 1 ? odd : even)(number, level - 1);
}

waitForGate();
const kept = [];
for (let number = 0; number < STACKS; number++) {
  kept.push(even(number, DEPTH));
  if (number % 100 !== 99 || !globalThis.gc) continue;
  Atomics.wait(lock, 0, 0, PAUSE_MS);
  gc();
}
if (kept.length !== STACKS) throw new Error('unreachable');
finish();
