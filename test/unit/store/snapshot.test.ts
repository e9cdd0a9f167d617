import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { liveBlocks } from '../../../src/lib/live-blocks.ts';
import { openReader } from '../../../src/store/db.ts';
import { writeCapture, writeSnapshot } from '../../../src/store/snapshot.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const TAKEN_AT = '2026-01-02T03:04:06.000Z';
const NOTHING = { takenAt: TAKEN_AT, metrics: [], blocks: null };

function paths(t: TestContext): { source: string; target: string } {
  const folder = temporaryFolder(t);
  return { source: join(folder, 'source.db'), target: join(folder, 'target.db') };
}

function copy(source: string, target: string, figures: Parameters<typeof writeSnapshot>[2] = NOTHING): void {
  const db = openReader(source);
  try {
    db.transaction(() => writeSnapshot(db, target, figures));
  } finally {
    db.close();
  }
}

test('every table of a capture but those of time and of events, and when it was taken', (t) => {
  const { source, target } = paths(t);
  smallCapture(source, { meta: { interval_ns: '10000000', options: '{}' } });
  copy(source, target, { ...NOTHING, metrics: [{ name: 'a', value: 0.5, format: 'percent' }] });
  const [old, now] = [openReader(source), openReader(target)];
  for (const table of ['process', 'thread', 'frame', 'stack', 'site', 'memory', 'temporary', 'size_histogram', 'loss'])
    assert.deepEqual(now.all(`SELECT * FROM ${table}`), old.all(`SELECT * FROM ${table}`), table);
  const meta = Object.fromEntries(
    now.all<{ key: string; value: string }>('SELECT * FROM meta').map((r) => [r.key, r.value]),
  );
  assert.equal(meta.status, 'complete');
  assert.equal(meta.ended_at, TAKEN_AT);
  assert.equal(meta.snapshot_at, TAKEN_AT);
  assert.equal(meta.options, '{}');
  assert.equal(meta.interval_ns, undefined);
  assert.equal(meta.traces, undefined);
  assert.deepEqual(now.all('SELECT * FROM metric'), [{ name: 'a', value: 0.5, format: 'percent' }]);
  assert.equal(liveBlocks(now), null);
  old.close();
  now.close();
  const files = readdirSync(dirname(target)).filter((name) => name.startsWith('target'));
  assert.deepEqual(files, ['target.db'], 'one plain file');
});

test('blocks, of which there may be none', (t) => {
  const { source, target } = paths(t);
  smallCapture(source);
  copy(source, target, { ...NOTHING, blocks: [] });
  const db = openReader(target);
  assert.deepEqual(liveBlocks(db), []);
  db.close();
  copy(source, `${target}.2`, {
    ...NOTHING,
    blocks: [{ process_id: 1, address: 0x7f00_0000_1000, bytes: 9, site_id: 1 }],
  });
  const second = openReader(`${target}.2`);
  assert.deepEqual(liveBlocks(second), [{ process_id: 1, pid: 100, address: 0x7f00_0000_1000, bytes: 9, stack_id: 2 }]);
  second.close();
});

test('a capture of an earlier mp, which lacks tables and columns', (t) => {
  const { source, target } = paths(t);
  const capture = new CaptureFixture(source);
  capture.meta({ mode: 'run' });
  capture.process({ pid: 3 });
  capture.db.exec('DROP TABLE resident; DROP TABLE metric; DROP TABLE block; ALTER TABLE process DROP COLUMN warning');
  capture.close();
  copy(source, target);
  const db = openReader(target);
  assert.deepEqual(db.all('SELECT pid, warning FROM process'), [{ pid: 3, warning: null }]);
  db.close();
});

test('what could not be written to its end is removed; what was there before stays', (t) => {
  const { target } = paths(t);
  const fail = () => {
    throw new Error('no more');
  };
  assert.throws(() => writeCapture(target, {}, fail), /no more/);
  assert.deepEqual(readdirSync(dirname(target)), []);
  writeFileSync(target, 'mine');
  assert.throws(() => writeCapture(target, {}, fail), /File already exists/);
  assert.ok(existsSync(target));
  assert.equal(readFileSync(target, 'utf8'), 'mine');
});
