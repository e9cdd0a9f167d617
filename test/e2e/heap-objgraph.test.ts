/** `mp objgraph` from outside and objgraph inside give the same answers about one process. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Partition } from '../../src/heap/partition.ts';
import { cannotRecord, mp, scratchFolder, start, until } from './helpers.ts';
import { ENVIRONMENT, pythonProgram } from './python.ts';

/** The one for which Debian has the package python3-objgraph. */
const PYTHON = '/usr/bin/python3';
const LIMIT_MS = 60_000;

interface Stated {
  types: Record<string, number>;
  chain: [address: number, type: string][];
  growth: [name: string, count: number, delta: number][];
}

interface Grown {
  name: string;
  count: number;
  delta: number;
}

async function ask<T>(t: TestContext, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await mp(t, ['objgraph', '--json', '--limit', '1000000', ...args]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^process \d+ stood still for /);
  return JSON.parse(stdout) as T;
}

/** The program, and the lines that it has written; one more comes with every SIGUSR1. */
function startCompared(t: TestContext) {
  const target = start(t, PYTHON, [pythonProgram('compared.py')], { env: ENVIRONMENT });
  const stated = async (line: number) => {
    const found = () => {
      assert.equal(target.child.exitCode, null, target.stderr());
      const lines = target.stdout().split('\n').slice(0, -1);
      return lines[line];
    };
    return JSON.parse(await until(`line ${line} of compared.py`, found, LIMIT_MS)) as Stated;
  };
  return { target, pid: `${target.pid}`, stated };
}

test('types, growth and the way to a module are those of objgraph', { skip: cannotRecord() }, async (t) => {
  const { target, pid, stated } = startCompared(t);
  const { types, chain } = await stated(0);
  const peaks = join(scratchFolder(t), 'peaks.json');
  const first = await ask<Grown[]>(t, '--growth', peaks, pid);
  assert.ok(first.length > 50);
  assert.deepEqual(Object.fromEntries(first.map(({ name, count }) => [name, count])), types);
  const found = await ask<{ name: string; count: number }[]>(t, pid);
  assert.deepEqual(Object.fromEntries(found.map(({ name, count }) => [name, count])), types);

  const way = await ask<{ address: string; type: string }[]>(t, '--chain', `${chain.at(-1)![0]}`, pid);
  assert.deepEqual(
    way.map(({ address, type }) => [Number(address), type.split('.').at(-1)]),
    chain,
  );
  assert.deepEqual(
    chain.map(([, type]) => type),
    ['module', 'dict', 'list', 'Session'],
  );

  process.kill(target.pid, 'SIGUSR1');
  const { growth } = await stated(1);
  const byName = (rows: [string, number, number][]) => rows.sort(([a], [b]) => (a < b ? -1 : 1));
  const grown = await ask<Grown[]>(t, '--growth', peaks, pid);
  assert.deepEqual(byName(grown.map(({ name, count, delta }) => [name, count, delta])), byName(growth));
  assert.deepEqual(
    growth.find(([name]) => name === 'Session'),
    ['Session', 15, 10],
  );
});

test('objects that are new since the last time, and since a mark', { skip: cannotRecord() }, async (t) => {
  const { target, pid, stated } = startCompared(t);
  await stated(0);
  await ask(t, '--new-ids', pid);
  const marked = await mp(t, ['heap', '--mark', 'start', pid]);
  assert.match(marked.stderr, /^start is of [\d,]+ objects$/m);
  process.kill(target.pid, 'SIGUSR1');
  await stated(1);
  const fresh = await ask<{ name: string; new: number; deltas: number; ids: string[] }[]>(t, '--new-ids', pid);
  const session = fresh.find(({ name }) => name === 'Session')!;
  assert.deepEqual([session.new, session.deltas, session.ids.length], [10, 10, 10]);
  const since = await mp(t, ['heap', '--json', '--by', 'type', '--relative-to', 'start', pid]);
  const { rows } = JSON.parse(since.stdout) as Partition;
  const countOf = (type: string) => rows.find(({ kind }) => kind === type)?.count;
  assert.deepEqual([countOf('__main__.Session'), countOf('function')], [10, undefined]);
});
