/**
 * Functions that have run 100,000 times, so that they are optimized and the inner ones inlined into their caller, before
 * one call of each allocates. They come the same way all along: code that has never run is not in an optimized function.
 *
 * Ends by process.exit.
 */
'use strict';
const { allocate, finish, waitForGate } = require('./sites.cjs');

const CALLS = 100_000;

function leaf(bytes) {
  return allocate(bytes);
}

function caller(bytes) {
  const zero = 0;

  return leaf(bytes)?.length + zero;
}

class Hot {
  #scale = 1;
  method(bytes) {
    return this.scaled(bytes)?.length; // shown as Hot.method
  }
  scaled(bytes) {
    return allocate(bytes * this.#scale); // shown as Hot.scaled
  }
}

function loop(bytes) {
  const sizes = [0, 0, bytes];
  return sizes.map((size) => leaf(size)?.length);
}

function* values(bytes) {
  yield allocate(bytes);
}

function iterate(bytes) {
  for (const value of values(bytes)) if (value?.length > 0) return value;
}

function rarely(bytes) {
  if (bytes > 0) return allocate(bytes);
  return undefined;
}

/** Has `rarely` inlined without the branch that allocates: V8 gives up its code there, and makes frames for both. */
function deoptimized(bytes) {
  return [rarely(bytes)];
}

async function afterAwait(bytes) {
  await null;
  return allocate(bytes); // shown as async afterAwait
}

const lock = new Int32Array(new SharedArrayBuffer(4));

/** Names are read a moment after the call, and V8 10.2 forgets what was inlined into code that it gives up. */
function pause(milliseconds) {
  Atomics.wait(lock, 0, 0, milliseconds);
}

const hot = new Hot();

async function run(calls, add) {
  for (let i = 0; i < calls; i++) {
    caller(add && 100_201);
    hot.method(add && 100_203);
    pause(add && 500);
    deoptimized(add && 100_211);
    if (i % 10 === 0) loop(add && 100_205);
    if (i % 10 === 0) iterate(add && 100_207);
    if (i % 10 === 0) await afterAwait(add && 100_209);
  }
}

waitForGate();
run(CALLS, 0).then(() => run(1, 1)).then(() => {
  finish();
  process.exit(0);
});
