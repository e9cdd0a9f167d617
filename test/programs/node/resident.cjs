/**
 * With `buffers` 100 Buffers of 1 MiB, all touched, and next to no objects; with `heap` some 60 MiB of objects, and no
 * Buffers. Says "ready" and what V8 says of its memory, and waits until the gate is gone; see ../resident.c.
 */
'use strict';
const { existsSync, writeSync } = require('node:fs');

const MIB = 2 ** 20;
const lock = new Int32Array(new SharedArrayBuffer(4));
const kept = [];

function waitUntilGate(exists) {
  while (process.env.MP_GATE && existsSync(process.env.MP_GATE) !== exists) Atomics.wait(lock, 0, 0, 1);
}

waitUntilGate(true);
if (process.argv[2] === 'buffers') for (let i = 0; i < 100; i++) kept.push(Buffer.alloc(MIB, 1));
else for (let i = 0; i < 1_000_000; i++) kept.push({ number: i, next: kept[i - 1] });
writeSync(1, `ready ${JSON.stringify(process.memoryUsage())}\n`);
waitUntilGate(false);
