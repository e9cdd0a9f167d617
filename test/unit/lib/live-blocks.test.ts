/** The blocks that are live in a capture, by its events. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { liveBlocks } from '../../../src/lib/live-blocks.ts';
import { FLAG_COMMITS_RELEASE } from '../../../src/model/abi.gen.ts';
import { openReader } from '../../../src/store/db.ts';
import { RandomRecording } from '../helpers/random-recording.ts';
import { Recording } from '../helpers/recording.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const OFTEN = { withEvents: true, eventsPerChunk: 16, checkpoints: { events: 50, eventsPerLive: 0 } };

/** `address bytes`, by address. */
function blocksOf({ path }: Recording, untilNs?: number): string[] {
  const db = openReader(path);
  try {
    const rows = [...liveBlocks(db, untilNs)!].sort((a, b) => a.address - b.address);
    return rows.map(({ address, bytes }) => `${address} ${bytes}`);
  } finally {
    db.close();
  }
}

function recording(context: TestContext): { one: Recording; thread: number; other: number; process: number } {
  const one = new Recording(context, undefined, OFTEN);
  const process = one.builder.process();
  return { one, process, thread: one.builder.thread(process), other: one.builder.thread(process) };
}

test('a realloc gives its address to another thread before it has ended', (context) => {
  const { one, thread, other } = recording(context);
  one.builder.allocate(thread, 0x10, 1).release(thread, 0x10).allocate(other, 0x10, 2);
  one.builder.allocate(thread, 0x20, 3, { flags: FLAG_COMMITS_RELEASE });
  one.finish();
  assert.deepEqual(blocksOf(one), ['16 2', '32 3']);
});

test('a realloc that fails, a free that does not match, pieces of a mapping', (context) => {
  const { one, thread } = recording(context);
  one.builder.allocate(thread, 0x10, 1).release(thread, 0x10).cancel(thread).free(thread, 0x40);
  one.builder.map(thread, 0x10000, 12288).unmap(thread, 0x11000, 4096);
  one.finish();
  assert.deepEqual(blocksOf(one), ['16 1', '65536 4096', '73728 4096']);
});

test('what a process did not free stays when it ends', (context) => {
  const { one, thread, process } = recording(context);
  one.builder.allocate(thread, 0x10, 1).end(process);
  one.finish();
  assert.deepEqual(blocksOf(one), ['16 1']);
});

test('they add up to the sites of random recordings', (context) => {
  const random = new RandomRecording(context, 12, {}, OFTEN);
  random.run(4000, undefined, 97);
  random.recording.finish();
  const db = openReader(random.recording.path);
  const live = new Map<string, number>();
  for (const { process_id, stack_id, bytes } of liveBlocks(db)!) {
    const key = `${process_id} ${stack_id}`;
    live.set(key, (live.get(key) ?? 0) + bytes);
  }
  db.close();
  const sites = random.recording.rows<{ key: string; bytes: number }>(`
    SELECT process_id || ' ' || stack_id AS key, sum(live_bytes) AS bytes FROM site GROUP BY 1 HAVING sum(live_bytes) > 0`);
  const found = [...live].filter(([, bytes]) => bytes > 0).map(([key, bytes]) => ({ key, bytes }));
  const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
  assert.deepEqual(found.sort(byKey), sites.sort(byKey));
});

test('of a moment, what was there then', (context) => {
  const { one, thread } = recording(context);
  const lived: [untilNs: number, blocks: string[]][] = [];
  const live: string[] = [];
  for (let i = 1; i <= 200; i++) {
    one.builder.allocate(thread, i * 16, i);
    live.push(`${i * 16} ${i}`);
    if (i % 3 === 0) one.builder.free(thread, Number(live.shift()!.split(' ')[0]));
    lived.push([one.builder.timeNs, [...live]]);
    one.builder.timeNs += 1000;
    if (i % 20 === 0) one.commit();
  }
  one.finish();
  for (const [untilNs, blocks] of lived) assert.deepEqual(blocksOf(one, untilNs), blocks, `${untilNs} ns`);
});

test('events of the first version say nearly as much', (context) => {
  const path = join(temporaryFolder(context), 'old.db');
  writeFileSync(path, gunzipSync(readFileSync(new URL('../../fixtures/events-1.db.gz', import.meta.url))));
  const db = openReader(path);
  const [{ live }] = db.all<{ live: number }>('SELECT sum(live_allocations) AS live FROM site') as [{ live: number }];
  const found = liveBlocks(db)!.length;
  db.close();
  assert.ok(found > 0.9 * live && found < 1.1 * live, `${found} of ${live}`);
});
