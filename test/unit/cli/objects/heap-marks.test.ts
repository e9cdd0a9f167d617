import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isMarkName, keepMark, NEW_IDS, readMark } from '../../../../src/cli/objects/heap-marks.ts';
import { UserError } from '../../../../src/util/errors.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';

const objects = (address: number) => ({
  addresses: Float64Array.of(address),
  typeOf: Uint32Array.of(0),
  types: ['app.Item'],
});

test('a mark is of one process and one name, and the last one counts', (context) => {
  const folder = join(temporaryFolder(context), 'marks');
  assert.equal(readMark(process.pid, 'start', folder), null);
  keepMark(process.pid, 'start', objects(0x1000), folder);
  keepMark(process.pid, 'start', objects(0x2000), folder);
  keepMark(process.pid, NEW_IDS, objects(0x3000), folder);
  assert.deepEqual(readMark(process.pid, 'start', folder), objects(0x2000));
  assert.deepEqual(readMark(process.pid, NEW_IDS, folder), objects(0x3000));
  assert.equal(readMark(process.ppid, 'start', folder), null);
  assert.equal(readdirSync(folder).length, 2);
});

test('what is of processes that have ended is removed, other files are not', (context) => {
  const folder = temporaryFolder(context);
  for (const name of ['4194300.77.old', `${process.pid}.1.earlier`, '4194300.77..new-ids', 'README'])
    writeFileSync(join(folder, name), '');
  keepMark(process.pid, 'start', objects(0x1000), folder);
  const left = readdirSync(folder).sort();
  assert.equal(left.length, 2);
  assert.match(left[0]!, new RegExp(`^${process.pid}\\.\\d+\\.start$`));
  assert.equal(left[1], 'README');
});

test('there are no more than 64, and the oldest go', (context) => {
  const folder = temporaryFolder(context);
  for (let i = 0; i < 70; i++) keepMark(process.pid, `mark-${i}`, objects(i), folder);
  assert.equal(readdirSync(folder).length, 64);
  assert.deepEqual(readMark(process.pid, 'mark-69', folder), objects(69));
});

test('a damaged one is no mark', (context) => {
  const folder = temporaryFolder(context);
  keepMark(process.pid, 'start', objects(0x1000), folder);
  writeFileSync(join(folder, readdirSync(folder)[0]!), 'garbage');
  assert.throws(() => readMark(process.pid, 'start', folder), UserError);
});

test('a name can not be a path', () => {
  assert.deepEqual(['before', 'a-1_b', '.new-ids', 'a/b', '../a', 'a.json', '', '1'].map(isMarkName), [
    ...[true, true],
    ...[false, false, false, false, false, false],
  ]);
});
