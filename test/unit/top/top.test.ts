import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { register } from '../../../src/cli/commands/top.ts';
import { UserError } from '../../../src/util/errors.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';
import { assertGolden } from '../report/golden.ts';
import {
  AFTER,
  AFTER_AT,
  BEFORE,
  BEFORE_AT,
  type MadeOptions,
  METRICS_AFTER,
  METRICS_BEFORE,
  makeSnapshot,
} from './snapshots.ts';

process.env.TZ = 'UTC';

const BLOCKS: MadeOptions['blocks'] = [
  [0x805e7010, 80 * 2 ** 20, 'A'],
  [0x9b531010, 12 * 2 ** 20, 'A'],
  [0x1a9b2838, 1536 * 2 ** 10, 'D'],
  [0xa9fdcf0, 64, 'F'],
  [0xa9fdd40, 36, 'F'],
];

function twoSnapshots(t: TestContext): [string, string] {
  const folder = temporaryFolder(t);
  const paths: [string, string] = [join(folder, 'before.db'), join(folder, 'after.db')];
  makeSnapshot(paths[0], BEFORE_AT, BEFORE, { metrics: METRICS_BEFORE });
  makeSnapshot(paths[1], AFTER_AT, AFTER, { metrics: METRICS_AFTER, blocks: BLOCKS });
  return paths;
}

async function top(...args: string[]): Promise<string> {
  return (await runCommand(register, ['top', '-q', ...args])).out;
}

/** Golden file by name → arguments; `-` stands for no file but the newer one, otherwise both. */
const FORMS: Record<string, string[]> = {
  lines: ['-'],
  'files-compact': ['-', '-f', '-C', '-A', '-M'],
  'cumulative-files-compact': ['-', '-c', '-f', '-n', '2', '-C', '-A', '-M'],
  'cumulative-lines': ['-', '-c', '-M'],
  'two-more': ['-', '-n', '3', '-M'],
  addresses: ['-', '-a', '-n', '3', '-M'],
  differences: [],
  'differences-compact': ['-f', '-n', '2', '-CAM'],
  'hidden-size': ['-', '-S', '-M'],
  'filename-parts': ['-', '-P', '1', '-M'],
  colours: ['--color', '-n', '2'],
  'by-function': ['-', '--by', 'function', '-M'],
  'by-traceback': ['-', '--by', 'traceback', '-M', '-n', '3'],
  'by-thread': ['-', '--by', 'thread', '-M'],
  'by-process': ['-', '--by', 'process', '-M'],
  'by-module': ['-', '--by', 'module', '-M'],
  'by-allocator': ['-', '--by', 'allocator', '-M'],
  block: ['-', '-b', '0x1a9b2838'],
  'block-not-found': ['-', '-b', '291'],
  tracebacks: ['-', '-t', '-n', '3'],
};

for (const [name, args] of Object.entries(FORMS)) {
  test(`the form of ${name}, to the character`, async (t) => {
    const [before, after] = twoSnapshots(t);
    const isOne = args[0] === '-';
    assertGolden(`top-${name}`, await top(...args.slice(isOne ? 1 : 0), after, ...(isOne ? [] : [before])));
  });
}

test('the rows of the document', async (t) => {
  const [before, after] = twoSnapshots(t);
  const out = await top(before, after);
  for (const line of [
    '2013-10-03 11:33:39: Top 6 allocations per filename and line number',
    '#1: .../app/db/load.py:120: size=93 MiB, count=13, average=7 MiB',
    '2013-10-03 11:34:39: Top 6 allocations per filename and line number (compared to 2013-10-03 11:33:39)',
    '#3: .../app/web/view.py:7: size=5002 B (+5000 B), count=2 (+1), average=2501 B',
    '#2: .../app/web/view.py:31: size=0 B (-6 KiB), count=0 (-10)',
    'pymalloc.fragmentation: 5.2% (+1.0%)',
    'pymalloc.size: 1536 KiB',
    'process_memory.rss: 818 MiB (-10 MiB)',
    'gc.objects: 2688709 (+709)',
    '2 snapshots',
  ])
    assert.ok(out.split('\n').includes(line), `${line}\n\n${out}`);
});

test('several files are sorted by time; --first compares with the oldest', async (t) => {
  const [before, after] = twoSnapshots(t);
  const last = join(temporaryFolder(t), 'last.db');
  makeSnapshot(last, '2013-10-03T11:35:39Z', { B: [3, 6002] });
  const headers = async (...args: string[]) =>
    (await top(...args, last, after, before)).split('\n').filter((line) => line.includes('compared to'));
  assert.match((await headers())[1]!, /^2013-10-03 11:35:39: .*compared to 2013-10-03 11:34:39/);
  assert.match((await headers('--first'))[1]!, /^2013-10-03 11:35:39: .*compared to 2013-10-03 11:33:39/);
});

test('the same as JSON, with all groups and exact numbers', async (t) => {
  const [first, second] = JSON.parse(await top('--json', '-n', '1', ...twoSnapshots(t)));
  assert.equal(first.compared_to, null);
  assert.deepEqual(first.rows[0], { file: '/srv/app/db/load.py', line: 120, size: 97517568, count: 13 });
  assert.equal(second.compared_to, BEFORE_AT);
  assert.equal(second.rows.length, 6);
  const vanished = { file: '/srv/app/web/view.py', line: 31, size: 0, count: 0, size_diff: -6144, count_diff: -10 };
  assert.deepEqual(second.rows[1], vanished);
  assert.deepEqual(second.metrics[0], { name: 'gc.objects', value: 2688709, format: 'int' });
});

