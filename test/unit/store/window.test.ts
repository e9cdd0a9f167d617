import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AggregatorOptions } from '../../../src/aggregate/aggregator.ts';
import { ALLOCATOR_NAME } from '../../../src/model/abi.gen.ts';
import { openReader } from '../../../src/store/db.ts';
import type { IntervalLimits } from '../../../src/store/interval-writer.ts';
import { intervalsOf, narrow, type Window } from '../../../src/store/window.ts';
import { naiveWindow, type WindowNumbers } from '../helpers/naive-window.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';

const RANGES = 200;
const STEPS = 12_000;

class RandomRecording {
  readonly recording: Recording;
  readonly operations: RandomOperations;
  #random = 7;

  constructor(context: TestContext, seed: number, intervals: IntervalLimits, options: AggregatorOptions = {}) {
    this.operations = new RandomOperations(seed);
    this.recording = new Recording(context, this.operations.builder, { intervals, ...options });
  }

  /** Symbols arrive late: until then sites belong to rows without stacks. */
  run(steps: number, atCommit: (n: number) => void = () => {}): void {
    for (let step = 1, commits = 0; step <= steps; step++) {
      this.operations.step();
      if (step % 61 === 0) this.recording.apply();
      if (step % 509 !== 0) continue;
      if (++commits === 8) this.operations.symbolize();
      this.recording.commit();
      atCommit(commits);
    }
  }

  range(): Window {
    const db = openReader(this.recording.path);
    const { widthNs, endNs } = intervalsOf(db);
    db.close();
    const [a, b] = [this.#below(endNs / widthNs), this.#below(endNs / widthNs + 1)];
    const toNs = (Math.max(a, b) + (a === b ? 1 : 0)) * widthNs;
    return { fromNs: Math.min(a, b) * widthNs, toNs: Math.min(toNs, endNs) };
  }

  compare(window: Window): void {
    const found = Object.fromEntries(rowsOf(this.recording.path, window).map(({ key, ...numbers }) => [key, numbers]));
    assert.equal(textOf(found), textOf(this.#expected(window)), `${window.fromNs} to ${window.toNs}`);
  }

  #expected({ fromNs, toNs }: Window): Record<string, WindowNumbers> {
    const { naive } = this.operations;
    const ends = this.recording.rows<{ id: number; ended_ns: number | null }>('SELECT id, ended_ns FROM process');
    const endOf = (process: number) => ends[process]?.ended_ns ?? Infinity;
    const bySite = naiveWindow(naive, fromNs, toNs, endOf);
    const isNamed = this.recording.rows('SELECT 1 FROM frame').length > 0;
    const expected: Record<string, WindowNumbers> = {};
    for (const [key, site] of naive.sites) {
      const numbers = bySite.get(site);
      if (numbers === undefined) continue;
      const [thread, allocator, stack] = key.split('/').map(Number) as [number, number, number];
      const name = (ALLOCATOR_NAME as Record<number, string>)[allocator];
      const row = `${thread + 1}/${name}/${isNamed ? `function${stack >> 1}` : '-'}`;
      expected[row] = sum(expected[row], numbers);
    }
    return expected;
  }

  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}

const NUMBERS = [
  'allocations',
  'allocated_bytes',
  'deallocated_bytes',
  'peak_allocations',
  'peak_bytes',
  'live_allocations',
  'live_bytes',
] as const;

/** A line for each site, without those that did nothing but free blocks of no bytes. */
function textOf(sites: Record<string, WindowNumbers>): string {
  const lines = Object.entries(sites).map(([key, numbers]) => [key, ...NUMBERS.map((name) => numbers[name] || 0)]);
  return lines
    .filter(([, ...numbers]) => numbers.some((n) => n !== 0))
    .map((line) => line.join(' '))
    .sort()
    .join('\n');
}

function sum(a: WindowNumbers | undefined, b: WindowNumbers): WindowNumbers {
  if (a === undefined) return b;
  const names = Object.keys(a) as (keyof WindowNumbers)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as WindowNumbers;
}

function rowsOf(path: string, window: Window): (WindowNumbers & { key: string })[] {
  const db = openReader(path);
  try {
    narrow(db, window);
    return db.all(`
      SELECT s.thread_id || '/' || s.allocator || '/' || coalesce(f.function, '-') AS key, s.allocations, s.allocated_bytes,
             s.deallocated_bytes, s.peak_allocations, s.peak_bytes, s.live_allocations, s.live_bytes
      FROM site s LEFT JOIN stack k ON k.id = s.stack_id LEFT JOIN frame f ON f.id = k.frame_id`);
  } finally {
    db.close();
  }
}

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
