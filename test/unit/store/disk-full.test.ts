import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Aggregator } from '../../../src/aggregate/aggregator.ts';
import { openReader } from '../../../src/store/db.ts';
import { CaptureWriter } from '../../../src/store/writer.ts';
import { Symbolizer } from '../../../src/symbolize/symbolizer.ts';
import { StoreError } from '../../../src/util/errors.ts';
import { RecordBuilder } from '../helpers/record-builder.ts';

/** A file system with so little room, or null where one can't be mounted. */
function smallDisk(context: TestContext, size: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'mp-test-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmdirSync(folder);
    return null;
  }
  context.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return folder;
}

const isFull = (error: unknown) => error instanceof StoreError && error.isDiskFull;

test('a full disk fails the commit, keeps the capture readable, and nothing is lost once there is room', (context) => {
  const folder = smallDisk(context, '2m');
  if (folder === null) return context.skip('needs the right to mount');
  const ballast = join(folder, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1 << 20));
  const path = join(folder, 'capture.db');
  const [aggregator, symbolizer, writer] = [new Aggregator(), new Symbolizer(), new CaptureWriter(path)];
  const builder = new RecordBuilder();
  const thread = builder.thread(builder.process());
  let count = 0;
  const commitMore = () => {
    for (let n = 0; n < 300; n++) {
      const stack = builder.stack('main', `a function with a long name ${++count}`);
      builder.allocate(thread, 0x1000 * count, 1, { stack });
    }
    const batch = builder.take();
    aggregator.apply(batch);
    symbolizer.add(batch);
    writer.commit(aggregator, symbolizer, {});
  };
  const committed = () => {
    const reader = openReader(path);
    const row = reader.get<Record<string, number>>(
      'SELECT sum(live_bytes) AS sites, max(heap_bytes) AS line FROM site, memory',
    );
    reader.close();
    return row!;
  };

  commitMore();
  assert.throws(() => {
    while (count < 100_000) commitMore();
  }, isFull);
  const { sites, line } = committed();
  assert.ok(line! > 0 && line! < count, 'the last commit that succeeded');
  assert.equal(sites! % line!, 0);

  rmSync(ballast);
  writer.finish(aggregator, symbolizer, {}, { endedAt: '2026-11-21T12:00:00Z' });
  assert.equal(committed().line, count);
  const reader = openReader(path);
  assert.equal(reader.get('SELECT sum(live_bytes) AS bytes FROM site')!.bytes, count);
  reader.close();
});

test('no room for even an empty capture', (context) => {
  const folder = smallDisk(context, '16k');
  if (folder === null) return context.skip('needs the right to mount');
  assert.throws(() => new CaptureWriter(join(folder, 'capture.db')), isFull);
});
