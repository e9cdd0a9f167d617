/** --from and --to of the reports, and captures that do not know what happened when. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { buildPages } from '../../../scripts/build-page.ts';
import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import { register as flamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as info } from '../../../src/cli/commands/info.ts';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as sql } from '../../../src/cli/commands/sql.ts';
import { register as stats } from '../../../src/cli/commands/stats.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import { register as transform } from '../../../src/cli/commands/transform.ts';
import { register as tree } from '../../../src/cli/commands/tree.ts';
import { CaptureWriter } from '../../../src/store/writer.ts';
import { Symbolizer } from '../../../src/symbolize/symbolizer.ts';
import type { Output } from '../../../src/util/output.ts';
import { RecordBuilder } from '../helpers/record-builder.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';

type Register = (program: Command, output?: Output) => void;

const REPORTS: Record<string, Register> = { summary, stats, leaks, table, flamegraph };
const MS = 1e6;

before(() => buildPages());

/**
 * Four seconds of one process:
 *
 *     0.100 s  load allocates 1000, for good          1.000 s  work allocates 500 and frees it 2 ms later
 *     1.003 s  work allocates 300                     2.000 s  load allocates 10,000 …
 *     2.500 s  … and frees it                         3.000 s  work frees the 300
 *
 * and samples of V8's heap in work at 1.5 s and 2.5 s, of 40,000 and 50,000 bytes.
 */
function record(
  t: TestContext,
  { withIntervals = true, withEvents = false, isFinished = true, passedNs = 0 } = {},
): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  const writer = new CaptureWriter(path);
  const [aggregator, symbolizer, builder] = [
    new Aggregator({ withIntervals, withEvents }),
    new Symbolizer(),
    new RecordBuilder(),
  ];
  writer.meta('options', JSON.stringify({ aggregate: !withIntervals }));
  writer.meta('started_at', '2026-11-21T11:59:56Z');
  const thread = builder.thread(builder.process());
  const [load, work] = [builder.stack('main', 'load'), builder.stack('main', 'work')];
  builder.at(100 * MS).allocate(thread, 0x1000, 1000, { stack: load });
  builder.at(1000 * MS).allocate(thread, 0x2000, 500, { stack: work });
  builder.at(1002 * MS).free(thread, 0x2000);
  builder.at(1003 * MS).allocate(thread, 0x3000, 300, { stack: work });
  builder.at(1500 * MS).sample(thread, 40_000, work);
  builder.at(2000 * MS).allocate(thread, 0x4000, 10_000, { stack: load });
  builder
    .at(2500 * MS)
    .free(thread, 0x4000)
    .sample(thread, 50_000, work);
  builder.at(3000 * MS).free(thread, 0x3000);
  const batch = builder.take();
  aggregator.apply(batch);
  symbolizer.add(batch);
  aggregator.passTime(passedNs);
  if (isFinished) writer.finish(aggregator, symbolizer, {}, { endedAt: '2026-11-21T12:00:00Z' });
  else writer.commit(aggregator, symbolizer, {});
  if (!isFinished) writer.close();
  return path;
}

async function rows(path: string, ...options: string[]): Promise<Record<string, [count: number, bytes: number]>> {
  const { rows } = JSON.parse((await runCommand(table, ['table', path, '--json', ...options])).out);
  return Object.fromEntries(
    (rows as { function: string; allocations: number; bytes: number }[]).map((row) => [
      row.function,
      [row.allocations, row.bytes],
    ]),
  );
}

test('each view of a range', async (t) => {
  const path = record(t);
  assert.deepEqual(await rows(path), { load: [2, 11_000], work: [1, 300] });
  assert.deepEqual(await rows(path, '--from', '1', '--to', '2'), { load: [1, 1000], work: [1, 500] });
  assert.deepEqual(await rows(path, '--from', '1.010', '--to', '2'), { load: [1, 1000], work: [1, 300] });
  assert.deepEqual(await rows(path, '--leaks', '--from', '1', '--to', '75%'), { work: [1, 300] });
  assert.deepEqual(await rows(path, '--leaks', '--from', '1'), {});
  assert.deepEqual(await rows(path, '--all', '--from', '1000ms', '--to', '1010ms'), { work: [2, 800] });
});

