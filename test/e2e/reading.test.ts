/** Captures that are read by others: while they are written at full speed, and with the sqlite3 shell. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReader } from '../../src/store/db.ts';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  recordRun,
  scratchFolder,
  start,
  startGated,
  untilTraced,
} from './helpers.ts';

const READS = 1000;
const DIFFERENT = 10;
const LIMIT_MS = 50_000;

interface Totals {
  allocations: number;
  allocated: number;
  freed: number;
  live: number;
  peak: number;
  heap: number;
  events: number;
}

/** One statement sees one state: sites, memory line and events are those of one commit. */
const TOTALS = `
  SELECT sum(allocations) AS allocations, sum(allocated_bytes) AS allocated, sum(deallocated_bytes) AS freed,
         sum(live_bytes) AS live, sum(peak_bytes) AS peak,
         (SELECT heap_bytes FROM memory ORDER BY time_ns DESC, rowid DESC LIMIT 1) AS heap,
         (SELECT sum(count) FROM event_chunk) AS events
  FROM site`;
const RISING = ['allocations', 'allocated', 'freed', 'peak', 'events'] as const;

describe('reading', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test(`${READS} times while two threads allocate: consistent, and totals never fall`, async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const target = startGated(t, 'churn', { programArgs: ['2', '1000000000'] });
    const tracer = start(t, MP, ['trace', '-q', '--events', '--pid', `${target.pid}`, '-o', path]);
    await untilTraced(path, target.pid, tracer);
    target.open();
    const endMs = Date.now() + LIMIT_MS;
    const seen = new Set<number>();
    let last: Totals | null = null;
    let db = openReader(path);
    t.after(() => db.close());
    for (let reads = 0; reads < READS || seen.size < DIFFERENT; reads++) {
      assert.ok(Date.now() < endMs, `${reads} reads, ${seen.size} states; mp says: ${tracer.stderr()}`);
      if (reads % 50 === 0) {
        db.close();
        db = openReader(path);
      }
      const totals: Totals = db.get<Totals>(TOTALS)!;
      if (totals.allocations === null) {
        await sleep(5);
        continue;
      }
      assert.equal(totals.allocated - totals.freed, totals.live, `${reads}`);
      assert.equal(totals.heap, totals.live, `${reads}`);
      assert.ok(totals.peak >= totals.live);
      for (const name of RISING) assert.ok(last === null || totals[name] >= last[name], `${reads}: ${name}`);
      last = totals;
      seen.add(totals.allocations);
      if (reads % 20 === 0 || reads >= READS) await sleep(10);
    }
    target.child.kill('SIGKILL');
    const { code, stderr } = await tracer.finished;
    assert.equal(code, 0, stderr);
    assert.ok(db.get<Totals>(TOTALS)!.allocations >= last!.allocations);
  });

  test('the sqlite3 shell reads events as the help of mp sql says', async (t) => {
    const { path } = await recordRun(t, 'brief', { mpArgs: ['--events'] });
    const { stdout: help } = await mp(t, ['sql', '--help']);
    const load = /^ +(\.load \S+)$/m.exec(help)?.[1];
    assert.ok(load, help);
    const sql =
      "SELECT (SELECT count(*) FROM events WHERE operation = 'allocate'), (SELECT sum(allocations) FROM site)";
    const { stdout, stderr } = await start(t, 'sqlite3', [path, load, sql]).finished;
    assert.equal(stderr, '');
    const [events, allocations] = stdout.trim().split('|').map(Number) as [number, number];
    assert.ok(events === allocations && events > 190, stdout);
  });
});
