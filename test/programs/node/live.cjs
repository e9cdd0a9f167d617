// A server and the child that it forks keep Buffers until the gate (MP_GATE) is open; for those who watch a recording.
const { fork } = require('node:child_process');
const { existsSync } = require('node:fs');

const isChild = process.argv[2] === 'child';
const kept = [];

function keepInChild() {
  kept.push(Buffer.alloc(2 * 2 ** 20));
}

function keepInParent() {
  kept.push(Buffer.alloc(3 * 2 ** 20));
}

if (isChild) {
  keepInChild();
} else {
  keepInParent();
  fork(__filename, ['child']);
}
const waiting = setInterval(() => existsSync(process.env.MP_GATE) && clearInterval(waiting), 10);
