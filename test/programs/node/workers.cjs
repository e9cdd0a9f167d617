/**
 * Rounds of three workers that run at the same time, each with a function of its own, made_ROUND_INDEX: it allocates
 * COUNT Buffers of FIRST_BYTES + 2 * (3 * ROUND + INDEX) bytes. Between them the worker makes garbage, so that the
 * collections of its heap and of the others' interleave; and the workers of a round have their heaps and code where those
 * of the round before had theirs. Workers are called `worker-ROUND-INDEX`.
 */
'use strict';
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const ROUNDS = 3;
const WORKERS = 3;
const COUNT = 60;
const FIRST_BYTES = 300_001;
const GARBAGE = 2000;
const PAUSE_MS = 500;

let kept = [];

function makeGarbage() {
  const list = [];
  for (let i = 0; i < GARBAGE; i++) list.push({ i, text: `${i}`, next: kept[i % 10] });
  kept = list;
}

/** Its code is that of its text: the functions of two workers are as long as each other. */
function makeFunction(round, index) {
  const name = `made_${round}_${index}`;
  return new Function('allocate', 'bytes', `return (function ${name}() { return allocate(bytes); });`);
}

/** The start of a worker makes ten thousand allocations: a recorder on a busy machine catches up with them here. */
function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

function work({ round, index }) {
  const bytes = FIRST_BYTES + 2 * (WORKERS * round + index);
  const make = makeFunction(round, index);
  const warm = make(() => null, 0);
  for (let i = 0; i < 20_000; i++) warm(); // compiled
  const made = make(Buffer.alloc, bytes);
  pause();
  for (let i = 0; i < COUNT; i++) {
    made();
    makeGarbage();
  }
  pause();
}

async function main() {
  const { waitForGate, finish } = require('./sites.cjs');
  waitForGate();
  for (let round = 0; round < ROUNDS; round++) {
    const workers = Array.from(
      { length: WORKERS },
      (_, index) => new Worker(__filename, { workerData: { round, index }, name: `worker-${round}-${index}` }),
    );
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve))));
  }
  finish();
}

if (isMainThread) main();
else work(workerData);
