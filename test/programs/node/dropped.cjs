/**
 * Functions that are made, called and dropped all the time, while V8 collects what is left of them and moves the rest.
 * Each allocates one Buffer, of a size that says which function it is: FIRST_BYTES + 2 * number in made_NUMBER, called
 * by caller_NUMBER. Nothing keeps a function or a Buffer. After every other one is a pause, in which its name can be
 * read; the rest may be gone before anybody looks.
 *
 * node [--expose-gc] dropped.cjs: with gc() the heap is collected, too, in the midst of it all.
 */
'use strict';
const { allocate, finish, waitForGate } = require('./sites.cjs');

const FUNCTIONS = 300;
const FIRST_BYTES = 100_001;
const LINES = 7;
const PAUSE_MS = 15;
const lock = new Int32Array(new SharedArrayBuffer(4));

function make(number) {
  const blank = '\n'.repeat(number % LINES);
  return new Function(
    'allocate',
    `${blank}function made_${number}(bytes) { return allocate(bytes); }
    return (function caller_${number}() { return made_${number}(${FIRST_BYTES + 2 * number}); })();`,
  );
}

function churn(number) {
  const garbage = [];
  for (let i = 0; i < 200; i++) garbage.push({ number, text: `${number} ${i}` });
  return garbage.length;
}

waitForGate();
let work = 0;
for (let number = 0; number < FUNCTIONS; number++) {
  make(number)(allocate);
  if (number % 2 === 0) Atomics.wait(lock, 0, 0, PAUSE_MS);
  work += churn(number);
  if (number % 20 === 19) globalThis.gc?.({ type: number % 40 === 19 ? 'minor' : 'major' });
}
if (work !== FUNCTIONS * 200) throw new Error('unreachable');
finish();
