/** `--trace-python-allocators`: every object, at its line, as its source states it and as tracemalloc measures it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  recordAndCompare,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { compareHealth, ENVIRONMENT, findPythons, type Python, pythonProgram, startGatedPython } from './python.ts';
import { Stacks } from './stated-stacks.ts';

const OBJECTS = pythonProgram('objects.py');
/** Blocks that objects.py makes and frees, and that pymalloc passes on. */
const FREED_LARGE = 3_000;
const OPTION = '--trace-python-allocators';

interface Sums {
  blocks: number;
  bytes: number;
}

interface Recorded extends Sums {
  allocators: Set<string>;
}

interface MarkedLine {
  line: number;
  name: string;
  /** Blocks; undefined: not stated. */
  made?: number;
  kept?: number;
}

/** Lines of objects.py that end in `# NAME: M made, K kept` or `# NAME`. */
function markedLines(): MarkedLine[] {
  const marked: MarkedLine[] = [];
  for (const [index, text] of readFileSync(OBJECTS, 'utf8').split('\n').entries()) {
    const [, name, made, kept] = /^ {4}.* {2}# ([a-z ]+)(?:: (\d+) made, (\d+) kept)?$/.exec(text) ?? [];
    if (name) marked.push({ line: index + 1, name, ...(made && { made: Number(made), kept: Number(kept) }) });
  }
  assert.deepEqual([marked.length, marked.filter((line) => line.made).length], [11, 7]);
  return marked;
}

function lineOf(name: string): number {
  return markedLines().find((line) => line.name === name)!.line;
}

/** What tracemalloc says is live in the end, by line of objects.py. */
function tracemallocSums(python: Python): Map<number, Sums> {
  const text = execFileSync(python.path, ['-S', OBJECTS, 'state'], { encoding: 'utf8', env: ENVIRONMENT });
  const lines = text.trim().split('\n');
  return new Map(lines.map((line) => JSON.parse(line)).map(({ line, ...sums }) => [line, sums]));
}

/**
 * A view by line of objects.py: that of the innermost Python frame, as tracemalloc has it. Like tracemalloc without
 * mappings: pools of small objects, and from 3.11 on pieces of the interpreter's own stack.
 */
function recordedSums(capture: CaptureFile, view: string): Map<number, Recorded> {
  const stacks = new Stacks(capture);
  const sums = new Map<number, Recorded>();
  for (const row of capture.rows(view)) {
    const frame = stacks.frames(row.stack_id).find(({ language }) => language === 'python');
    if (frame?.file !== OBJECTS || row.allocator === 'mmap') continue;
    const sum = sums.get(frame.line!) ?? { blocks: 0, bytes: 0, allocators: new Set() };
    sums.set(frame.line!, sum);
    sum.blocks += row.allocations;
    sum.bytes += row.bytes;
    sum.allocators.add(row.allocator);
  }
  return sums;
}

/** Every difference between a capture, the comments in objects.py, and tracemalloc. */
function compareObjects(python: Python, capture: CaptureFile): string[] {
  const [made, live, measured] = [
    recordedSums(capture, 'allocations'),
    recordedSums(capture, 'leaks'),
    tracemallocSums(python),
  ];
  return markedLines().flatMap(({ line, name, ...stated }) => {
    const recorded = { made: made.get(line)?.blocks, kept: live.get(line)?.blocks ?? 0 };
    const checks: [string, unknown, unknown][] = [
      ['recorded and stated blocks', recorded, { ...recorded, ...stated }],
      ['allocators are not pymalloc_*', [...(made.get(line)?.allocators ?? [])].filter(isSystems), []],
      ['live blocks as recorded and as in tracemalloc', recorded.kept, measured.get(line)?.blocks ?? 0],
      ['live bytes as recorded and as in tracemalloc', live.get(line)?.bytes ?? 0, measured.get(line)?.bytes ?? 0],
    ];
    return checks
      .map(([what, one, other]) => [what, JSON.stringify(one), JSON.stringify(other)])
      .filter(([, one, other]) => one !== other)
      .map(([what, one, other]) => `line ${line}, ${name}: ${what}: ${one} ${other}`);
  });
}

function isSystems(allocator: string): boolean {
  return !allocator.startsWith('pymalloc_');
}

/** Records objects.py, or other words for Python, from the start. Without site: what is installed is of no interest. */
async function launch(t: TestContext, python: Python, mpArgs: string[], words = [OBJECTS], env = ENVIRONMENT) {
  const path = join(scratchFolder(t), 'capture.db');
  const finished = await mp(t, ['run', '-q', ...mpArgs, '-o', path, '--', python.path, '-S', ...words], { env });
  assert.deepEqual([finished.code, finished.stderr], [0, '']);
  return { capture: openCapture(t, path), stdout: finished.stdout };
}

/** The distribution's build has its allocator inlined; others are taken to be built as CPython is by default. */
function hasInlinedAllocator({ path }: Python): boolean {
  return realpathSync(path).startsWith('/usr/bin/');
}

const INLINED = findPythons().filter(hasInlinedAllocator);
const ATTACHABLE = findPythons().filter((python) => !hasInlinedAllocator(python));

