/** `mp heap --sites`: the objects of a process by the line that allocated them, from its recording. */
import assert from 'node:assert/strict';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Partition } from '../../src/heap/partition.ts';
import { cannotRecord, MP, mp, type Started, scratchFolder, start, until, untilTraced } from './helpers.ts';
import { ENVIRONMENT, findPythons, pythonProgram } from './python.ts';

const LINES = pythonProgram('lines.py');
const OPTIONS = ['-q', '--trace-python-allocators', '--events'];
const LIMIT_MS = 60_000;
/** Another allocator than that of the distribution's Python can be attached to. */
const ATTACHABLE = findPythons().filter(({ path }) => !realpathSync(path).startsWith('/usr/bin/'));

/** Lines of lines.py that end in `# NAME: N TYPE`. */
const stated = readFileSync(LINES, 'utf8')
  .split('\n')
  .flatMap((text, i) => {
    const [, name, count, type] = / {2}# ([a-z]+): (\d+) (\S+)$/.exec(text) ?? [];
    return name === undefined ? [] : [{ name, line: i + 1, count: Number(count), type: type! }];
  });

async function heapOf(t: TestContext, pid: number, ...options: string[]): Promise<Partition> {
  const { code, stdout, stderr } = await mp(t, ['heap', '--json', '--sites', '--by', 'type', ...options, `${pid}`]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Partition;
}

/** How many objects of a type a line has made; undefined of a line: by nobody that was traced. */
function countAt({ rows }: Partition, type: string, line: number | undefined): number {
  const isWanted = (site: string) =>
    line === undefined ? site === '(before tracing)' : site.startsWith(`${LINES}:${line} (`);
  return rows.filter(({ kind, site }) => kind === type && isWanted(site!)).reduce((sum, { count }) => sum + count, 0);
}

/** Waits for a line, and gives what is in its parentheses. */
function says(target: Started, what: RegExp): Promise<string> {
  const found = () => {
    assert.equal(target.child.exitCode, null, target.stderr());
    return what.exec(target.stdout())?.[1];
  };
  return until(`${what}; it says: ${target.stderr()}`, found, LIMIT_MS);
}

test('every object at its line, and what was made before tracing is said to be so', {
  skip: cannotRecord() || (ATTACHABLE.length > 0 ? false : 'no CPython whose allocator is not inlined'),
}, async (t) => {
  const folder = scratchFolder(t);
  const [gate, capture] = [join(folder, 'gate'), join(folder, 'capture.db')];
  const target = start(t, ATTACHABLE.at(-1)!.path, ['-S', LINES], { env: { ...ENVIRONMENT, MP_GATE: gate } });
  assert.equal(stated.length, 4);
  await says(target, /^(early)$/m);
  const tracer = start(t, MP, ['trace', ...OPTIONS, '--pid', `${target.pid}`, '-o', capture]);
  await untilTraced(capture, target.pid, tracer);
  writeFileSync(gate, '');
  await says(target, /^(ok) /m);
  const found = await heapOf(t, target.pid);
  for (const { name, type, line, count } of stated) {
    if (name === 'early') assert.equal(countAt(found, type, undefined), count);
    else assert.equal(countAt(found, type, line), count, name);
  }
  const asked = ['--sites', '--capture', capture, '--refs', 'Plain[0]', '--max-depth', '1', `${target.pid}`];
  const { stdout, stderr } = await mp(t, ['objgraph', '--json', ...asked]);
  const [{ site, stack }] = JSON.parse(stdout).objects;
  assert.ok(site.startsWith(`${LINES}:${stated.find(({ name }) => name === 'plain')!.line} (make_plain`), site);
  assert.equal(stack[0], site);
  assert.match(stack.at(-1), /lines\.py:\d+ \(<module>\)$/, stderr);
});