test('samples of a range are in its samples only', async (t) => {
  const path = record(t);
  assert.deepEqual(await rows(path, '--js-heap', '--from', '2'), { work: [1, 50_000] });
  assert.deepEqual(await rows(path, '--js-heap', '--to', '2'), { work: [1, 40_000] });
  assert.deepEqual(await rows(path, '--from', '2.6'), { load: [1, 1000], work: [1, 300] });
});

test('the header says which time it is about, and its numbers are those of that time', async (t) => {
  const path = record(t);
  const { out } = await runCommand(summary, ['summary', path, '--from', '1.001', '--to', '1.5s']);
  assert.match(out, /^window: 1\.00 s to 1\.50 s, in whole intervals of 10 ms; what follows is about this time$/m);
  assert.match(out, /^peak: 1\.465 KiB \(1,500 bytes\), in total 800 B in 2 allocations$/m);
  assert.match(out, /^view: high watermark \(what was live when the process had most in this time/m);
  const { metadata } = JSON.parse((await runCommand(stats, ['stats', path, '--json', '--from', '50%'])).out);
  assert.deepEqual(metadata.window, { from_ns: 2e9, to_ns: null, interval_ns: 10e6 });
  assert.deepEqual([metadata.peak_bytes, metadata.allocations, metadata.duration_ns], [11_300, 1, 4e9]);
});

test('with single events a range begins and ends at any instant', async (t) => {
  const path = record(t, { withEvents: true });
  assert.deepEqual(await rows(path, '--leaks', '--from', '1.001', '--to', '1.003'), {});
  assert.deepEqual(await rows(path, '--leaks', '--from', '1.001', '--to', '1003000100ns'), { work: [1, 300] });
  assert.deepEqual(await rows(path, '--all', '--from', '1000000100ns', '--to', '1.003'), {});
  assert.deepEqual(await rows(path, '--js-heap', '--to', '1500000100ns'), { work: [1, 40_000] });
  assert.deepEqual(await rows(path, '--temporary-allocations', '--from', '1', '--to', '1.003'), { work: [1, 500] });
  const { out } = await runCommand(summary, ['summary', path, '--from', '1.001', '--to', '1.0030000015']);
  assert.match(out, /^window: 1\.001 s to 1\.0030001 s; what follows is about this time$/m);
  const { metadata } = JSON.parse((await runCommand(stats, ['stats', path, '--json', '--from', '1.001'])).out);
  assert.deepEqual(metadata.window, { from_ns: 1_001_000_000, to_ns: null, interval_ns: 100 });
  const page = join(temporaryFolder(t), 'page.html');
  await runCommand(flamegraph, ['flamegraph', path, '-o', page, '--from', '1', '--to', '2']);
  assert.ok(readFileSync(page, 'utf8').includes('value="temporary_allocations"'));
  await assert.rejects(rows(path, '--from', '1.5', '--to', '1.5000000001'), { message: /is not before --to/ });
});

test('exports say so, too', async (t) => {
  const path = record(t);
  for (const format of ['speedscope', 'massif']) {
    const { out } = await runCommand(transform, ['transform', format, '-o', '-', '--from', '1', '--to', '2', path]);
    assert.match(out, /what was live when the process had most in this time/, format);
  }
});

test('the page of a range has no temporary allocations; text reports refuse them', async (t) => {
  const path = record(t);
  const page = join(temporaryFolder(t), 'page.html');
  await runCommand(flamegraph, ['flamegraph', path, '-o', page, '--from', '1', '--to', '2']);
  const html = readFileSync(page, 'utf8');
  assert.ok(html.includes('1.00 s to 2.00 s') && !html.includes('value="temporary_allocations"'));
  const message = 'Temporary allocations are not known by time: leave out --from and --to, or record with --events.';
  for (const [name, register] of Object.entries({ summary, table, flamegraph, tree })) {
    const run = runCommand(register, [name, path, '--temporary-allocations', '--from', '1']);
    await assert.rejects(run, { name: 'UserError', message, exitCode: 1 });
  }
});

test('a temporal page has all of the time, and needs a capture that knows it', async (t) => {
  const page = join(temporaryFolder(t), 'page.html');
  const run = (path: string, ...options: string[]) =>
    runCommand(flamegraph, ['flamegraph', path, '-f', '-o', page, '--temporal', ...options]);
  const temporal = () => JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(readFileSync(page, 'utf8'))![1]!).temporal;
  await run(record(t), '--leaks', '--from', '1.001', '--to', '1.5s');
  assert.deepEqual([temporal().interval_ms, temporal().intervals, temporal().from, temporal().to], [10, 400, 100, 150]);
  await run(record(t, { isFinished: false }));
  assert.deepEqual([temporal().intervals, temporal().from, temporal().to], [300, 0, 300]);
  await assert.rejects(run(record(t), '--temporary-allocations'), {
    message: "Can't create a temporal flame graph of temporary allocations: they are not known by time.",
  });
  await assert.rejects(run(record(t, { withIntervals: false })), { message: /with --aggregate/ });
  await assert.rejects(run(record(t), '--from', '9'), { message: /--from 9 is not before the end/ });
});

