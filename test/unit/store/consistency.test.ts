import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { NaiveAccounts } from '../helpers/naive-accounts.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';

/** What a reader must find after a commit: each process's sums equal the naive accounts and the end of its memory line. */
function check(recording: Recording, naive: NaiveAccounts): void {
  const rows = recording.rows<Record<string, number>>(`
    SELECT process_id, sum(allocations) AS allocations, sum(allocated_bytes) AS allocated_bytes,
           sum(deallocations) AS deallocations, sum(deallocated_bytes) AS deallocated_bytes,
           sum(live_bytes) AS live_bytes, sum(peak_bytes) AS peak_bytes, sum(peak_allocations) AS peak_allocations,
           (SELECT max(heap_bytes) FROM memory m WHERE m.process_id = s.process_id) AS line_peak,
           (SELECT heap_bytes FROM memory m WHERE m.process_id = s.process_id ORDER BY time_ns DESC, rowid DESC) AS line_end,
           (SELECT sum(bytes) FROM size_histogram h WHERE h.process_id = s.process_id) AS histogram_bytes
    FROM site s GROUP BY process_id ORDER BY process_id`);
  const expected = new Map<number, Record<string, number>>();
  for (const site of naive.sites.values()) {
    const id = site.process + 1;
    const sum = expected.get(id) ?? { allocations: 0, allocated: 0, ended: 0, live: 0, peak: 0, peakBlocks: 0 };
    sum.allocations! += site.allocations;
    sum.allocated! += site.allocatedBytes;
    sum.ended! += site.deallocations;
    sum.live! += site.liveBytes;
    sum.peak! += site.peakBytes;
    sum.peakBlocks! += site.peakAllocations;
    expected.set(id, sum);
  }
  assert.equal(rows.length, expected.size);
  for (const row of rows) {
    const sum = expected.get(row.process_id!)!;
    assert.deepEqual(row, {
      process_id: row.process_id!,
      allocations: sum.allocations!,
      allocated_bytes: sum.allocated!,
      deallocations: sum.ended!,
      deallocated_bytes: sum.allocated! - sum.live!,
      live_bytes: sum.live!,
      peak_bytes: sum.peak!,
      peak_allocations: sum.peakBlocks!,
      line_peak: sum.peak!,
      line_end: sum.live!,
      histogram_bytes: sum.allocated!,
    });
  }
  const duplicates = 'SELECT 1 FROM site GROUP BY process_id, thread_id, allocator, stack_id HAVING count(*) > 1';
  assert.deepEqual(recording.column(duplicates), []);
  const lost = `SELECT count(*) FROM site s WHERE temporary_allocations <> coalesce(
    (SELECT sum(allocations) FROM temporary t WHERE t.site_id = s.id AND threshold <= 1), 0)`;
  assert.deepEqual(recording.column(lost), [0]);
  assert.deepEqual(recording.column('PRAGMA foreign_key_check'), []);
}

function record(context: TestContext, seed: number, everyCommit: (recording: Recording, n: number) => void): void {
  const operations = new RandomOperations(seed);
  const recording = new Recording(context, operations.builder);
  for (let step = 1, commits = 0; step <= 20_000; step++) {
    operations.step();
    if (step % 61 === 0) recording.apply();
    if (step % 1009 !== 0) continue;
    if (++commits === 8) operations.symbolize();
    everyCommit(recording, commits);
    check(recording, operations.naive);
  }
  recording.finish();
  check(recording, operations.naive);
  assert.equal(recording.column('SELECT count(DISTINCT function) FROM frame')[0], 4);
}

test('every commit leaves a consistent capture, before and after symbols come', (context) => {
  record(context, 99, (recording) => recording.commit());
});

test('so does a commit that is repeated after it failed', (context) => {
  record(context, 12345, (recording, n) => {
    recording.apply();
    if (n % 3 === 0) {
      const { aggregator, symbolizer, writer } = recording;
      // Read last in a commit, when all the rest has been written.
      const broken = Object.create(symbolizer, { unsymbolizedFrames: { get: () => assert.fail('disk on fire') } });
      broken.frames = symbolizer.frames.bind(symbolizer);
      broken.release = symbolizer.release.bind(symbolizer);
      Object.defineProperty(broken, 'revision', { value: symbolizer.revision });
      assert.throws(() => writer.commit(aggregator, broken, {}), /disk on fire/);
    }
    recording.commit();
  });
});
