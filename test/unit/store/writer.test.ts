import assert from 'node:assert/strict';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALLOCATOR, LOSS_MEANING } from '../../../src/model/abi.gen.ts';
import { openReader } from '../../../src/store/db.ts';
import { CaptureWriter } from '../../../src/store/writer.ts';
import { UserError } from '../../../src/util/errors.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const MS = 1e6;

test('a warning that comes later joins the one that a process began with', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const [first, second] = [builder.at(5).process({ warning: 'no symbols' }), builder.process()];
  recording.commit();
  builder.warn(first, 'an odd allocator').warn(second, 'another one');
  recording.finish();
  assert.deepEqual(
    recording.rows<{ warning: string }>('SELECT warning FROM process ORDER BY id').map((row) => row.warning),
    ['no symbols; an odd allocator', 'another one'],
  );
});

test('everything that was recorded is in its table', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const process = builder.at(5).process({ comm: 'demo', warning: 'no symbols' });
  const thread = builder.thread(process, { name: 'main' });
  const module = builder.module('/lib/libdemo.so');
  const stack = builder.bareStack('complete', 'main', 'load');
  builder.symbolize('main', { function: 'main', file: 'main.c', line: 3 });
  builder.symbolize('load', { function: 'read', inlined: true, module }, { function: 'load', line: 7, module });
  builder.at(10).allocate(thread, 0x1000, 100, { stack }).at(20).allocate(thread, 0x2000, 28, { stack });
  builder.at(30).free(thread, 0x2000).rss(process, 4096);
  builder.at(40 * MS).end(process, { exitCode: null, exitSignal: 9 });
  recording.losses = { ring_dropped: 3, stack_missing: 1 };
  recording.finish();

  assert.deepEqual(recording.rows('SELECT * FROM process'), [
    {
      id: 1,
      pid: 1000,
      parent_id: null,
      origin: 'launch',
      started_ns: 4,
      ended_ns: 40 * MS,
      exit_code: null,
      exit_signal: 9,
      comm: 'demo',
      executable: '/bin/comm0',
      command_line: 'comm0 --flag',
      cgroup: '/',
      runtime: 'native',
      warning: 'no symbols',
    },
  ]);
  assert.deepEqual(recording.rows('SELECT * FROM thread'), [{ id: 1, process_id: 1, tid: 2000, name: 'main' }]);
  assert.deepEqual(recording.rows('SELECT * FROM module'), [{ id: 1, path: '/lib/libdemo.so', build_id: 'abcd' }]);
  assert.deepEqual(
    recording.rows('SELECT position, function, file, line, module, inlined FROM stack_frame WHERE stack_id = 3'),
    [
      { position: 0, function: 'read', file: null, line: null, module: '/lib/libdemo.so', inlined: 1 },
      { position: 1, function: 'load', file: null, line: 7, module: '/lib/libdemo.so', inlined: 0 },
      { position: 2, function: 'main', file: 'main.c', line: 3, module: null, inlined: 0 },
    ],
  );
  assert.deepEqual(recording.rows('SELECT * FROM site'), [
    {
      id: 1,
      process_id: 1,
      thread_id: 1,
      allocator: 'malloc',
      stack_id: 3,
      allocations: 2,
      allocated_bytes: 128,
      deallocations: 1,
      deallocated_bytes: 28,
      peak_allocations: 2,
      peak_bytes: 128,
      live_allocations: 1,
      live_bytes: 100,
      temporary_allocations: 1,
      temporary_bytes: 28,
    },
  ]);
  assert.deepEqual(
    recording.rows('SELECT time_ns, heap_bytes, live_allocations, rss_bytes FROM memory ORDER BY time_ns'),
    [
      { time_ns: 20, heap_bytes: 128, live_allocations: 2, rss_bytes: 4096 },
      { time_ns: 30, heap_bytes: 100, live_allocations: 1, rss_bytes: 4096 },
      { time_ns: 40 * MS, heap_bytes: 100, live_allocations: 1, rss_bytes: 4096 },
    ],
  );
  assert.deepEqual(recording.rows('SELECT * FROM temporary'), [
    { site_id: 1, threshold: 0, allocations: 1, bytes: 28 },
  ]);
  assert.deepEqual(recording.rows('SELECT min_bytes, max_bytes, allocations, bytes FROM size_histogram'), [
    { min_bytes: 28, max_bytes: 29, allocations: 1, bytes: 28 },
    { min_bytes: 96, max_bytes: 103, allocations: 1, bytes: 100 },
  ]);
  const losses = Object.fromEntries(recording.rows('SELECT kind, count FROM loss').map((row) => [row.kind, row.count]));
  assert.deepEqual(Object.keys(losses).sort(), Object.keys(LOSS_MEANING).sort(), 'one row per kind, also when 0');
  assert.deepEqual([losses.ring_dropped, losses.stack_missing, losses.unmatched_free], [3, 1, 0]);
  assert.deepEqual(recording.column('PRAGMA foreign_key_check'), []);
  assert.deepEqual(recording.column('PRAGMA integrity_check'), ['ok']);
});

