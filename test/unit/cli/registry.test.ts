import assert from 'node:assert/strict';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { captureOf, recorderOf, register, tracerOf } from '../../../src/cli/registry.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('a traced process has a tracer until it is taken out', (context) => {
  const folder = temporaryFolder(context);
  const unregister = register([11, 12], 'a "b".db', folder);
  assert.equal(tracerOf(11, folder), process.pid);
  assert.equal(tracerOf(13, folder), null);
  assert.equal(captureOf(12, folder), resolve('a "b".db'));
  assert.equal(captureOf(13, folder), null);
  unregister();
  assert.equal(tracerOf(11, folder), null);
  assert.deepEqual(readdirSync(folder), []);
});

test('an entry of a killed tracer is nobody, also when its pid was given to another program', (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, '11'), `${process.pid} 1\n`);
  writeFileSync(join(folder, '12'), '4194300 77\n');
  writeFileSync(join(folder, '13'), 'garbage');
  for (const pid of [11, 12, 13]) assert.equal(tracerOf(pid, folder), null);
  register([14], '', folder);
  assert.deepEqual(readdirSync(folder), ['14']);
});

test('the recorder of a capture, by any name of the file', (context) => {
  const folder = temporaryFolder(context);
  const files = temporaryFolder(context);
  const [capture, link] = [join(files, 'a.db'), join(files, 'link.db')];
  writeFileSync(capture, '');
  symlinkSync(capture, link);
  const unregister = register([11], capture, folder);
  for (const name of [capture, link]) assert.equal(recorderOf(name, folder), process.pid);
  assert.equal(recorderOf(join(files, 'b.db'), folder), null);
  unregister();
  assert.equal(recorderOf(capture, folder), null);
});
