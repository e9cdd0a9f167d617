import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { CaptureFixture, LONG_NAME, smallCapture } from '../../helpers/capture-fixture.ts';
import { openCapture } from '../command.ts';
import { exported, readParquet } from './read-exports.ts';

test('rows have the columns of the views, and stacks as lists', async (t) => {
  const rows = await readParquet(await exported('parquet', openCapture(t, smallCapture)));
  const owner = { process_id: 1n, pid: 100n, comm: 'app', cgroup: null };
  assert.equal(rows.length, 4);
  assert.deepEqual(rows[1], {
    ...owner,
    thread_id: 2n,
    tid: 101n,
    thread_name: 'worker',
    allocator: 'calloc',
    allocations: 3n,
    bytes: 3145728n,
    function: LONG_NAME,
    file: '/usr/include/c++/12/vector',
    line: 446n,
    module: '/usr/bin/app',
    language: 'native',
    stack_id: 5n,
    stack: [
      `${LONG_NAME} at /usr/include/c++/12/vector:446`,
      'walk at /src/app/walk.cc:30',
      'walk at /src/app/walk.cc:30',
      'main at /src/app/main.c:10',
    ],
  });
  const { function: name, file, stack, stack_id } = rows[3]!;
  assert.deepEqual([name, file, stack ?? null, stack_id], [null, null, null, null]);
});

test('the file says where its rows come from', async (t) => {
  const bytes = await exported('parquet', openCapture(t, smallCapture), { view: 'leaks' });
  const { key_value_metadata, created_by } = parquetMetadata(new Uint8Array(bytes).buffer);
  const facts = Object.fromEntries((key_value_metadata ?? []).map(({ key, value }) => [key, value]));
  assert.match(facts.view!, /^leaks/);
  assert.equal(facts.command_line, './app --size 3');
  assert.equal(JSON.parse(facts.losses!).ring_dropped, 0);
  assert.match(created_by!, /^mp version /);
});

test('more rows than are encoded together', async (t) => {
  const count = 20_001;
  const build = (path: string) => {
    const fixture = new CaptureFixture(path);
    fixture.db.transaction(() => {
      const process = fixture.process({ pid: 1 });
      const thread = fixture.thread(process, 1, 'x');
      const root = fixture.frame({ function: 'main' });
      for (let i = 1; i <= count; i++) {
        const stack = fixture.stack(root, fixture.frame({ function: `f${i}`, line: i }));
        fixture.site({ process, thread, allocator: 'malloc', stack, all: [1, i], peak: [1, i] });
      }
    });
    fixture.close();
  };
  const rows = await readParquet(await exported('parquet', openCapture(t, build)));
  assert.equal(rows.length, count);
  for (const [i, row] of rows.entries()) {
    assert.deepEqual([row.bytes, row.line, row.stack], [BigInt(i + 1), BigInt(i + 1), [`f${i + 1}`, 'main']]);
  }
});