test('the views of sites', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  const [kept, passing] = [builder.stack('main', 'kept'), builder.stack('main', 'passing')];
  builder.allocate(thread, 0x1000, 10, { stack: kept }).allocate(thread, 0x2000, 50, { stack: passing });
  builder.free(thread, 0x2000).allocate(thread, 0x3000, 5, { stack: kept, allocator: ALLOCATOR.CALLOC });
  recording.finish();
  const view = (name: string) =>
    recording.rows(`SELECT allocator, allocations, bytes, function FROM ${name} ORDER BY 3`);
  const row = (allocator: string, bytes: number, name: string) => ({
    allocator,
    allocations: 1,
    bytes,
    function: name,
  });
  assert.deepEqual(view('high_watermark'), [row('malloc', 10, 'kept'), row('malloc', 50, 'passing')]);
  assert.deepEqual(view('leaks'), [row('calloc', 5, 'kept'), row('malloc', 10, 'kept')]);
  assert.deepEqual(view('temporary_allocations'), [row('malloc', 50, 'passing')]);
  assert.deepEqual(view('allocations').length, 3);
  const [summary] = recording.rows('SELECT * FROM process_summary');
  const { allocations, allocated_bytes, deallocations, peak_bytes, leaked_allocations, leaked_bytes } = summary!;
  assert.deepEqual(
    [allocations, allocated_bytes, deallocations, peak_bytes, leaked_allocations, leaked_bytes],
    [3, 65, 1, 60, 2, 15],
  );
});

test('a site without symbols has no stack until they come, then sites with equal frames are one row', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  const [first, second, third] = ['one', 'two', 'three'].map((name) => builder.bareStack('complete', 'main', name));
  builder.symbolize('main');
  builder.allocate(thread, 0x1000, 1, { stack: first! }).allocate(thread, 0x2000, 2, { stack: second! });
  builder.allocate(thread, 0x3000, 4, { stack: third! }).free(thread, 0x3000);
  recording.commit();
  const sites = () => recording.rows('SELECT id, stack_id, allocations, live_bytes, peak_bytes FROM site ORDER BY id');
  assert.deepEqual(sites(), [{ id: 1, stack_id: null, allocations: 3, live_bytes: 3, peak_bytes: 7 }]);
  assert.deepEqual(recording.column('SELECT site_id FROM temporary'), [1]);

  builder.symbolize('one', { function: 'same', line: 5 }).symbolize('two', { function: 'same', line: 5 });
  recording.commit();
  assert.deepEqual(sites(), [
    { id: 1, stack_id: null, allocations: 1, live_bytes: 0, peak_bytes: 4 },
    { id: 2, stack_id: 2, allocations: 2, live_bytes: 3, peak_bytes: 3 },
  ]);
  assert.deepEqual(recording.column('SELECT site_id FROM temporary'), [1]);

  builder.symbolize('three', { function: 'same', line: 5 });
  recording.commit();
  assert.deepEqual(sites(), [{ id: 2, stack_id: 2, allocations: 3, live_bytes: 3, peak_bytes: 7 }]);
  assert.deepEqual(recording.column('SELECT site_id FROM temporary'), [2]);
  recording.finish();
  assert.deepEqual(recording.column('SELECT count(*) FROM stack'), [2]);
});

test('a stack that is never symbolized gets nameless frames at the end', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  const stack = builder.symbolize('main').bareStack('complete', 'main', 'lost');
  const missing = builder.bareStack('missing');
  builder.allocate(thread, 0x1000, 1, { stack }).allocate(thread, 0x2000, 2, { stack: missing });
  recording.commit().finish();
  const rows = recording.rows('SELECT bytes, function, stack_id FROM allocations ORDER BY bytes');
  assert.deepEqual(rows, [
    { bytes: 1, function: null, stack_id: 2 },
    { bytes: 2, function: null, stack_id: null },
  ]);
  assert.deepEqual(recording.column("SELECT count FROM loss WHERE kind = 'frame_unsymbolized'"), [1]);
});

test('when the peak moves, sites that did not change are rewritten', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  const [a, b] = [builder.stack('a'), builder.stack('b')];
  builder.allocate(thread, 0x1000, 10, { stack: a }).allocate(thread, 0x2000, 20, { stack: b }).free(thread, 0x1000);
  recording.commit();
  const peaks = () =>
    recording.column('SELECT peak_bytes FROM site JOIN stack ON stack.id = stack_id ORDER BY stack.id');
  assert.deepEqual(peaks(), [10, 20]);
  builder.allocate(thread, 0x3000, 100, { stack: b });
  recording.commit();
  assert.deepEqual(peaks(), [0, 120]);
  assert.deepEqual(recording.column('SELECT max(heap_bytes) FROM memory'), [120]);
  recording.writer.close();
});

