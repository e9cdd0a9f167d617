import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { buildPages } from '../../../scripts/build-page.ts';
import { register as check } from '../../../src/cli/commands/check.ts';
import { register as diff } from '../../../src/cli/commands/diff.ts';
import { register as flamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as info } from '../../../src/cli/commands/info.ts';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as stats } from '../../../src/cli/commands/stats.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import { register as tree } from '../../../src/cli/commands/tree.ts';
import { defaultPath } from '../../../src/cli/reports/report-options.ts';
import { type Output, type OutputStream, streamOutput } from '../../../src/util/output.ts';
import { emptyCapture, forkCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';
import { assertGolden } from '../report/golden.ts';
import { groupsCapture } from '../report/groups-capture.ts';

type Register = (program: Command, output?: Output) => void;

const REPORTS: Record<string, Register> = { summary, stats, leaks, table, tree, info };

before(() => buildPages());

/** A capture named as in the goldens, which print its path. */
function captureIn(t: TestContext, build: (path: string) => void): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  build(path);
  return path;
}

const small = (path: string) => smallCapture(path, { losses: { unmatched_free: 3, stack_truncated: 1 } });

for (const columns of [80, 120]) {
  for (const [name, register] of Object.entries(REPORTS)) {
    test(`${name} at ${columns} columns`, async (t) => {
      const path = captureIn(t, small);
      const { out, err } = await runCommand(register, [name, path], columns);
      assert.equal(err, '');
      for (const line of out.split('\n').slice(1)) assert.ok([...line].length <= columns, line);
      assertGolden(`${name}-${columns}`, out.replace(/^.*mp-app/, 'mp-app'));
    });
  }
}

for (const columns of [80, 120]) {
  for (const [name, register, by] of [
    ['summary', summary, 'process'],
    ['summary', summary, 'cgroup'],
    ['table', table, 'comm'],
    ['table', table, 'allocator'],
  ] as const) {
    test(`${name} --by ${by} at ${columns} columns`, async (t) => {
      const path = captureIn(t, groupsCapture);
      const { out } = await runCommand(register, [name, path, '--by', by], columns);
      for (const line of out.split('\n').slice(1)) assert.ok([...line].length <= columns, line);
      assertGolden(`${name}-by-${by}-${columns}`, out.replace(/^.*mp-app/, 'mp-app'));
    });
  }
}

for (const columns of [80, 120]) {
  const checked = async (t: TestContext, ...options: string[]) => {
    const lines: string[] = [];
    const output = { out: (text: string) => lines.push(text), err: () => 0, isTTY: false, columns, color: false };
    const program = new Command('mp').exitOverride();
    check(program, output);
    const run = program.parseAsync(['check', captureIn(t, small), ...options], { from: 'user' });
    const code = await run.then(
      () => 0,
      (error) => error.exitCode,
    );
    return { code, text: lines.join('') };
  };
  test(`check at ${columns} columns: exceeded, and kept`, async (t) => {
    const budgets = ['--max-peak', '2M', '--max-leak', '500', '--max-leak-per-site', '80', '-n', '1'];
    const exceeded = await checked(t, ...budgets);
    assert.equal(exceeded.code, 3);
    const kept = await checked(t, '--max-peak', '4M', '--max-leak', '560');
    assert.equal(kept.code, 0);
    assertGolden(`check-${columns}`, `${exceeded.text}\n\n${kept.text}`);
  });
}

test('check needs a budget, and rules that can be read', async (t) => {
  const path = captureIn(t, small);
  const run = (...args: string[]) => runCommand(check, ['check', path, ...args]);
  await assert.rejects(run(), { name: 'UserError', exitCode: 2 });
  await assert.rejects(run('--max-peak', '2X'), { name: 'CommanderError' });
  await assert.rejects(run('--max-leak', '0', '--leak-allow', '/no/file'), {
    message: 'Cannot read /no/file: no such file or directory',
    exitCode: 1,
  });
  const rules = join(path, '..', 'allow.txt');
  writeFileSync(rules, 'race:x\n');
  await assert.rejects(run('--max-leak', '0', '--leak-allow', rules), {
    message: /allow\.txt:1 is not of the form leak:/,
  });
  writeFileSync(rules, 'leak:load\nleak:handler\n');
  const { out } = await run('--max-leak', '0', '--leak-allow', rules);
  assert.match(out, /^All budgets are kept: leaked 0 B of 0 B\.\nallowed: 560 B leaked by what 2 of 2 rules matched$/m);
});

