/** `mp heap`, `mp objgraph` and `mp sizeof` of running Nodes, by their inspectors. See kept.cjs for what is to be found. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { backreferenceChain, chainText } from '../../src/heap/chain.ts';
import { HeapGraph } from '../../src/heap/graph.ts';
import { readSnapshot } from '../../src/heap/node/read-snapshot.ts';
import { RetainedSizer } from '../../src/heap/node/retained-size.ts';
import type { Partition } from '../../src/heap/partition.ts';
import { findInspector } from '../../src/inspector/find.ts';
import { cannotRecord, MP, mp, type Started, scratchFolder, start, until } from './helpers.ts';
import { findNodes, type Node, nodeProgram } from './node.ts';

/** Without what makes a Node open its inspector or load modules. */
const { NODE_OPTIONS, NODE_TEST_CONTEXT, NODE_V8_COVERAGE, NODE_EXTRA_CA_CERTS, ...ENVIRONMENT } = process.env;
const LIMIT_MS = 60_000;
/** A port that nobody else has. */
const ANY_PORT = '--inspect-port=0';
/** From a root to a Session, by the variable. */
const CHAIN = /^\S.*\n( +→ .*\n)* +→ variable leaked Array @\d+\n +→ \[\d+\] Session @\d+\n$/;

async function startKept(t: TestContext, node: Node, flags: string[], ...args: string[]): Promise<Started> {
  const target = start(t, node.path, [...flags, nodeProgram('kept.cjs'), ...args], { env: ENVIRONMENT });
  await until('the program', () => target.stdout() === 'ready\n', LIMIT_MS);
  return target;
}

async function ask(t: TestContext, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mp(t, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refusal(t: TestContext, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mp(t, args);
  assert.deepEqual([code, stdout], [1, ''], stderr);
  return stderr;
}

function graphIn(t: TestContext, path: string): HeapGraph {
  const file = openSync(path, 'r');
  t.after(() => closeSync(file));
  const { heap, names } = readSnapshot(file, 'process');
  return new HeapGraph(heap, names);
}

const nodes = findNodes();
const newest = nodes.at(-1)!;

describe('a Node and its inspector', { skip: cannotRecord() }, () => {
  for (const node of nodes) {
    it(`has the objects that there are, and what keeps them, and is closed again, ${node.version}`, async (t) => {
      const target = await startKept(t, node, [ANY_PORT]);
      const kept = join(scratchFolder(t), 'kept.heapsnapshot');
      const finished = await mp(t, ['heap', '--json', '--inspect-ok', '--keep', kept, `${target.pid}`]);
      assert.match(
        finished.stderr,
        /^process \d+ ran no JavaScript for at most [\d.]+ ms, .* opened and closed again\n$/,
      );
      const { rows } = JSON.parse(finished.stdout) as Partition;
      const counts = Object.fromEntries(rows.map(({ kind, count, size }) => [kind, [count, size]]));
      assert.deepEqual(counts.Session, [57, 57 * 40]);
      assert.deepEqual([counts.Entry?.[0], counts.Hidden?.[0]], [13, 5]);
      assert.equal(await findInspector(target.pid), null);
      assert.equal(target.child.exitCode, null);

      const graph = graphIn(t, kept);
      const chain = chainText(graph, backreferenceChain(graph, graph.resolve('Session[56]'), 20));
      assert.match(chain, CHAIN);
      const sizer = new RetainedSizer(graph);
      const entry = sizer.size(graph.resolve('Entry[12]'), 0);
      // a string has a head of 12 to 16 bytes
      assert.ok(entry.deep - entry.flat >= 1012 && entry.deep - entry.flat <= 1016, JSON.stringify(entry));
    });
  }

  it('that is open is used, and stays open', async (t) => {
    const target = await startKept(t, newest, ['--inspect=127.0.0.1:0'], 'worker');
    const folder = scratchFolder(t);
    const peaks = join(folder, 'peaks.json');
    const growth = ['objgraph', '--growth', peaks, '--limit', '1000', `${target.pid}`];
    assert.match(await ask(t, ...growth), /^Session +57 +\+57$/m);
    process.kill(target.pid, 'SIGUSR2');
    await until('ten more', () => target.stdout() === 'ready\ngrown\n', LIMIT_MS);
    const kept = join(folder, 'kept.heapsnapshot');
    const { stdout, stderr } = await mp(t, [...growth, '--keep', kept]);
    assert.match(stdout, /^Session +67 +\+10$/m);
    assert.match(stderr, /, without the heaps of 1 worker\n$/);
    assert.ok(await findInspector(target.pid));

    const table = await ask(t, 'heap', '--snapshot', kept, '--kind', 'Session');
    assert.match(
      table,
      /^Partition of a set of 67 objects. Total size = 2680 bytes.\n.* Kind \(constructor\)\n.* Session\n$/,
    );
    const sizes = await ask(t, 'sizeof', '--snapshot', kept, 'Session[0]', 'Entry[0]');
    assert.match(sizes, / Retained size .*\n.*\nSession\[0\] +40 +\d+ .*\nEntry\[0\] .*\ntotal /);
  });

  it('that is not open is opened only if that does nothing else', async (t) => {
    const plain = await startKept(t, newest, [ANY_PORT]);
    assert.match(
      await refusal(t, 'heap', `${plain.pid}`),
      /is not open: start it with node --inspect, or .* --inspect-ok/,
    );
    const own = await startKept(t, newest, [ANY_PORT], 'own');
    assert.match(await refusal(t, 'heap', '--inspect-ok', `${own.pid}`), /handles SIGUSR1 in a way of its own/);
    const without = await startKept(t, newest, ['--disable-sigusr1']);
    assert.match(
      await refusal(t, 'heap', '--inspect-ok', `${without.pid}`),
      /does not handle SIGUSR1, which would end it/,
    );
    for (const target of [plain, own, without]) {
      assert.equal(await findInspector(target.pid), null);
      assert.deepEqual([target.stdout(), target.child.exitCode, target.child.signalCode], ['ready\n', null, null]);
    }
  });

  it('is closed again by one that is interrupted', async (t) => {
    const target = await startKept(t, newest, [ANY_PORT]);
    const asking = start(t, MP, ['heap', '--inspect-ok', `${target.pid}`]);
    await until('the inspector', () => /listening/.test(target.stderr()), LIMIT_MS);
    asking.child.kill('SIGINT');
    // it may have been quicker
    const { code, signal } = await asking.finished;
    assert.ok(signal === 'SIGINT' || code === 0, `${code} ${signal}`);
    assert.equal(await findInspector(target.pid), null);
  });
});
