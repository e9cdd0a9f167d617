import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { register as registerDiff } from '../../../src/cli/commands/diff.ts';
import { register as registerFlamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as registerInfo } from '../../../src/cli/commands/info.ts';
import { register as registerLeaks } from '../../../src/cli/commands/leaks.ts';
import { register as registerLive } from '../../../src/cli/commands/live.ts';
import { register as registerSnapshot } from '../../../src/cli/commands/snapshot.ts';
import { register as registerSql } from '../../../src/cli/commands/sql.ts';
import { register as registerTop } from '../../../src/cli/commands/top.ts';
import { keepInCapture } from '../../../src/cli/snapshots/keep-in-capture.ts';
import { parseAddress } from '../../../src/util/snapshot-address.ts';
import { RecordBuilder } from '../helpers/record-builder.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { runCommand } from '../report/command.ts';

/** 100 bytes by `load` at @1; with 20 more by `keep`, and those of `load` freed, at @2; nothing at the end. */
function made(t: TestContext): { path: string; recording: Recording } {
  const builder = new RecordBuilder();
  const recording = new Recording(t, builder);
  const thread = builder.thread(builder.process({ pid: 100 }));
  const take = (second: number) =>
    recording.writer.takeSnapshot({
      ...{ timeNs: second * 1e9, takenAt: `2026-01-02T03:04:0${second}.000Z`, reason: 'delay' },
      ...{ metrics: [{ name: 'answer', value: 40 + second, format: 'int' }], blocks: null },
    });
  recording.writer.meta('started_at', '2026-01-02T03:04:00.000Z');
  builder.allocate(thread, 0x1000, 100, { stack: builder.stack('main', 'load') });
  recording.commit();
  take(1);
  builder.allocate(thread, 0x2000, 20, { stack: builder.stack('main', 'keep') }).free(thread, 0x1000);
  recording.commit();
  take(2);
  builder.free(thread, 0x2000);
  return { path: recording.path, recording: recording.commit() };
}

test('tops, reports and queries of snapshots inside a capture', async (t) => {
  const { path, recording } = made(t);
  recording.finish();
  const { out: top } = await runCommand(registerTop, ['top', '-q', '--by', 'function', `${path}@1`, `${path}@2`]);
  assert.match(top, /^#1: load: size=100 B, count=1$/m);
  assert.match(top, /^#1: load: size=0 B \(-100 B\), count=0 \(-1\)$/m);
  assert.match(top, /^answer: 42 \(\+1\)$/m);
  const { out: diff } = await runCommand(registerDiff, ['diff', '--leaks', `${path}@1`, `${path}@2`]);
  assert.match(diff, /together: 100 B → 20 B \(-80 B\), 1 → 1 allocation/);
  const leaks = async (name: string) => (await runCommand(registerLeaks, ['leaks', name])).out;
  assert.match(await leaks(`${path}@2`), /^20 B in 1 allocation never freed/m);
  assert.match(await leaks(path), /Nothing was leaked|No /);
  const { out: live } = await runCommand(registerLive, ['live', '--json', `${path}@1`]);
  const { status, heap_bytes, duration_ns } = JSON.parse(live);
  assert.deepEqual({ status, heap_bytes, duration_ns }, { status: 'complete', heap_bytes: 100, duration_ns: 1e9 });
  const sql = ['sql', '--csv', `${path}@2`, 'SELECT function, bytes FROM leaks'];
  assert.equal((await runCommand(registerSql, sql)).out, 'function,bytes\r\nkeep,20\r\n');
  await assert.rejects(runCommand(registerLeaks, ['leaks', `${path}@3`]), /has no snapshot @3: it has @1 to @2/);
});

test('files beside a snapshot inside a capture, which is not overwritten', async (t) => {
  const { path, recording } = made(t);
  recording.finish();
  await assert.rejects(
    runCommand(registerLeaks, ['leaks', `${path}@1`, '-f', '-o', path]),
    /would overwrite the capture/,
  );
  await assert.rejects(runCommand(registerSnapshot, ['snapshot', `${path}@1`, '-f', '-o', path]), /would overwrite/);
  await runCommand(registerFlamegraph, ['flamegraph', `${path}@1`]);
  assert.ok(existsSync(join(dirname(path), 'mp-flamegraph-capture@1.html')));
  const file = join(dirname(path), 'one.db');
  await runCommand(registerSnapshot, ['snapshot', `${path}@1`, '-o', file]);
  assert.match((await runCommand(registerLeaks, ['leaks', file])).out, /^100 B in 1 allocation never freed/m);
});

test('mp info lists them', async (t) => {
  const { path, recording } = made(t);
  recording.finish();
  const { out } = await runCommand(registerInfo, ['info', path]);
  assert.match(out, /capture\.db@1 +1\.00 s +100 B +1 +delay\n.*capture\.db@2 +2\.00 s +20 B +1 +delay\n/);
  const { snapshots } = JSON.parse((await runCommand(registerInfo, ['info', '--json', path])).out);
  assert.deepEqual(snapshots[1], {
    ...{ id: 2, time_ns: 2e9, taken_at: '2026-01-02T03:04:02.000Z', reason: 'delay' },
    ...{ live_allocations: 1, live_bytes: 20, traces: 0 },
  });
});

test('a file that is named like an address is that file', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'app.db');
  assert.deepEqual(parseAddress(`${file}@1`), { file: `${file}@1`, snapshot: null }, 'there is no such capture');
  writeFileSync(file, '');
  assert.deepEqual(parseAddress(`${file}@12`), { file, snapshot: 12 });
  assert.deepEqual(parseAddress(`${file}@x`), { file: `${file}@x`, snapshot: null });
  writeFileSync(`${file}@12`, '');
  assert.deepEqual(parseAddress(`${file}@12`), { file: `${file}@12`, snapshot: null });
});

test('nobody is asked for a snapshot of what nobody records, or records for others', async (t) => {
  const { path, recording } = made(t);
  assert.equal(await keepInCapture(path), null);
  recording.writer.meta('takes_snapshots', '1');
  recording.writer.meta('tracer_pid', String(process.pid));
  assert.equal(await keepInCapture(path), null, 'it is not registered');
  assert.equal(await keepInCapture(`${path}@1`), null);
  recording.finish();
  assert.equal(await keepInCapture(path), null);
});