for (const columns of [80, 120]) {
  test(`diff at ${columns} columns`, async (t) => {
    const [before, after] = [captureIn(t, small), captureIn(t, groupsCapture)];
    const { out } = await runCommand(diff, ['diff', before, after], columns);
    for (const line of out.split('\n').slice(2))
      assert.ok(/app\.100\.db/.test(line) || [...line].length <= columns, line);
    assertGolden(`diff-${columns}`, out.replace(/\S*mp-app/g, 'mp-app'));
  });
}

test('--by is a choice of one', async (t) => {
  const path = captureIn(t, small);
  const rejects = (register: Register, ...args: string[]) =>
    assert.rejects(runCommand(register, args), { name: 'CommanderError' });
  await rejects(summary, 'summary', path, '--by', 'user');
  await rejects(table, 'table', path, '--by', 'comm', '--split-threads');
  await rejects(flamegraph, 'flamegraph', path, '--by', 'comm', '--split-threads');
  await assert.rejects(runCommand(summary, ['summary', path, '--by', 'comm', '-s', '6']), {
    name: 'UserError',
    message: 'With --by there are 5 columns to sort by.',
    exitCode: 2,
  });
  const rows = async (...options: string[]) => (await runCommand(table, ['table', path, '--json', ...options])).out;
  assert.equal(await rows('--split-threads'), await rows('--by', 'thread'));
  const groups = JSON.parse((await runCommand(summary, ['summary', path, '--json', '--by', 'comm', '--leaks'])).out);
  assert.equal(groups.by, 'comm');
  assert.deepEqual(groups.groups, [
    { group: 'app', comm: 'app', bytes: 560, percent: 100, allocations: 12, processes: 1 },
  ]);
});

test('every text report prints JSON with the facts of the capture', async (t) => {
  const path = captureIn(t, small);
  for (const [name, register] of Object.entries(REPORTS)) {
    const document = JSON.parse((await runCommand(register, [name, path, '--json'])).out);
    assert.equal(document.metadata.peak_bytes, 3151424, name);
    assert.equal(document.metadata.losses.unmatched_free, 3, name);
  }
});

test('a capture without allocations: the sentence, and no file', async (t) => {
  const path = captureIn(t, emptyCapture);
  for (const [name, register] of Object.entries({ summary, stats, leaks, table, tree, flamegraph })) {
    const { out, err } = await runCommand(register, [name, path]);
    assert.match(out, /^No allocations were recorded\.$/m, name);
    assert.match(out, /^losses: none$/m, name);
    assert.equal(err, '', name);
  }
  await runCommand(table, ['table', '--html', path]);
  assert.ok(!existsSync(defaultPath('flamegraph', path)) && !existsSync(defaultPath('table', path)));
});

test('views exclude each other, thresholds have a range', async (t) => {
  const path = captureIn(t, small);
  const wrong = [
    ['--leaks', '--all'],
    ['--js-heap', '--all'],
    ['--temporary-allocations', '--leaks'],
    ['--temporary-allocation-threshold', '1.5'],
    ['--temporary-allocation-threshold', '-1'],
    ['--pid', 'abc'],
    ['-s', '7'],
    ['-r', '0'],
  ];
  for (const options of wrong) {
    await assert.rejects(
      runCommand(summary, ['summary', path, ...options]),
      { name: 'CommanderError' },
      options.join(' '),
    );
  }
});

test('views reach the report', async (t) => {
  const path = captureIn(t, small);
  const view = async (...options: string[]) =>
    JSON.parse((await runCommand(table, ['table', path, '--json', ...options])).out).selection;
  assert.deepEqual(await view(), { view: 'high_watermark', threshold: 1, pid: null, tid: null });
  assert.equal((await view('--leaks')).view, 'leaks');
  assert.equal((await view('--all')).view, 'allocations');
  assert.equal((await view('--js-heap')).view, 'v8_samples');
  assert.deepEqual(await view('--temporary-allocations', '--pid', '100'), {
    view: 'temporary_allocations',
    threshold: 1,
    pid: 100,
    tid: null,
  });
  assert.equal((await view('--temporary-allocation-threshold', '0')).threshold, 0);
});

test('an unknown process or thread names those that there are', async (t) => {
  const path = captureIn(t, forkCapture);
  await assert.rejects(runCommand(leaks, ['leaks', path, '--pid', '7']), {
    message: 'The capture has no process 7. It has: 200 (server, from 0 ms), 201 (server, from 5 ms).',
  });
  await assert.rejects(runCommand(leaks, ['leaks', path, '--pid', '200', '--thread', '201']), {
    message: 'Process 200 has no thread 201. It has: 200 (server).',
  });
});

