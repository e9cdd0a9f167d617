import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { limitFilesOf, usedShare } from '../../../../src/cli/recording/cgroup-share.ts';
import { environmentOf } from '../../../../src/cli/recording/on-trigger.ts';
import { addSnapshotOptions, snapshotRequest } from '../../../../src/cli/snapshots/snapshot-options.ts';
import { NO_TRIGGER } from '../../../../src/top/trigger.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';

function request(...args: string[]) {
  const command = addSnapshotOptions(new Command('run').exitOverride().configureOutput({ writeErr: () => undefined }));
  return snapshotRequest(command.parse(args, { from: 'user' }).opts());
}

test('triggers as they are written', () => {
  const { snapshot, top } = request(
    ...['--snapshot-delay', '1.5', '--snapshot-threshold', '0.75M', '--snapshot-repeat', '3'],
    ...['--growth', '10MB/min', '--cgroup-share', '80%', '--top-delay', '60'],
  );
  const growth = { bytes: 10 * 2 ** 20, windowNs: 60e9 };
  assert.deepEqual(snapshot, { delayNs: 1.5e9, thresholdBytes: 786432, growth, limitShare: 0.8, repeat: 3 });
  assert.deepEqual(top, { ...NO_TRIGGER, delayNs: 60e9 });
});

test('nothing is taken unasked', () => {
  assert.deepEqual(request().snapshot, NO_TRIGGER);
  assert.deepEqual(request().top, NO_TRIGGER);
});

test('what makes no sense is refused', () => {
  for (const args of [
    ['--snapshot-delay', '0'],
    ['--snapshot-delay', '-1'],
    ['--snapshot-threshold', '0'],
    ['--snapshot-repeat', '0'],
    ['--growth', '10MB'],
    ['--growth', '10MB/day'],
    ['--cgroup-share', '101%'],
    ['--cgroup-share', '0'],
    ['--metric', 'nameless'],
    ['--metric', 'a=1', '--metric', 'a=2'],
  ])
    assert.throws(() => request(...args), /error: option/, args.join(' '));
});

test('the share of a limit', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'a'));
  const files = { used: join(folder, 'a/memory.current'), limit: join(folder, 'a/memory.max') };
  assert.equal(usedShare(files), null);
  writeFileSync(files.used, '262144\n');
  writeFileSync(files.limit, 'max\n');
  assert.equal(usedShare(files), null);
  writeFileSync(files.limit, '1048576\n');
  assert.equal(usedShare(files), 0.25);
  assert.equal(limitFilesOf(2 ** 22), null);
});

test('what a command is told', () => {
  const figures = {
    tracedBytes: 10,
    tracedMaxBytes: 20,
    tracedBlocks: 3,
    process: { rssBytes: 4096, vmsBytes: 8192 },
    tracerBytes: 1,
  };
  assert.deepEqual(environmentOf({ type: 'snapshot', path: 's.db', reason: 'threshold', pid: 7, figures }), {
    MP_SNAPSHOT: 's.db',
    MP_REASON: 'threshold',
    MP_PID: '7',
    MP_TRACED_BYTES: '10',
    MP_TRACED_MAX_BYTES: '20',
    MP_TRACED_BLOCKS: '3',
    MP_RSS_BYTES: '4096',
    MP_VMS_BYTES: '8192',
  });
});