test('the row of a process comes with its ProcessInfo, with all that happened before', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const process = builder.process({}, false);
  const thread = builder.thread(process);
  builder.allocate(thread, 0x1000, 10);
  recording.commit();
  for (const table of ['process', 'thread', 'site', 'memory', 'size_histogram']) {
    assert.deepEqual(recording.column(`SELECT count(*) FROM ${table}`), [0], table);
  }
  builder.know(process, { origin: 'attach' });
  recording.commit();
  assert.deepEqual(recording.column('SELECT origin FROM process'), ['attach']);
  assert.deepEqual(recording.column('SELECT live_bytes FROM site'), [10]);
  assert.deepEqual(recording.column('SELECT count(*) FROM thread'), [1]);
  recording.writer.close();
});

test('numbers above 2^32 survive', (context) => {
  const recording = new Recording(context);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  builder.allocate(thread, 0x7fff_ffff_f000, 2 ** 47 + 3);
  recording.apply();
  builder.at(2 ** 32 + 5).allocate(thread, 0x1000, 2 ** 45);
  recording.finish();
  assert.deepEqual(recording.column('SELECT live_bytes FROM site'), [2 ** 47 + 2 ** 45 + 3]);
  assert.deepEqual(recording.column('SELECT max(time_ns) FROM memory'), [2 ** 32 + 5]);
});

test('meta: what the caller says, status and end', (context) => {
  const recording = new Recording(context);
  recording.writer.meta('mode', 'run');
  recording.commit();
  const meta = () => Object.fromEntries(recording.rows('SELECT * FROM meta').map(({ key, value }) => [key, value]));
  const intervals = { interval_ns: '10000000', interval_end_ns: '0' };
  assert.deepEqual(meta(), { format_version: '1', status: 'recording', mode: 'run', ...intervals });
  recording.finish();
  const ended = { ended_at: '2026-11-21T12:00:00Z', status: 'complete' };
  assert.deepEqual(meta(), { format_version: '1', mode: 'run', ...intervals, interval_end_ns: '10000000', ...ended });
});

test('a finished capture is one plain file', (context) => {
  const recording = new Recording(context);
  recording.finish();
  assert.ok(!existsSync(`${recording.path}-wal`) && !existsSync(`${recording.path}-shm`));
  assert.deepEqual(recording.column('PRAGMA journal_mode'), ['delete']);
});

test('a capture finishes while somebody reads it', (context) => {
  const recording = new Recording(context);
  recording.commit();
  const reader = openReader(recording.path);
  reader.transaction(() => {
    reader.all('SELECT * FROM meta');
    recording.finish();
  });
  assert.equal(reader.get("SELECT value FROM meta WHERE key = 'status'")!.value, 'complete');
  reader.close();
});

test('an existing file is replaced only with force, and what lay beside it goes too', (context) => {
  const path = join(temporaryFolder(context), 'capture.db');
  writeFileSync(path, 'precious');
  const refusal = new UserError(`File already exists, will not overwrite without --force: ${path}`);
  assert.throws(() => new CaptureWriter(path), refusal);
  assert.equal(statSync(path).size, 8);
  writeFileSync(`${path}-wal`, 'stale');
  writeFileSync(`${path}-shm`, 'stale');
  new CaptureWriter(path, { force: true }).close();
  openReader(path).close();
});

test('a symbolic link is not written through', (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'target'), 'precious');
  symlinkSync(join(folder, 'target'), join(folder, 'link'));
  assert.throws(() => new CaptureWriter(join(folder, 'link')), /^UserError: File already exists/);
  new CaptureWriter(join(folder, 'link'), { force: true }).close();
  assert.equal(statSync(join(folder, 'target')).size, 8);
});

test('a file that cannot be made is explained', (context) => {
  const folder = temporaryFolder(context);
  assert.throws(
    () => new CaptureWriter(join(folder, 'no', 'x.db')),
    /^UserError: Failed to write capture .*: no such directory$/,
  );
  assert.throws(
    () => new CaptureWriter(folder, { force: true }),
    /^UserError: Failed to write capture .*: it is not a regular file$/,
  );
});

test('the file and its log belong to the owner from the start', {
  skip: process.getuid!() !== 0 && 'needs root',
}, (context) => {
  const path = join(temporaryFolder(context), 'capture.db');
  const writer = new CaptureWriter(path, { owner: { uid: 1234, gid: 1235 } });
  for (const suffix of ['', '-wal', '-shm']) {
    const { uid, gid } = statSync(path + suffix);
    assert.deepEqual([uid, gid], [1234, 1235], suffix);
  }
  writer.close();
});
