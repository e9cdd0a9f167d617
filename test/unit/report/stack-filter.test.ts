import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { buildPages } from '../../../scripts/build-page.ts';
import { register as check } from '../../../src/cli/commands/check.ts';
import { register as diff } from '../../../src/cli/commands/diff.ts';
import { register as flamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import { register as transform } from '../../../src/cli/commands/transform.ts';
import { register as tree } from '../../../src/cli/commands/tree.ts';
import type { Output } from '../../../src/util/output.ts';
import { smallCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from './command.ts';

before(() => buildPages());

type Register = (program: Command, output?: Output) => void;

function captureIn(t: TestContext): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  smallCapture(path);
  return path;
}

const json = async (register: Register, ...args: string[]) =>
  JSON.parse((await runCommand(register, [...args, '--json'])).out);

/** Bytes of the sites A to E in the view of all allocations: 1000, 3145728, 1600, 4096, 64; see smallCapture. */
for (const [options, bytes] of [
  [[], 3152488],
  [['--include', 'load'], 2600],
  [['--include', '^load$'], 2600],
  [['--include', '^oad'], 0],
  [['--include', 'w*k'], 3145728],
  [['--include', 'walk', '--include', 'handler'], 3145792],
  [['--include', 'main.c'], 3148392],
  [['--include', 'libc.so.6'], 1600],
  [['--exclude', 'load'], 3149888],
  [['--exclude', 'load', '--exclude', 'walk'], 4160],
  [['--include', 'main', '--exclude', 'handler.py'], 3148328],
  [['--include', 'load', '--thread', '101'], 1600],
  [['--include', 'load', '--pid', '100', '--exclude', 'strdup'], 1000],
] as const) {
  test(`all allocations with ${options.join(' ') || 'everything'}: ${bytes} bytes`, async (t) => {
    const path = captureIn(t);
    const { rows } = await json(table, 'table', path, '--all', ...options);
    assert.equal(
      rows.reduce((sum: number, row: { bytes: number }) => sum + row.bytes, 0),
      bytes,
    );
    const { nodes } = await json(tree, 'tree', path, '--all', ...options);
    assert.equal(nodes[0]?.bytes ?? 0, bytes, 'the tree');
  });
}

test('every report of stacks takes the filter', async (t) => {
  const path = captureIn(t);
  const filter = ['--include', 'load', '--exclude', 'strdup'];
  const { locations, resident } = await json(summary, 'summary', path, '--all', ...filter);
  assert.equal(locations[0].total_bytes, 1000);
  assert.equal(resident, undefined, 'resident memory is not of stacks');
  const found = await json(leaks, 'leaks', path, ...filter);
  assert.deepEqual([found.leaks.length, found.leaks[0].bytes], [1, 400]);
  assert.deepEqual(found.selection.exclude, ['strdup']);
  const checked = await json(check, 'check', path, '--max-leak', '400', '--max-peak', '800', ...filter);
  assert.deepEqual(
    checked.budgets.map((one: { bytes: number }) => one.bytes),
    [800, 400],
  );
  const { before: old } = await json(diff, 'diff', path, path, '--leaks', ...filter);
  assert.deepEqual(old, { bytes: 400, allocations: 4 });
  const { out } = await runCommand(transform, ['transform', 'collapsed', path, ...filter]);
  assert.equal(out, 'main;load 800\n');
  const groups = await json(summary, 'summary', path, '--by', 'thread', ...filter);
  assert.deepEqual(
    groups.groups.map((group: { bytes: number }) => group.bytes),
    [800],
  );
  const page = join(path, '..', 'page.html');
  assert.match((await runCommand(flamegraph, ['flamegraph', path, '-o', page, ...filter])).err, /^Wrote /);
  await assert.rejects(runCommand(transform, ['transform', 'massif', path, ...filter]), {
    message: 'massif shows whole processes: leave out --include and --exclude.',
    exitCode: 2,
  });
});

test('a report says what it leaves out, and that nothing is left', async (t) => {
  const path = captureIn(t);
  const { out } = await runCommand(leaks, [
    'leaks',
    path,
    '--include',
    'a',
    '--include',
    'b',
    '--exclude',
    '\u001b[2J',
  ]);
  assert.match(out, /, only stacks with a or b, stacks\s+without \\x1b\[2J$/m);
  const none = (await runCommand(leaks, ['leaks', path, '--include', 'nobody'])).out;
  assert.match(none, /^The selection has none of the capture's 116 allocations\.$/m);
});