test('a missing file and a file that is no capture', async (t) => {
  await assert.rejects(runCommand(summary, ['summary', '/no/such.db']), { message: 'No such file: /no/such.db' });
  const path = join(temporaryFolder(t), 'text.db');
  writeFileSync(path, 'not a database, but long enough to be looked at');
  await assert.rejects(runCommand(summary, ['summary', path]), {
    name: 'UserError',
    message: /^Failed to read capture/,
  });
});

test('pages are written beside the capture and not over anything', async (t) => {
  const path = captureIn(t, small);
  const page = join(path, '..', 'mp-flamegraph-app.100.html');
  assert.equal((await runCommand(flamegraph, ['flamegraph', path])).err, `Wrote ${page}\n`);
  const message = `File already exists, will not overwrite without --force: ${page}`;
  await assert.rejects(runCommand(flamegraph, ['flamegraph', path]), { name: 'UserError', message });
  writeFileSync(page, 'old');
  await runCommand(flamegraph, ['flamegraph', '--force', path]);
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>/);
  assert.match((await runCommand(table, ['table', '--html', path])).err, /Wrote .*mp-table-app\.100\.html\n$/);
});

test('-o takes text, JSON or a page, by its name', async (t) => {
  const path = captureIn(t, small);
  const file = (name: string) => join(path, '..', name);
  const ran = await runCommand(table, ['table', path, '-o', file('t.txt')]);
  assert.deepEqual([ran.out, ran.err], ['', `Wrote ${file('t.txt')}\n`]);
  assert.match(readFileSync(file('t.txt'), 'utf8'), /^view: high watermark/m);
  await runCommand(table, ['table', path, '-o', file('t.html')]);
  assert.match(readFileSync(file('t.html'), 'utf8'), /^<!doctype html>/);
  await runCommand(stats, ['stats', path, '--json', '-o', file('s.json')]);
  assert.equal(JSON.parse(readFileSync(file('s.json'), 'utf8')).total_num_allocations, 116);
  await assert.rejects(runCommand(table, ['table', path, '--html', '--json']), { name: 'UserError', exitCode: 2 });
});

test('the capture itself is never overwritten, not even by force', async (t) => {
  const path = captureIn(t, small);
  const other = captureIn(t, forkCapture);
  for (const output of [path, other]) {
    await assert.rejects(runCommand(diff, ['diff', path, other, '-f', '-o', output]), {
      message: /would overwrite the/,
    });
  }
  const before = readFileSync(path);
  await assert.rejects(runCommand(summary, ['summary', path, '-f', '-o', path]), {
    message: /would overwrite the capture/,
  });
  assert.deepEqual(readFileSync(path), before);
  await assert.rejects(runCommand(summary, ['summary', path, '-o', '/no/such/folder/x']), {
    message: 'Cannot write /no/such/folder/x: no such file or directory',
  });
});

test('a capture that is not complete: its recorder lives, or it was cut off', async (t) => {
  const status = async (tracerPid: number) => {
    const meta = { status: 'recording', tracer_pid: String(tracerPid) };
    const { out } = await runCommand(info, ['info', captureIn(t, (path) => smallCapture(path, { meta }))]);
    return /^status: (still recording|recording was cut off)/m.exec(out)?.[1];
  };
  assert.equal(await status(process.pid), 'still recording');
  // Above the largest pid that Linux gives.
  assert.equal(await status(2 ** 22 + 1), 'recording was cut off');
});

class FakeStream extends EventEmitter implements OutputStream {
  text = '';
  isTTY: boolean;
  columns = 77;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

test('a reader that goes away ends the output, other failures do not pass', () => {
  const stdout = new FakeStream(false);
  const output = streamOutput(stdout, new FakeStream(false), {});
  output.out('a');
  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  output.out('b');
  assert.equal(stdout.text, 'a');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  assert.throws(() => stdout.emit('error', full), /^UserError: cannot write the output: no space left on device$/);
});

test('width and colour come from the terminal', () => {
  const of = (isTTY: boolean, env: NodeJS.ProcessEnv) => {
    const { columns, color } = streamOutput(new FakeStream(isTTY), new FakeStream(false), env);
    return [columns, color];
  };
  assert.deepEqual(of(true, {}), [77, true]);
  assert.deepEqual(of(true, { NO_COLOR: '1' }), [77, false]);
  assert.deepEqual(of(false, { COLUMNS: '50' }), [50, false]);
  assert.deepEqual(of(false, {}), [120, false]);
});
