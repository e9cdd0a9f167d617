/** `mp heap` of running Pythons, against what they say of themselves. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Partition } from '../../src/heap/partition.ts';
import { cannotRecord, mp, scratchFolder, start, until } from './helpers.ts';
import { ENVIRONMENT, findPythons, type Python, pythonProgram } from './python.ts';

/** Nothing was inconsistent. */
const QUIET = /^process \d+ stood still for [\d.]+ ms\n$/;

/** Starts a program that states something in one line, and stays as it is. */
async function startStating<T>(t: TestContext, python: Python, program: string) {
  const target = start(t, python.path, [pythonProgram(program)], { env: ENVIRONMENT });
  const line = await until(
    `the line of ${program}; it says: ${target.stderr()}`,
    () => {
      assert.equal(target.child.exitCode, null, target.stderr());
      return /^.*\n/.exec(target.stdout())?.[0];
    },
    60_000,
  );
  return { pid: target.pid, target, stated: JSON.parse(line) as T };
}

async function heapOf(t: TestContext, pid: number, ...options: string[]): Promise<Partition> {
  const { code, stdout, stderr } = await mp(t, ['heap', '--json', ...options, `${pid}`]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, QUIET);
  return JSON.parse(stdout) as Partition;
}

/** What mp says about a process, without the line about its pause. */
async function ask(t: TestContext, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mp(t, args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, QUIET);
  return stdout;
}

/** `{"dict count": 10, "dict size": 640, …}` */
function totals({ rows }: Partition): Record<string, number> {
  return Object.fromEntries(
    rows.flatMap(({ kind, count, size }) => [
      [`${kind} count`, count],
      [`${kind} size`, size],
    ]),
  );
}

const pythons = findPythons();

describe('heap', { skip: cannotRecord() }, () => {
  for (const python of pythons) {
    describe(python.version, () => {
      it('has the tracked objects, and the sizes, that the process itself has', async (t) => {
        const { pid, stated } = await startStating<Record<string, number>>(t, python, 'census.py');
        const expected = Object.entries(stated).map(([kind, sum]) => [kind.replace(/^builtins\./, ''), sum]);
        assert.ok(expected.length > 200);
        assert.deepEqual(totals(await heapOf(t, pid, '--by', 'type', '--tracked')), Object.fromEntries(expected));
      });

      it('has objects that are not tracked, and that nothing leads to, but none that were freed', async (t) => {
        type Stated = Record<string, { size: number; held: number[]; freed: number[] }>;
        const { pid, stated } = await startStating<Stated>(t, python, 'untracked.py');
        const { rows } = await heapOf(t, pid, '--by', 'id');
        for (const [type, { size, held, freed }] of Object.entries(stated)) {
          const found = rows.filter((row) => row.kind.startsWith(`${type}: `) && row.size === size);
          const addresses = new Set(found.map((row) => Number(row.kind.split(' ').at(-1))));
          assert.deepEqual(
            held.filter((address) => !addresses.has(address)),
            [],
            type,
          );
          // a float may have been put where another one was
          const revived = freed.filter((address) => addresses.has(address)).length;
          assert.ok(revived <= (type === 'float' ? freed.length / 20 : 0), `${revived} freed ones of ${type}`);
        }
      });

      it('says how objects are held, and how large they are', async (t) => {
        interface Stated {
          cache: number;
          sessions: number;
        }
        const { pid, stated } = await startStating<Stated>(t, python, 'graph.py');
        const sizes = JSON.parse(await ask(t, 'sizeof', '--json', `${pid}`, '__main__.cache'));
        assert.equal(sizes.sized[0].deep, stated.cache);

        const chain = await ask(t, 'objgraph', '--chain', 'Session[3]', `${pid}`);
        const labels = chain.split('\n').map((line) => line.trim().replace(/ 0x\w+$/, ''));
        const links = ['→ .__dict__ dict', "→ ['sessions'] list", '→ [3] __main__.Session'];
        assert.deepEqual(labels, ['module __main__', ...links, '']);
      });
    });
  }

  it('says what has grown', async (t) => {
    const { pid, target } = await startStating(t, pythons.at(-1)!, 'graph.py');
    const peaks = join(scratchFolder(t), 'peaks.json');
    const growth = ['objgraph', '--growth', peaks, '--limit', '1000', `${pid}`];
    assert.match(await ask(t, ...growth), /^Session +5 +\+5$/m);
    process.kill(pid, 'SIGUSR1');
    await until('ten more Sessions', () => target.stdout().split('\n').length > 2, 60_000);
    assert.match(await ask(t, ...growth), /^Session +15 +\+10$/m);
  });
});
