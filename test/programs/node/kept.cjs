/**
 * Objects of classes, and what keeps them:
 *
 *     Session   57, in an array in the variable `leaked`; ten more after each SIGUSR2; 40 bytes each
 *     Entry     13, in a Map in the variable `cache`; each keeps a string that nothing else has, of 1,000 characters
 *     Hidden     5, in a WeakMap in the variable `hidden`, as values of the first entries
 *
 * A function that a timer calls uses the variables. With the argument `own` it handles SIGUSR1, by saying `own`;
 * with `worker` there is a worker, which does nothing.
 */
'use strict';
const { Worker } = require('node:worker_threads');

class Session {
  constructor(number) {
    this.number = `session ${number}`;
    this.open = true;
  }
}

class Entry {
  constructor(number) {
    this.text = Buffer.alloc(1000, 97 + number).toString('latin1');
  }
}

class Hidden {}

const leaked = [];
const cache = new Map();
const hidden = new WeakMap();

function addSessions(count) {
  for (let i = 0; i < count; i++) leaked.push(new Session(leaked.length));
}

function keep() {
  return [leaked, cache, hidden];
}

addSessions(57);
for (let i = 0; i < 13; i++) cache.set(`key ${i}`, new Entry(i));
for (const entry of [...cache.values()].slice(0, 5)) hidden.set(entry, new Hidden());
if (process.argv[2] === 'own') process.on('SIGUSR1', () => console.log('own'));
process.on('SIGUSR2', () => {
  addSessions(10);
  console.log('grown');
});
setInterval(keep, 1000);
const ready = () => console.log('ready');
if (process.argv[2] === 'worker') new Worker('setInterval(() => {}, 1000)', { eval: true }).on('online', ready);
else ready();
