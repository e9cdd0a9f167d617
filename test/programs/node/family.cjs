/**
 * A family of Nodes. Called without an argument: allocates, then has a fork, a spawned and a synchronously spawned child
 * and two workers, each of which keeps N Buffers of N * 100,000 bytes (function `keep`) and ends with code N, and prints
 * the codes.
 *
 *     launched process   main thread   10 Buffers of 1,000,000 bytes: keep(10)
 *                        workers       keep(5), keep(6)
 *     fork               keep(3)
 *     spawn              keep(4)
 *     spawnSync          keep(7)
 */
const { fork, spawn, spawnSync } = require('node:child_process');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const kept = [];

function keep(count) {
  for (let i = 0; i < count; i++) kept.push(Buffer.alloc(count * 100_000));
}

const ended = (child) => new Promise((done) => child.on('exit', done));

async function haveChildren() {
  const codes = await Promise.all([
    ended(fork(__filename, ['3'])),
    ended(spawn(process.execPath, [__filename, '4'], { stdio: 'inherit' })),
    ended(new Worker(__filename, { workerData: 5 })),
    ended(new Worker(__filename, { workerData: 6 })),
  ]);
  codes.push(spawnSync(process.execPath, [__filename, '7']).status);
  process.stdout.write(`${JSON.stringify(codes)}\n`);
}

if (!isMainThread || process.argv.length > 2) {
  const count = isMainThread ? Number(process.argv[2]) : workerData;
  keep(count);
  process.exitCode = count;
} else {
  keep(10);
  haveChildren();
}
