import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openReader } from '../../../src/store/db.ts';
import { intervalsOf } from '../../../src/store/window.ts';
import { RandomRecording } from '../helpers/random-recording.ts';

const RANGES = 200;
const STEPS = 12_000;

for (const seed of [3, 4711]) {
  test(`${RANGES} random ranges, every site to the byte, seed ${seed}`, (context) => {
    const random = new RandomRecording(context, seed, {});
    random.run(STEPS);
    random.recording.finish();
    const db = openReader(random.recording.path);
    assert.deepEqual(intervalsOf(db).widthNs, 10e6);
    db.close();
    for (let n = 0; n < RANGES; n++) random.compare(random.range());
    random.compare({ fromNs: 0, toNs: Infinity });
  });
}

test('the same while it is recorded, at every commit', (context) => {
  const random = new RandomRecording(context, 5, {});
  random.run(STEPS / 2, () => random.compare(random.range()));
});

for (const [mergedRows, ranges] of [
  [2000, 40],
  [1e6, RANGES / 2],
] as const) {
  test(`the same when intervals have become wider, ${mergedRows} rows at a time`, (context) => {
    const random = new RandomRecording(context, 99, { maxRows: 1500, minRowsPerPart: 1, mergedRows });
    const widths = new Set<number>();
    random.run(STEPS * 2, (n) => {
      widths.add(Number(random.recording.column("SELECT value FROM meta WHERE key = 'interval_ns'")[0]));
      if (n % 7 === 0) random.compare(random.range());
    });
    random.recording.finish();
    assert.ok(widths.size >= 4, `widths: ${[...widths].join(', ')}`);
    const tables = ['interval_allocated', 'interval_freed', 'interval_peak'];
    const rows = tables.map((table) => random.recording.column(`SELECT count(*) FROM ${table}`)[0] as number);
    const bound = Math.max(1500, random.operations.naive.sites.size);
    assert.ok(rows[0]! + rows[1]! + rows[2]! < bound * 1.5, `${rows.join(' + ')} rows, ${bound}, ${[...widths]}`);
    for (let n = 0; n < ranges; n++) random.compare(random.range());
    random.compare({ fromNs: 0, toNs: Infinity });
  });
}

test('the same when more happens than can be written', (context) => {
  const random = new RandomRecording(context, 31, {}, { rowsPerTick: 5 });
  random.run(STEPS, (n) => {
    if (n % 3 === 0) random.compare(random.range());
  });
  random.recording.finish();
  assert.ok(random.recording.aggregator.intervals!.widthTicks >= 4);
  random.compare({ fromNs: 0, toNs: Infinity });
});

test('the view of intervals adds up to the sites', (context) => {
  const random = new RandomRecording(context, 77, { maxRows: 1500, minRowsPerPart: 1, mergedRows: 50 });
  random.run(STEPS / 3);
  random.recording.finish();
  const differences = `
    SELECT s.id FROM site s LEFT JOIN (
      SELECT site_id, sum(allocations) AS allocations, sum(bytes) AS bytes,
             sum(iif(to_ns IS NULL, allocations, 0)) AS live, sum(iif(to_ns IS NULL, bytes, 0)) AS live_bytes,
             max(from_ns % (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'interval_ns')) AS off
      FROM site_interval GROUP BY site_id) i ON i.site_id = s.id
    WHERE (s.allocations, s.allocated_bytes, s.live_allocations, s.live_bytes, 0)
      IS NOT (i.allocations, i.bytes, i.live, i.live_bytes, i.off)`;
  assert.deepEqual(random.recording.column(differences), []);
  assert.deepEqual(random.recording.column('PRAGMA foreign_key_check'), []);
  assert.ok((random.recording.column('SELECT count(*) FROM site_interval WHERE to_ns > from_ns')[0] as number) > 100);
});