function lacksAny(pythons: Python[], what: string): string | false {
  return pythons.length > 0 ? false : `no CPython ${what} is installed`;
}

describe('objects of a launched Python', { skip: cannotRecord() }, () => {
  for (const python of findPythons()) {
    test(`${python.version} (${python.path})`, async (t) => {
      const { capture, stdout } = await launch(t, python, [OPTION]);
      assert.equal(stdout, 'ok\n');
      assertNone([...compareObjects(python, capture), ...compareHealth(capture)]);
      const allocators = recordedSums(capture, 'allocations').get(lineOf('slots'))!.allocators;
      assert.deepEqual([...allocators], ['pymalloc_malloc']);
      assert.equal(capture.losses().get('unmatched_free'), 0, 'large blocks are not freed twice');
    });
  }

  test('without the option only what reaches the system allocator', async (t) => {
    const { capture } = await launch(t, findPythons().at(-1)!, []);
    const made = recordedSums(capture, 'allocations');
    assert.deepEqual(
      [...made.values()].flatMap(({ allocators }) => [...allocators]).filter((a) => !isSystems(a)),
      [],
    );
    for (const name of ['slots', 'freed slots', 'zeroed', 'tuples', 'dicts'])
      assert.ok((made.get(lineOf(name))?.blocks ?? 0) < 20, `${name}: pymalloc takes memory in pools`);
    for (const { name, line, made: stated } of markedLines().filter((marked) => marked.name.includes('large')))
      assert.equal(made.get(line)?.blocks, stated, name);
    assertNone(compareHealth(capture));
  });

  const PRINT = ['-c', 'import os; print(os.environ.get("PYTHONMALLOC"))'];
  const ENVIRONMENTS: [string[], string | undefined, string][] = [
    [[OPTION], 'debug', 'debug'],
    [[], undefined, 'None'],
  ];
  for (const [mpArgs, value, seen] of ENVIRONMENTS) {
    test(`PYTHONMALLOC is left alone: ${value} ${mpArgs}`, async (t) => {
      const env = { ...ENVIRONMENT, ...(value && { PYTHONMALLOC: value }) };
      const { stdout } = await launch(t, findPythons().at(-1)!, mpArgs, PRINT, env);
      assert.equal(stdout, `${seen}\n`);
    });
  }

  test('a Python that does not heed PYTHONMALLOC: all objects, or a word about it', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const python = INLINED[0] ?? findPythons()[0]!;
    const { code, stderr } = await mp(t, ['run', OPTION, '-o', path, '--', python.path, '-I', '-S', OBJECTS]);
    assert.equal(code, 0);
    const slots = recordedSums(openCapture(t, path), 'allocations').get(lineOf('slots'));
    if (slots?.blocks !== 100_000) assert.match(stderr, /^mp: .*(PYTHONMALLOC|allocator)/m);
  });
});

describe('objects of a Python that is attached to', {
  skip: cannotRecord() || lacksAny(ATTACHABLE, 'whose allocator is not inlined'),
}, () => {
  for (const python of ATTACHABLE) {
    test(`${python.version} (${python.path})`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const target = startGatedPython(t, python, 'objects.py');
      const tracer = start(t, MP, ['trace', '-q', OPTION, '--pid', `${target.pid}`, '-o', path]);
      await untilTraced(path, target.pid, tracer);
      target.open();
      await until('the objects', () => target.stdout().includes('ok'));
      const detach = await mp(t, ['detach', `${target.pid}`]);
      assert.deepEqual([detach.code, detach.stderr], [0, '']);
      assert.deepEqual(await tracer.finished, { code: 0, signal: null, stdout: '', stderr: '' });
      assert.equal(target.child.exitCode, null, 'the target goes on');
      target.close();
      assert.deepEqual(await target.finished, { code: 0, signal: null, stdout: 'ok\n', stderr: '' });
      const capture = openCapture(t, path);
      assertNone([...compareObjects(python, capture), ...compareHealth(capture)]);
      const unmatched = capture.losses().get('unmatched_free')!;
      assert.ok(unmatched < FREED_LARGE, `${unmatched} unmatched frees: large blocks are freed twice`);
    });
  }
});

describe("objects of the distribution's Python", {
  skip: cannotRecord() || lacksAny(INLINED, 'of the distribution'),
}, () => {
  for (const python of INLINED) {
    test(`${python.version} (${python.path}) attached to: refused, and unharmed`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const target = startGatedPython(t, python, 'objects.py');
      const refused = await mp(t, ['trace', OPTION, '--pid', `${target.pid}`, '-o', path]);
      assert.deepEqual([refused.code, refused.stdout], [1, '']);
      assert.match(refused.stderr, /^mp: .*process \d+: .* inlined; .*mp run --trace-python-allocators.*\n$/);
      assert.ok(!existsSync(path), 'no capture');
      target.open();
      await until('the objects', () => target.stdout().includes('ok'));
      target.close();
      assert.deepEqual(await target.finished, { code: 0, signal: null, stdout: 'ok\n', stderr: '' });
    });
  }
});

describe('programs without Python', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of ['run', 'trace'] as const) {
    test(`${mode}: the option changes nothing`, async (t) => {
      await recordAndCompare(t, mode, 'allocators', { mpArgs: [OPTION] });
    });
  }
});