test('filters look at the most recent frame, or at all', async (t) => {
  const [, after] = twoSnapshots(t);
  const total = async (...args: string[]) =>
    /^Traced memory: size=(.*?),/m.exec(await top('-C', '-A', '--hide-metrics', ...args, after))?.[1] ??
    /^Traced memory: (.*)/m.exec(await top('-C', '-A', '-M', ...args, after))?.[1];
  assert.equal(await total('-i', '*/view.py'), '5002 B');
  assert.equal(await total('-i', '*/view.pyc'), '5002 B');
  assert.equal(await total('-i', '*/view.py:8'), '0 B');
  assert.equal(await total('-I', '*/view.py'), '1028 KiB');
  assert.equal(await total('-I', '*/view.py:7', '-x', '*/util.py'), '5002 B');
  assert.equal(await total('-x', '*.py'), '293 KiB');
  assert.equal(await total('-X', '*/main.py', '-x', '*libz*'), '64 B');
});

test('what is loaded and grouped is said on stderr', async (t) => {
  const [, after] = twoSnapshots(t);
  const { err } = await runCommand(register, ['top', '-a', '-i', '*.py', after]);
  assert.match(err, new RegExp(`^Load snapshot ${after}\n`));
  assert.match(err, /: 5 files, 5 traces \(limit=all frames\) \(\d+\.\d sec\)\n/);
  assert.match(err, /Apply 1 filter on snapshot 2013-10-03 11:34:39\.\.\. done/);
  assert.match(err, /Group stats by address \.\.\.\n$/);
  const plain = await runCommand(register, ['top', after]);
  assert.match(plain.err, new RegExp(`^Load snapshot ${after} without traces\n`));
});

test('a file that is no capture', async (t) => {
  const path = join(temporaryFolder(t), 'notes.txt');
  writeFileSync(path, 'no capture');
  await assert.rejects(top(path), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.exitCode, 1);
    assert.match(error.message, /^ERROR: Failed to load .*notes\.txt: /);
    return true;
  });
  await assert.rejects(top('/no/such.db'), /ERROR: Failed to load \/no\/such\.db: No such file/);
});

test('blocks of a snapshot that was taken without them', async (t) => {
  const [before] = twoSnapshots(t);
  const message = `ERROR: The snapshot ${before} does not contain traces, only stats`;
  for (const args of [['-b', '0x10'], ['-t'], ['-a']]) {
    await assert.rejects(top(...args, before), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.message, message);
      assert.equal(error.exitCode, 1);
      return true;
    });
  }
});

test('snapshots of different processes: a warning', async (t) => {
  const [before] = twoSnapshots(t);
  const other = join(temporaryFolder(t), 'other.db');
  makeSnapshot(other, AFTER_AT, AFTER, { pid: 9 });
  const { err, out } = await runCommand(register, ['top', '-q', before, other]);
  assert.equal(err, 'WARNING: Traces generated by different processes: 9, 77\n\n');
  assert.match(out, /2 snapshots\n$/);
});

test('a plain capture: what was live at its end, and its own figures', async (t) => {
  const path = join(temporaryFolder(t), 'capture.db');
  smallCapture(path);
  const out = await top(path);
  assert.match(out, /^2026-01-02 03:04:07: Top 3 allocations per filename and line number\n/);
  assert.match(out, /^#1: \.\.\.\/src\/app\/load\.c:20: size=400 B, count=4, average=100 B$/m);
  assert.match(out, /^Traced memory: size=560 B, count=12, average=46 B$/m);
  assert.match(out, /^mp\.traced\.max_size: 3077 KiB$/m);
});

test('a capture without an allocation', async (t) => {
  const path = join(temporaryFolder(t), 'empty.db');
  const capture = new CaptureFixture(path);
  capture.meta({ status: 'complete', ended_at: AFTER_AT });
  capture.close();
  assert.match(await top('-M', path), /: Top 0 allocations per .*\nTraced memory: size=0 B\n\n1 snapshots\n$/);
});

test('names that a target chose have no power over the terminal', async (t) => {
  const path = join(temporaryFolder(t), 'hostile.db');
  const capture = new CaptureFixture(path);
  capture.meta({ status: 'complete', ended_at: AFTER_AT });
  const process = capture.process({ pid: 1, command_line: 'evil\u001b[2J' });
  const thread = capture.thread(process, 1, 'evil');
  const stack = capture.stack(capture.frame({ function: 'f\u001b[2J', file: '/a/\u001b]0;x\u0007.c', line: 1 }));
  capture.site({ process, thread, allocator: 'malloc', stack, all: [1, 8], live: [1, 8] });
  capture.insert('metric', { name: 'a\u001b[2J', value: 1, format: 'unheard of' });
  capture.close();
  for (const by of ['line', 'function', 'process', 'traceback']) {
    const out = await top('--by', by, path);
    assert.ok(!out.includes('\u001b') && !out.includes('\u0007'), out);
  }
});
