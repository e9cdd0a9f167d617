/** mp stats of a part of a capture, beside what SQL says of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeBigCapture } from '../../../scripts/bench/big-capture.ts';
import { register } from '../../../src/cli/commands/stats.ts';
import { TICK_NS } from '../../../src/model/intervals.ts';
import type { Stats } from '../../../src/report/stats.ts';
import { type Db, openReader } from '../../../src/store/db.ts';
import { forkCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from './command.ts';

const SECOND = 1e9;

function made(t: TestContext, build: (path: string) => void): { path: string; db: Db } {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  build(path);
  const db = openReader(path);
  t.after(() => db.close());
  return { path, db };
}

async function statsOf(path: string, ...options: string[]): Promise<Stats & { selection: object }> {
  return JSON.parse((await runCommand(register, ['stats', path, '--json', '-n', '3', ...options])).out);
}

interface Sums {
  allocations: number;
  bytes: number;
}

const sumsIn = (db: Db, rows: string, where: string): Sums => ({
  ...db.get<Sums>(
    `SELECT coalesce(sum(allocations), 0) AS allocations, coalesce(sum(bytes), 0) AS bytes FROM ${rows} v WHERE ${where}`,
  )!,
});

const hasFrame = (text: string) =>
  `EXISTS (SELECT 1 FROM stack_frame f WHERE f.stack_id = v.stack_id
    AND (f.function GLOB '*${text}*' OR f.file GLOB '*${text}*' OR f.module GLOB '*${text}*'))`;

const PARTS: Record<string, [where: string, ...options: string[]]> = {
  'a thread': ['tid = 103', '--thread', '103'],
  'stacks with a function': [hasFrame('Cache'), '--include', 'Cache'],
  'stacks with either of two': [
    `(${hasFrame('Cache1')} OR ${hasFrame('libpart7.so')})`,
    ...['--include', 'Cache1', '--include', 'libpart7.so'],
  ],
  'stacks without': [`NOT ${hasFrame('Cache')}`, '--exclude', 'Cache'],
  'all of it together': [
    `pid = 100 AND tid = 104 AND ${hasFrame('Cache')} AND NOT ${hasFrame('Parser1')}`,
    ...['--pid', '100', '--thread', '104', '--include', 'Cache', '--exclude', 'Parser1'],
  ],
};

for (const [name, [where, ...options]] of Object.entries(PARTS)) {
  test(`${name}: totals, peak, allocators and places`, async (t) => {
    const { path, db } = made(t, (file) => void makeBigCapture(file, 1500));
    const stats = await statsOf(path, ...options);
    const all = sumsIn(db, 'allocations', where);
    assert.ok(all.allocations > 0 && all.allocations < sumsIn(db, 'allocations', 'true').allocations);
    assert.deepEqual([stats.total_num_allocations, stats.total_bytes_allocated], [all.allocations, all.bytes]);
    assert.equal(stats.peak_bytes, sumsIn(db, 'high_watermark', where).bytes);
    assert.deepEqual(stats.allocator_type_distribution, { malloc: all.allocations });
    const places = db.all<{ location: string; size: number }>(
      `SELECT function || ':' || file || ':' || line AS location, sum(bytes) AS size FROM allocations v WHERE ${where}
       GROUP BY 1 ORDER BY 2 DESC, sum(allocations) DESC, 1 LIMIT 3`,
    );
    assert.deepEqual(
      stats.top_allocations_by_size,
      places.map((row) => ({ ...row })),
    );
    assert.deepEqual(stats.allocation_size_histogram, [], 'sizes are counted by process');
  });

  test(`${name}: in a range of time`, async (t) => {
    const { path, db } = made(t, (file) => void makeBigCapture(file, 1500));
    const [from, to] = [20 * SECOND, 60 * SECOND];
    const stats = await statsOf(path, ...options, '--from', '20', '--to', '60');
    const inTime = `(SELECT s.stack_id, p.pid, t.tid, i.allocations, i.bytes
      FROM interval_allocated i JOIN site_part part ON part.id = i.part_id JOIN site s ON s.id = part.site_id
      JOIN process p ON p.id = s.process_id JOIN thread t ON t.id = s.thread_id
      WHERE i.tick >= ${from / TICK_NS} AND i.tick < ${to / TICK_NS})`;
    const all = sumsIn(db, inTime, where);
    assert.ok(all.allocations > 0);
    assert.deepEqual([stats.total_num_allocations, stats.total_bytes_allocated], [all.allocations, all.bytes]);
    assert.ok(
      stats.peak_bytes > 0 && stats.peak_bytes < (await statsOf(path, '--from', '20', '--to', '60')).peak_bytes,
    );
  });
}

test('the text says that the peak is a part, and why there is no histogram', async (t) => {
  const { path } = made(t, forkCapture);
  const { out } = await runCommand(register, ['stats', path, '--thread', '201']);
  assert.match(out, /only thread 201/);
  assert.match(out, /^Part of the peak memory usage: 500 B/m);
  assert.match(
    out,
    /^Histogram of allocation size:\n {2}not known of single threads and stacks: sizes are counted by process$/m,
  );
  const { out: whole } = await runCommand(register, ['stats', path]);
  assert.match(whole, /^Peak memory usage, summed over processes: /m);
  await assert.rejects(runCommand(register, ['stats', path, '--thread', '999']), { name: 'UserError', exitCode: 1 });
});

test('a part without an allocation', async (t) => {
  const { path } = made(t, forkCapture);
  const { out } = await runCommand(register, ['stats', path, '--include', 'not-there']);
  assert.match(out, /^No allocations were recorded\.\nThe selection has none of the capture's /m);
});
