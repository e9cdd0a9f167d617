import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { register as registerSnapshot } from '../../../src/cli/commands/snapshot.ts';
import { register as registerTable } from '../../../src/cli/commands/table.ts';
import { register as registerTop } from '../../../src/cli/commands/top.ts';
import { EVENT_ALLOCATE, EVENT_FREE, EVENT_UNMAP, type EventColumns } from '../../../src/model/events.ts';
import { openReader } from '../../../src/store/db.ts';
import { EventEncoder } from '../../../src/store/event-encoder.ts';
import { UserError } from '../../../src/util/errors.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';

function made(t: TestContext): { capture: string; snapshot: string } {
  const folder = temporaryFolder(t);
  const paths = { capture: join(folder, 'capture.db'), snapshot: join(folder, 'snapshot.db') };
  smallCapture(paths.capture, { running: true, meta: { status: 'recording', tracer_pid: String(process.pid) } });
  return paths;
}

const take = (...args: string[]) => runCommand(registerSnapshot, ['snapshot', ...args]);

test('a snapshot says what its capture says, in every report', async (t) => {
  const { capture, snapshot } = made(t);
  const { err } = await take(capture, '-o', snapshot);
  assert.equal(err, `Snapshot: ${snapshot}\n`);
  const table = async (path: string, ...args: string[]) =>
    JSON.parse((await runCommand(registerTable, ['table', '--json', ...args, path])).out).rows;
  assert.ok((await table(capture)).length > 0);
  for (const view of [[], ['--leaks'], ['--all'], ['--temporary-allocations']])
    assert.deepEqual(await table(snapshot, ...view), await table(capture, ...view));
  assert.equal(statSync(snapshot).mode & 0o777, 0o600);
});

test('its figures are kept with it', async (t) => {
  const { capture, snapshot } = made(t);
  await take(capture, '-o', snapshot, '--metric', 'answer=echo 42', '--metric', 'share=echo 4.2%');
  const { out } = await runCommand(registerTop, ['top', '-q', snapshot]);
  assert.match(out, /^answer: 42$/m);
  assert.match(out, /^share: 4\.2%$/m);
  assert.match(out, /^mp\.traced\.size: 560 B$/m);
  assert.match(out, /^mp\.traced\.blocks: 12$/m);
  assert.match(out, /^mp\.tracer\.rss: \d+ (KiB|MiB)$/m);
});

test('an existing file is left alone', async (t) => {
  const { capture, snapshot } = made(t);
  await take(capture, '-o', snapshot);
  await assert.rejects(take(capture, '-o', snapshot), /File already exists, will not overwrite without --force/);
  await take(capture, '-f', '-o', snapshot);
});

test('what can not be taken says why', async (t) => {
  const { capture, snapshot } = made(t);
  await assert.rejects(take('4194300'), /process 4194300 is not being traced/);
  await assert.rejects(take('/no/such.db'), /No such file/);
  await assert.rejects(
    take('--traces', capture, '-o', snapshot),
    /does not know its single blocks: .*record with --events/,
  );
  await assert.rejects(take('--metric', 'x=false', capture, '-o', snapshot), /the command of metric x failed/);
  await assert.rejects(take('--metric', 'x=echo many', capture, '-o', snapshot), UserError);
});

test('live blocks by the events of a capture', async (t) => {
  const folder = temporaryFolder(t);
  const [path, snapshot] = [join(folder, 'events.db'), join(folder, 'snapshot.db')];
  const capture = new CaptureFixture(path);
  capture.meta({ status: 'complete', ended_at: '2026-01-02T03:04:07Z' });
  const process = capture.process({ pid: 5 });
  const thread = capture.thread(process, 5, 'app');
  const stack = capture.stack(capture.frame({ function: 'main', file: '/a.c', line: 3 }));
  const site = { process, thread, stack, all: [2, 100], live: [1, 64] } as const;
  const malloc = capture.site({ ...site, allocator: 'malloc', all: [2, 100], live: [1, 64] });
  const mmap = capture.site({ ...site, allocator: 'mmap', all: [1, 12288], live: [2, 8192] });
  for (const id of [malloc, mmap]) capture.insert('site_part', { id, process_id: process, site_id: id });
  const rows = [
    [EVENT_ALLOCATE, 1, malloc - 1, 0x1000, 36],
    [EVENT_ALLOCATE, 1, malloc - 1, 0x2000, 64],
    [EVENT_FREE, 2, thread - 1, 0x1000, 0],
    [EVENT_ALLOCATE, 10, mmap - 1, 0x10000, 12288],
    [EVENT_UNMAP, 10, thread - 1, 0x11000, 4096],
  ];
  const column = (i: number) => Float64Array.from(rows, (row) => row[i]!);
  const events: EventColumns = {
    count: rows.length,
    times: Float64Array.from(rows.keys()),
    operations: Uint8Array.from(column(0)),
    allocators: Uint8Array.from(column(1)),
    owners: Uint32Array.from(column(2)),
    addresses: column(3),
    sizes: column(4),
  };
  capture.insert('event_chunk', { id: 1, count: rows.length, data: new EventEncoder().encode(events, 0, rows.length) });
  capture.close();
  const top = async (...args: string[]) => (await runCommand(registerTop, ['top', '-q', '-M', ...args])).out;
  await take('--traces', path, '-o', snapshot);
  for (const file of [path, snapshot]) {
    const out = await top('-a', file);
    assert.match(out, /#1: memory block 0x12000: size=4096 B\n#2: memory block 0x10000: size=4096 B\n/);
    assert.match(out, /#3: memory block 0x2000: size=64 B\nTraced memory/);
    assert.match(await top('-b', '0x2000', file), /0x2000: 64 B\nTraceback .*\n {2}File "\/a.c", line 3\n/);
    assert.match(await top('-b', '0x1000', file), /\(not found\)/);
  }
  const db = openReader(snapshot);
  assert.equal(db.get('SELECT count(*) AS n FROM event_chunk')!.n, 0);
  db.close();
});
