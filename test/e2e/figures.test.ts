/** The figures of Pythons that are running, against what they say of themselves. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { cannotRecord, MP, mp, processState, scratchFolder, start, until, untilTraced } from './helpers.ts';
import { ENVIRONMENT, findPythons, type Python, pythonProgram } from './python.ts';

const LIMIT_MS = 60_000;
const INTERNED = 10_000;
/** What the program makes between its statement and its rest. */
const SLACK = { objects: 4, blocks: 40, bytes: 8192 };

type Binding = typeof import('../../src/native/binding.ts');
const built = pathToFileURL(join(import.meta.dirname, '../../build/js/src/native/binding.js'));
const { openHeap } = (await import(built.href)) as Binding;

/** What a line of sys._debugmallocstats() says: `# arenas highwater mark    =      34`, `89 unused pools * 16384 bytes …`. */
function numberOf(text: string, line: string): number {
  const found = new RegExp(`^(?:# )?${line} += +([\\d,]+)$`, 'm').exec(text)?.[1];
  assert.ok(found, line);
  return Number(found.replaceAll(',', ''));
}

/** Of the table `class  size  num pools  blocks in use  avail blocks`. */
function blocksInUse(text: string): number {
  const rows = [...text.matchAll(/^ +\d+ +\d+ +\d+ +(\d+) +\d+$/gm)];
  return rows.reduce((sum, [, blocks]) => sum + Number(blocks), 0);
}

async function startStating(t: TestContext, python: Python) {
  const target = start(t, python.path, [pythonProgram('figures.py')], { env: ENVIRONMENT });
  await until('the statement', () => target.stderr().includes('\nstated\n'), LIMIT_MS);
  // it rests in sigwait
  await until('its rest', () => processState(target.pid) === 'S', LIMIT_MS);
  const intern = async () => {
    process.kill(target.pid, 'SIGUSR1');
    await until('interned strings', () => target.stdout().endsWith('interned\n'), LIMIT_MS);
  };
  const { tracked } = JSON.parse(target.stdout()) as { tracked: number };
  const said = target.stderr();
  const arenaBytes = /^\d+ arenas \* (\d+) bytes\/arena/m.exec(said)![1]!;
  return {
    pid: target.pid,
    intern,
    stated: {
      'gc.objects': tracked,
      'pymalloc.allocated': numberOf(said, 'bytes in allocated blocks'),
      'pymalloc.blocks': blocksInUse(said),
      'pymalloc.free': numberOf(said, 'bytes in available blocks') + numberOf(said, '\\d+ unused pools \\* \\d+ bytes'),
      'pymalloc.max_size': numberOf(said, 'arenas highwater mark') * Number(arenaBytes),
      'pymalloc.size': numberOf(said, 'arenas allocated current') * Number(arenaBytes),
    },
  };
}

type Stated = Awaited<ReturnType<typeof startStating>>['stated'];

function assertNear(found: Partial<Stated>, stated: Stated): void {
  const text = JSON.stringify({ found, stated });
  for (const [name, slack] of [
    ['gc.objects', SLACK.objects],
    ['pymalloc.blocks', SLACK.blocks],
    ['pymalloc.allocated', SLACK.bytes],
    ['pymalloc.free', SLACK.bytes],
    ['pymalloc.max_size', 0],
    ['pymalloc.size', 0],
  ] as const)
    assert.ok(Math.abs(found[name]! - stated[name]) <= slack, `${name} ${text}`);
  assert.ok(stated['pymalloc.max_size'] > stated['pymalloc.size'], text);
}

describe('figures', { skip: cannotRecord() }, () => {
  const pythons = findPythons();
  for (const python of pythons) {
    it(`of ${python.version} are what it has counted itself`, async (t) => {
      const { pid, intern, stated } = await startStating(t, python);
      const heap = openHeap(pid, 0);
      const before = heap.figures();
      const found = {
        'gc.objects': before.trackedObjects!,
        'pymalloc.allocated': before.pymallocAllocatedBytes!,
        'pymalloc.blocks': before.pymallocBlocks!,
        'pymalloc.free': before.pymallocFreeBytes!,
        'pymalloc.max_size': before.pymallocMaxBytes!,
        'pymalloc.size': before.pymallocBytes!,
      };
      assertNear(found, stated);
      await intern();
      const after = heap.figures();
      assert.equal(after.internedStrings! - before.internedStrings!, INTERNED);
      assert.ok(after.internedBytes! >= after.internedStrings! * 16, JSON.stringify(after));
    });
  }

  it('come with a snapshot, and stand in its top', async (t) => {
    const { pid, stated } = await startStating(t, pythons.at(-1)!);
    const folder = scratchFolder(t);
    const [capture, snapshot] = [join(folder, 'capture.db'), join(folder, 'snapshot.db')];
    const tracer = start(t, MP, ['trace', '-q', '--pid', `${pid}`, '-o', capture]);
    await untilTraced(capture, pid, tracer);
    const taken = await mp(t, ['snapshot', '-o', snapshot, `${pid}`]);
    assert.equal(taken.code, 0, taken.stderr);
    const top = await mp(t, ['top', '-q', '--json', snapshot]);
    const metrics: { name: string; value: number }[] = JSON.parse(top.stdout)[0].metrics;
    const found = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
    assertNear(found, stated);
    assert.equal(found['pymalloc.fragmentation'], found['pymalloc.free']! / found['pymalloc.size']!);
    assert.ok(found['unicode_interned.len']! > 1000 && found['unicode_interned.size']! > 0, top.stdout);
    assert.match(
      (await mp(t, ['top', '-q', snapshot])).stdout,
      /^ *pymalloc\.fragmentation: \d+\.\d%\n *pymalloc\.free: \d+ [KM]iB$/m,
    );
  });
});