test('while it is recorded a range ends with what is known', async (t) => {
  const path = record(t, { isFinished: false });
  const { out } = await runCommand(leaks, ['leaks', path, '--from', '0.5']);
  // The interval of the last event is still open.
  assert.match(out, /^window: 0\.50 s to 3\.00 s,/m);
  assert.match(out, /^300 B in 1 allocation never freed/m);
});

test('a share is one of the time that is known, also if nothing happened in it', async (t) => {
  const path = record(t, { isFinished: false, passedNs: 8000 * MS });
  const { out } = await runCommand(leaks, ['leaks', path, '--from', '25%', '--to', '50%']);
  assert.match(out, /^window: 2\.00 s to 4\.00 s,/m);
  assert.match(out, /^duration: 8\.00 s/m);
});

test('a time that is none is a wrong use', async (t) => {
  const path = record(t);
  for (const time of ['x', '-1', '200%']) {
    await assert.rejects(runCommand(summary, ['summary', path, `--from=${time}`]), { name: 'CommanderError' }, time);
  }
});

test('captures that do not know what happened when say so', async (t) => {
  const old = join(temporaryFolder(t), 'old.db');
  writeFileSync(old, gunzipSync(readFileSync(new URL('../../fixtures/format-1.db.gz', import.meta.url))));
  const aggregated = record(t, { withIntervals: false });
  for (const [name, register] of Object.entries(REPORTS)) {
    await assert.rejects(runCommand(register, [name, old, '--from', '1']), {
      message: /recorded by an earlier version/,
    });
    await assert.rejects(runCommand(register, [name, aggregated, '--to', '1']), { message: /with --aggregate/ });
  }
  assert.deepEqual(await rows(aggregated), { load: [2, 11_000], work: [1, 300] });
});

test('every report opens a capture of the first version', async (t) => {
  const path = join(temporaryFolder(t), 'mp-leaks.1.db');
  writeFileSync(path, gunzipSync(readFileSync(new URL('../../fixtures/format-1.db.gz', import.meta.url))));
  for (const [name, register] of Object.entries({ summary, stats, leaks, table, info })) {
    const { metadata } = JSON.parse((await runCommand(register, [name, path, '--json'])).out);
    assert.equal(metadata.allocations, 54, name);
    assert.match((await runCommand(register, [name, path])).out, /8\.113 MiB/, name);
  }
  const { err } = await runCommand(flamegraph, ['flamegraph', path]);
  assert.match(err, /^Wrote /);
  const query = 'SELECT sum(allocations) AS n FROM leaks';
  assert.deepEqual(JSON.parse((await runCommand(sql, ['sql', path, query, '--json'])).out), [{ n: 40 }]);
});

test('queries over intervals, as the README has them', async (t) => {
  const path = record(t);
  const query = `SELECT sum(i.allocations) AS n, sum(i.bytes) AS bytes FROM site_interval i
    WHERE from_ns >= 1e9 AND from_ns < 2e9 AND (to_ns IS NULL OR to_ns >= 2e9)`;
  assert.deepEqual(JSON.parse((await runCommand(sql, ['sql', path, query, '--json'])).out), [{ n: 1, bytes: 300 }]);
});
