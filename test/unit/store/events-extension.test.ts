/** The sqlite3 shell with the extension says what mp says of the same file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { openReader } from '../../../src/store/db.ts';
import { EVENT_COLUMNS, eventRows } from '../../../src/store/events.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const EXTENSION = join(import.meta.dirname, '../../../build/mp_events');

function shell(path: string, sql: string): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync('sqlite3', ['-nullvalue', '-', '-separator', ' ', path], {
    input: `.load ${EXTENSION}\n${sql};\n`,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { stdout, stderr };
}

function recording(context: TestContext): Recording {
  const operations = new RandomOperations(8);
  const one = new Recording(context, operations.builder, {
    withEvents: true,
    checkpoints: { events: 3000, eventsPerLive: 0 },
  });
  for (let step = 1; step <= 20_000; step++) {
    operations.step();
    if (step === 9000) operations.symbolize();
    if (step % 1500 === 0) one.commit();
  }
  return one;
}

function rowsOf(path: string): string {
  const db = openReader(path);
  try {
    return [...eventRows(db)].map((row) => `${row.map((value) => value ?? '-').join(' ')}\n`).join('');
  } finally {
    db.close();
  }
}

test('every event is the same, while it is recorded and afterwards', (context) => {
  const one = recording(context);
  one.commit();
  assert.equal(shell(one.path, 'SELECT * FROM events').stdout, rowsOf(one.path));
  one.finish();
  const { stdout, stderr } = shell(one.path, `SELECT ${EVENT_COLUMNS.join(', ')} FROM events`);
  assert.equal(stderr, '');
  assert.equal(stdout, rowsOf(one.path));
  assert.ok(stdout.split('\n').length > 10_000);
});

test('it can be joined with the other tables, and with itself', (context) => {
  const one = recording(context).finish();
  const sql = `SELECT count(*) FROM events e JOIN stack_frame f USING (stack_id) WHERE f.position = 0;
    SELECT count(*) FROM events a JOIN (SELECT min(time_ns) AS time_ns FROM events) b ON a.time_ns = b.time_ns`;
  const [joined, first] = shell(one.path, sql).stdout.trim().split('\n').map(Number) as [number, number];
  assert.ok(joined > 5000 && first >= 1, `${joined} ${first}`);
});

test('what it can not read it refuses with a sentence', (context) => {
  const [none, one] = [new Recording(context).finish(), recording(context).finish()];
  assert.match(shell(none.path, 'SELECT * FROM events').stderr, /no single events: record with --events/);
  const old = join(temporaryFolder(context), 'old.db');
  writeFileSync(old, gunzipSync(readFileSync(new URL('../../fixtures/events-1.db.gz', import.meta.url))));
  assert.match(shell(old, 'SELECT * FROM events').stderr, /of another version of mp: use `mp sql`/);
  assert.match(shell(':memory:', 'SELECT * FROM events').stderr, /no such table/);
  const db = new Database(one.path);
  db.exec('UPDATE event_chunk SET data = substr(data, 1, length(data) / 2) WHERE id = 3');
  db.close();
  assert.match(shell(one.path, 'SELECT count(*) FROM events').stderr, /the events of the capture are damaged/);
});
