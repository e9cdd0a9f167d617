/** Ranges that are answered by checkpoints and a part of the events, as by all of them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { RangeAccounts, temporariesOf } from '../../../src/aggregate/range-accounts.ts';
import { type Db, openReader } from '../../../src/store/db.ts';
import { CaptureEvents } from '../../../src/store/event-source.ts';
import { threadsOf } from '../../../src/store/events.ts';
import { narrowToRows, type Window } from '../../../src/store/window.ts';
import { RandomRecording } from '../helpers/random-recording.ts';

const STEPS = 3500;
const RANGES = 20;
const STEPS_PER_COMMIT = 97;
/** Some chunks in a commit, and a checkpoint after each. */
const OFTEN = { withEvents: true, eventsPerChunk: 16, checkpoints: { events: 50, eventsPerLive: 0 } };

/** Counts what is read. */
class CountedEvents extends CaptureEvents {
  static chunks = 0;
  static states = 0;

  override read(chunk: number) {
    CountedEvents.chunks++;
    return super.read(chunk);
  }

  override visitState(...[chunk, visitor]: Parameters<CaptureEvents['visitState']>) {
    CountedEvents.states++;
    super.visitState(chunk, visitor);
  }
}

function recorded(context: TestContext, seed: number): RandomRecording {
  const random = new RandomRecording(context, seed, {}, OFTEN);
  random.run(STEPS, undefined, STEPS_PER_COMMIT);
  return random;
}

function widened({ fromNs, toNs }: Window): Window {
  return { fromNs: Math.floor(fromNs / 100) * 100, toNs: Math.ceil(toNs / 100) * 100 };
}

function compare(random: RandomRecording, range: Window): void {
  const window = widened(range);
  random.compare(window, (db) =>
    narrowToRows(db, window, new RangeAccounts(new CountedEvents(db), threadsOf(db), window).rows()),
  );
}

function withReader<T>(path: string, work: (db: Db) => T): T {
  const db = openReader(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

for (const seed of [3, 17, 4711]) {
  test(`${RANGES} random ranges, every site to the byte, seed ${seed}`, (context) => {
    const random = recorded(context, seed);
    random.recording.finish();
    [CountedEvents.chunks, CountedEvents.states] = [0, 0];
    for (let n = 0; n < RANGES; n++) compare(random, random.rangeOfEvents());
    const [chunks] = random.recording.column('SELECT count(*) FROM event_chunk') as [number];
    assert.ok(CountedEvents.chunks < 0.5 * chunks * RANGES, `${CountedEvents.chunks} of ${chunks}, ${RANGES} times`);
    assert.ok(CountedEvents.states > 1.3 * RANGES, `${CountedEvents.states} states, ${RANGES} times`);
    compare(random, { fromNs: 0, toNs: Infinity });
  });
}

test('the same of a recording that was killed, and while it goes on', (context) => {
  const random = new RandomRecording(context, 5, {}, OFTEN);
  random.run(
    STEPS / 2,
    (n) => {
      if (n % 3 === 0) compare(random, random.rangeOfEvents());
    },
    STEPS_PER_COMMIT,
  );
});

test('the same without intervals, which say when a block was born', (context) => {
  const random = new RandomRecording(context, 31, {}, { ...OFTEN, withIntervals: false });
  random.run(STEPS / 2, undefined, STEPS_PER_COMMIT);
  random.recording.finish();
  for (let n = 0; n < RANGES / 4; n++) compare(random, random.rangeOfEvents());
});

test('the same with wide intervals', (context) => {
  const random = new RandomRecording(context, 32, {}, { ...OFTEN, rowsPerTick: 2 });
  random.run(STEPS, undefined, STEPS_PER_COMMIT);
  random.recording.finish();
  assert.ok(random.recording.aggregator.intervals!.widthTicks >= 4);
  for (let n = 0; n < RANGES / 2; n++) compare(random, random.rangeOfEvents());
});

for (const missing of [
  'DROP TABLE event_index; DROP TABLE event_process; DROP TABLE event_checkpoint',
  'DELETE FROM event_index WHERE chunk_id = 7',
  'DELETE FROM event_checkpoint WHERE chunk_id % 2 = 0',
]) {
  test(`the same of a capture that lacks some of it: ${missing}`, (context) => {
    const random = recorded(context, 6);
    const { path } = random.recording.finish();
    const db = new Database(path);
    db.exec(missing);
    db.close();
    for (let n = 0; n < 4; n++) compare(random, random.rangeOfEvents());
  });
}

test('temporary allocations from a checkpoint on', (context) => {
  const random = recorded(context, 8);
  const { path } = random.recording.finish();
  withReader(path, (db) => {
    for (let n = 0; n < RANGES / 3; n++) {
      const window = widened(random.rangeOfEvents());
      const rows = (source: CaptureEvents) => temporariesOf(source, threadsOf(db), window, 40).map(String).sort();
      const all = new CaptureEvents(db);
      all.hasState = () => false;
      assert.deepEqual(rows(new CaptureEvents(db)), rows(all), `${window.fromNs} to ${window.toNs}`);
    }
  });
});
