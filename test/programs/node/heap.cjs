/**
 * Objects in V8's heap, of known sizes (x86-64, no pointer compression), that die at once:
 *
 *     makeArrays   ARRAYS times     a JSArray of 32 bytes, a FixedArray of 16 + 8 * 124 = 1,008:    104,000,000 bytes
 *     makePoints   POINTS times     three fields behind map, properties and elements:                48,000,000 bytes
 *     makeLarge    LARGE times      32 + 16 + 8 * 2^20 bytes, each on pages of its own:             167,773,120 bytes
 *
 * With the argument `worker`, all in a worker.
 */
'use strict';
const { Worker, isMainThread } = require('node:worker_threads');
const { waitForGate, finish } = require('./sites.cjs');

const ARRAYS = 100_000;
const POINTS = 1_000_000;
const LARGE = 20;

let kept = null;

function makeArrays() {
  for (let i = 0; i < ARRAYS; i++) kept = new Array(124);
}

class Point {
  constructor(x, y, z) {
    this.x = x;
    this.y = y;
    this.z = z;
  }
}

function makePoints() {
  for (let i = 0; i < POINTS; i++) kept = new Point(i, i, i);
}

function makeLarge() {
  for (let i = 0; i < LARGE; i++) kept = new Array(2 ** 20).fill(null);
}

/** A recorder that is still busy with the start of the worker catches up. */
function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
}

function makeAll() {
  pause();
  makeArrays();
  pause();
  makePoints();
  pause();
  makeLarge();
}

if (!isMainThread) {
  makeAll();
} else {
  waitForGate();
  if (process.argv[2] === 'worker') {
    new Worker(__filename, { name: 'heap-worker' }).on('exit', finish);
  } else {
    makeAll();
    finish();
  }
}
