import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveStateVisitor } from '../../../src/model/live-state.ts';
import { CheckpointEncoder, decodeCheckpoint } from '../../../src/store/checkpoint.ts';
import { openReader } from '../../../src/store/db.ts';
import { CaptureEvents } from '../../../src/store/event-source.ts';
import { RandomRecording } from '../helpers/random-recording.ts';

type Told = [keyof LiveStateVisitor, ...number[]];

/** What of each kind is told, in the order of a file. */
const TOLD: Told[] = [
  ['site', 0, 1, 5, 500, 2, 200],
  ['site', 1, 10, 1, 2 ** 52, 1, 2 ** 52],
  ['block', 0x7f00_0000_1010, 100, 0, 7],
  ['block', 0x7f00_0000_1040, 0, 0, 3],
  ['block', 0x20, 2 ** 48 - 1, 1, 2 ** 31],
  ['mapping', 0x7fff_0000_0000, 0x7fff_0000_3000, 10_000, 1, 5],
  ['released', 3, 0x40, 9, 0, 1],
  ['expected', 2, 0x1000, 0x3000, 1_500_000_000],
];

function tell(visitor: LiveStateVisitor, told: Told[]): void {
  for (const [what, ...numbers] of told) (visitor[what] as (...numbers: number[]) => void)(...numbers);
}

function listener(): { told: Told[]; visitor: LiveStateVisitor } {
  const told: Told[] = [];
  const of =
    (what: keyof LiveStateVisitor) =>
    (...numbers: number[]) =>
      told.push([what, ...numbers]);
  const visitor = {
    site: of('site'),
    block: of('block'),
    mapping: of('mapping'),
    released: of('released'),
    expected: of('expected'),
  };
  return { told, visitor };
}

function encoded(told: Told[]): Uint8Array | null {
  const encoder = new CheckpointEncoder();
  tell(encoder, told);
  return encoder.finish();
}

test('all that is told is told again', () => {
  for (const told of [TOLD, [], TOLD.slice(0, 3)]) {
    const { told: found, visitor } = listener();
    decodeCheckpoint(encoded(told)!, visitor);
    assert.deepEqual(found, told);
  }
});

test('numbers that no program has are not written', () => {
  assert.equal(encoded([['site', 0, 1, 1, 2 ** 54, 1, 2 ** 54]]), null);
  assert.equal(encoded([['mapping', 2 ** 63, 2 ** 63 + 4096, 4096, 0, 0]]), null);
});

test('damaged bytes end in an error, or in other numbers', () => {
  const data = encoded(TOLD)!;
  const { visitor } = listener();
  for (let length = 0; length < data.length; length++)
    assert.throws(() => decodeCheckpoint(data.subarray(0, length), visitor), Error, `${length}`);
  for (let at = 0; at < data.length; at++)
    for (const bits of [1, 0x80, 0xff]) {
      const damaged = Uint8Array.from(data);
      damaged[at]! ^= bits;
      try {
        decodeCheckpoint(damaged, visitor);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }
});

test('one every so many events, none where too much is live, none without events', (context) => {
  const checkpoints = (options: object) => {
    const random = new RandomRecording(context, 4, {}, { withEvents: true, eventsPerChunk: 50, ...options });
    random.run(3000, undefined, 97);
    random.recording.finish();
    return random.recording.column('SELECT count(*) FROM event_checkpoint')[0] as number;
  };
  const often = checkpoints({ checkpoints: { events: 200, eventsPerLive: 0 } });
  assert.ok(often > 5 && often < 3000 / 200, `${often}`);
  const byLive = checkpoints({ checkpoints: { events: 0, eventsPerLive: 1 } });
  assert.ok(byLive > 0 && byLive < often, `${byLive} of ${often}`);
  assert.equal(checkpoints({ checkpoints: { events: 200, eventsPerLive: 0, maxLive: 3 } }), 0);
  assert.equal(checkpoints({ checkpoints: { events: 200, eventsPerLive: 0 }, withEvents: false }), 0);
});

test('a damaged checkpoint is said to be', (context) => {
  const random = new RandomRecording(
    context,
    4,
    {},
    { withEvents: true, checkpoints: { events: 1, eventsPerLive: 0 } },
  );
  random.run(1200, undefined, 97);
  const { writer, path } = random.recording;
  writer.close();
  const db = openReader(path);
  const source = new CaptureEvents(db);
  const at = source.chunks.findIndex((_, chunk) => source.hasState(chunk));
  assert.ok(at > 0);
  source.visitState(at, listener().visitor);
  assert.throws(
    () => source.visitState(at, { ...listener().visitor, site: () => assert.fail('no such site') }),
    /The events of the capture are damaged/,
  );
  db.close();
});
