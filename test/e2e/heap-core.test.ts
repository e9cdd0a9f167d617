/** `mp heap`, `mp sizeof` and `mp objgraph` of core files: as of the process at the same moment. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { cannotRecord, mp, scratchFolder, start, until } from './helpers.ts';
import { ENVIRONMENT, findPythons, type Python, pythonProgram } from './python.ts';

const pythons = findPythons();

/** A process that stays as it is, and what it states. */
async function startGraph(t: TestContext, python: Python) {
  const target = start(t, python.path, [pythonProgram('graph.py')], { env: ENVIRONMENT });
  const line = await until('the line of graph.py', () => /^.*\n/.exec(target.stdout())?.[0], 60_000);
  return { pid: target.pid, stated: JSON.parse(line) as { cache: number; sessions: number } };
}

function writeCore(t: TestContext, pid: number, ...prefix: string[]): string {
  const path = join(scratchFolder(t), 'core');
  execFileSync(pythons.at(-1)!.path, [pythonProgram('write_core.py'), `${pid}`, path, ...prefix], { env: ENVIRONMENT });
  return path;
}

/** What mp prints; its first line about the reading is `expected`. */
async function ask(t: TestContext, expected: RegExp, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mp(t, args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, expected);
  return stdout;
}

describe('heap of a core file', { skip: cannotRecord() }, () => {
  for (const python of [pythons[0]!, pythons.at(-1)!]) {
    it(`has the objects that ${python.version} had`, async (t) => {
      const { pid, stated } = await startGraph(t, python);
      const core = writeCore(t, pid);
      const quiet = new RegExp(`^core file ${core} of process ${pid} was read\n$`);
      const live = await ask(t, /stood still/, 'heap', '--json', '--by', 'id', `${pid}`);
      assert.ok(JSON.parse(live).count > 5000);
      assert.ok((await ask(t, quiet, 'heap', '--json', '--by', 'id', '--core', core)) === live, 'they differ');

      const sizes = JSON.parse(await ask(t, quiet, 'sizeof', '--json', '--core', core, '__main__.cache'));
      assert.equal(sizes.sized[0].deep, stated.cache);
      const count = await ask(t, quiet, 'objgraph', '--count', 'Session', '--core', core);
      assert.equal(Number(count), stated.sessions);
    });
  }

  it('is read where its files are elsewhere, and says so where they are not', async (t) => {
    const { pid, stated } = await startGraph(t, pythons.at(-1)!);
    const core = writeCore(t, pid, '/elsewhere');
    const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
    const files = new Set(maps.match(/\/\S*\/(?:lib)?python3[^/\s]*$/gm));
    const { code, stderr } = await mp(t, ['heap', '--core', core]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /runs no CPython; \/elsewhere\/\S*python\S* can't be read, or is another file by now: give the right one with --exe\n$/,
    );
    const given = [...files].flatMap((file) => ['--exe', file]);
    const args = ['sizeof', '--json', '--core', core, ...given, '__main__.cache'];
    const sizes = JSON.parse(await ask(t, /^core file/, ...args));
    assert.equal(sizes.sized[0].deep, stated.cache);
  });
});
