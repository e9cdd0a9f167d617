/** mp diff of two moments, and of two processes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { buildPages } from '../../../../scripts/build-page.ts';
import { register } from '../../../../src/cli/commands/diff.ts';
import { Recording } from '../../helpers/recording.ts';
import { runCommand, temporaryFolder } from '../../report/command.ts';

before(() => buildPages());

/** Of two processes: what is live at 1 s, 2 s and at the end differs. */
function captured(context: TestContext, withEvents = false): string {
  const one = new Recording(context, undefined, { withEvents });
  const { builder } = one;
  const [first, second] = [builder.process({ comm: 'one' }), builder.process({ comm: 'two' })];
  const [a, b] = [builder.thread(first), builder.thread(second)];
  const [load, save, both] = [builder.stack('load'), builder.stack('save'), builder.stack('both')];
  builder.at(0.5e9).allocate(a, 0x10, 100, { stack: load }).allocate(a, 0x20, 30, { stack: both });
  builder.at(0.6e9).allocate(b, 0x10, 50, { stack: both });
  builder.at(1.5e9).free(a, 0x10).allocate(a, 0x30, 700, { stack: save });
  builder.at(2.5e9).free(a, 0x30).allocate(a, 0x40, 1, { stack: save });
  builder.at(3e9).end(first).end(second);
  return one.finish().path;
}

async function rowsOf(...args: string[]): Promise<string[]> {
  const { out } = await runCommand(register, ['diff', '--json', ...args]);
  const { rows } = JSON.parse(out) as { rows: Record<string, string | number>[] };
  return rows.map((row) => `${row.function} ${row.before_bytes} ${row.after_bytes} ${row.difference_allocations}`);
}

for (const withEvents of [false, true]) {
  test(`two moments of a capture, ${withEvents ? 'with' : 'without'} events`, async (t) => {
    const path = captured(t, withEvents);
    assert.deepEqual(await rowsOf(path, '--from', '1', '--to', '2'), ['save 0 700 1', 'load 100 0 -1']);
    assert.deepEqual(await rowsOf(path, '--from', '2'), ['save 700 1 0']);
    assert.deepEqual(await rowsOf(path, '--from', '1', '--to', '2', '--pid', '1001'), []);
    assert.deepEqual(await rowsOf(path, '--from', '1', '--to', '2', '--all'), ['save 0 700 1']);
  });
}

test('two processes of a capture, or of two', async (t) => {
  const path = captured(t);
  const both = ['--leaks', '--pid', '1000', '--pid', '1001'];
  assert.deepEqual(await rowsOf(path, ...both), ['both 30 50 0', 'save 1 0 -1']);
  assert.deepEqual(await rowsOf(path, path, ...both), ['both 30 50 0', 'save 1 0 -1']);
  assert.deepEqual(await rowsOf(path, path, '--leaks', '--pid', '1000'), []);
});

test('the parts are named in text, JSON and on the page', async (t) => {
  const path = captured(t, true);
  const { out } = await runCommand(register, ['diff', path, '--from', '1', '--to', '100%']);
  assert.match(out, /^before: .*comm0 --flag, at 1\.00 s$/m);
  assert.match(out, /^after: .*comm0 --flag, at the end$/m);
  assert.match(out, /^view: live \(allocated up to that moment and not freed by then\)$/m);
  const pids = [path, '--pid', '1000', '--pid', '1001'];
  const { parts, selection } = JSON.parse((await runCommand(register, ['diff', '--json', ...pids])).out);
  assert.deepEqual(parts, { before: 'process 1000 (one)', after: 'process 1001 (two)' });
  assert.equal(selection.pid, null);
  const page = join(temporaryFolder(t), 'diff.html');
  await runCommand(register, ['diff', '-o', page, ...pids]);
  const html = readFileSync(page, 'utf8');
  assert.ok(html.includes('comm0 --flag, process 1000 (one) → comm0 --flag, process 1001 (two)'));
  assert.ok(html.includes('title="730 bytes in 2 allocations"') && html.includes('title="50 bytes in 1 allocations"'));
});

test('what can not be compared', async (t) => {
  const path = captured(t);
  const refused: [string[], RegExp][] = [
    [[path], /Nothing to compare with: give a second capture, --from and --to, or --pid twice/],
    [[path, '--pid', '1000'], /Nothing to compare with/],
    [[path, '--pid', '1', '--pid', '2', '--pid', '3'], /two processes are compared/],
    [[path, path, '--from', '1'], /two moments of one capture/],
    [[path, '--pid', '1000', '--pid', '1001', '--from', '1'], /two moments of one capture/],
    [[path, '--to', '1'], /--from is missing/],
    [[path, '--from', '0s', '--to', '1'], /nothing is live/],
    [[path, '--from', '2', '--to', '1'], /--from 2 is not before --to 1\./],
    [[path, '--from', '2', '--to', '2'], /--from 2 is not before --to 2\./],
    [[path, '--pid', '1000', '--pid', '7'], /has no process 7/],
    [[path, '--from', 'soon'], /Give a time as/],
  ];
  for (const [args, message] of refused) await assert.rejects(runCommand(register, ['diff', ...args]), message);
});
