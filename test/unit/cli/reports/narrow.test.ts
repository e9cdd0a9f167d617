/** Ranges and temporary allocations from single events: to the byte at any instant, at any threshold. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { narrowed, type Part } from '../../../../src/cli/reports/narrow.ts';
import { ALLOCATOR_NAME } from '../../../../src/model/abi.gen.ts';
import { type Facts, readFacts } from '../../../../src/report/facts.ts';
import type { SiteRow, Source } from '../../../../src/report/source.ts';
import { type Db, openReader } from '../../../../src/store/db.ts';
import { Reader } from '../../../../src/store/reader.ts';
import type { Window } from '../../../../src/store/window.ts';
import { naiveTemporaries } from '../../helpers/naive-window.ts';
import { RandomRecording } from '../../helpers/random-recording.ts';

const RANGES = 200;
const STEPS = 4500;
const THRESHOLDS = [0, 1, 2, 5, 10, 16, 17, 40, 1000];

function factsOf(db: Db, path: string): Facts {
  return readFacts(new Reader(db), path, 'complete');
}

function rangeOf({ fromNs, toNs }: Window): Part {
  return { range: { from: `${fromNs}ns`, ...(toNs === Infinity ? {} : { to: `${toNs}ns` }) } };
}

/** As reports say: to the steps of the events' times. */
function widened({ fromNs, toNs }: Window): Window {
  return { fromNs: Math.floor(fromNs / 100) * 100, toNs: Math.ceil(toNs / 100) * 100 };
}

function finished(context: TestContext, seed: number, options = {}): RandomRecording {
  const random = new RandomRecording(context, seed, {}, { withEvents: true, ...options });
  random.run(STEPS);
  random.recording.finish();
  return random;
}

function compare(random: RandomRecording, window: Window): void {
  random.compare(widened(window), (db) => narrowed(rangeOf(window), db, factsOf(db, random.recording.path)));
}

function ask<T>(path: string, part: Part, question: (source: Source) => T): T {
  const db = openReader(path);
  try {
    return question(narrowed(part, db, factsOf(db, path)).source);
  } finally {
    db.close();
  }
}

/** `thread/allocator blocks bytes`. */
function linesOf(rows: Iterable<Pick<SiteRow, 'thread_id' | 'allocator' | 'allocations' | 'bytes'>>): string[] {
  const sums = new Map<string, [number, number]>();
  for (const { thread_id, allocator, allocations, bytes } of rows) {
    const key = `${thread_id}/${allocator}`;
    const [blocks, sum] = sums.get(key) ?? [0, 0];
    sums.set(key, [blocks + allocations, sum + bytes]);
  }
  return [...sums].map(([key, [blocks, bytes]]) => `${key} ${blocks} ${bytes}`).sort();
}

function compareTemporaries(random: RandomRecording, window: Window | null, threshold: number): void {
  const part: Part = { view: 'temporary_allocations', threshold, ...(window === null ? {} : rangeOf(window)) };
  const found = ask(random.recording.path, part, (source) =>
    linesOf(source.all('sites_temporary_allocations', { threshold })),
  );
  const { naive } = random.operations;
  const { fromNs, toNs } = widened(window ?? { fromNs: 0, toNs: Infinity });
  const bySite = naiveTemporaries(naive, fromNs, toNs, threshold);
  const expected = [...naive.sites].flatMap(([key, site]) => {
    const [allocations, bytes] = bySite.get(site) ?? [0, 0];
    const [thread, allocator] = key.split('/').map(Number) as [number, number];
    const name = (ALLOCATOR_NAME as Record<number, string>)[allocator]!;
    return allocations === 0 ? [] : [{ thread_id: thread + 1, allocator: name, allocations, bytes }];
  });
  assert.deepEqual(found, linesOf(expected), `${fromNs} to ${toNs}, ${threshold}`);
}

test(`${RANGES} random ranges to 100 ns, every site to the byte`, (context) => {
  const random = finished(context, 3);
  for (let n = 0; n < RANGES; n++) compare(random, random.exactRange());
  compare(random, { fromNs: 0, toNs: Infinity });
});

test(`temporary allocations in random ranges, and in all of it`, (context) => {
  const random = finished(context, 4711);
  for (let n = 0; n < RANGES; n++) compareTemporaries(random, random.exactRange(), THRESHOLDS[n % THRESHOLDS.length]!);
  for (const threshold of THRESHOLDS) compareTemporaries(random, null, threshold);
});

test('the same while it is recorded, and without intervals', (context) => {
  const random = new RandomRecording(context, 5, {}, { withEvents: true, withIntervals: false });
  random.run(STEPS, () => compare(random, random.exactRange()));
});

test('a range can begin and end with an event', (context) => {
  const random = finished(context, 9);
  const times = random.operations.naive.changes.map(({ timeNs }) => timeNs);
  for (let n = 100; n < times.length - 300; n += 1000) {
    compare(random, { fromNs: times[n]!, toNs: times[n + 300]! });
    compare(random, { fromNs: times[n]!, toNs: times[n]! + 1 });
  }
});
