import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CaptureWriter } from '../../../src/store/writer.ts';
import { createNewFile, isStill, writeToDevice } from '../../../src/util/new-file.ts';
import { writeOutputFile } from '../../../src/util/output.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mp-new-file-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const PRIVATE = { replace: false, owner: null, mode: 0o600 };

test('a link that was planted under the name is not followed', (t) => {
  const [victim, link] = [join(folder(t), 'victim'), join(folder(t), 'link')];
  writeFileSync(victim, 'precious');
  symlinkSync(victim, link);
  assert.throws(() => createNewFile(link, PRIVATE, 'new'), { code: 'EEXIST' });
  createNewFile(link, { ...PRIVATE, replace: true }, 'new');
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(readFileSync(link, 'utf8'), 'new');
  assert.ok(lstatSync(link).isFile());
});

test('a link to nothing makes no file elsewhere', (t) => {
  const path = folder(t);
  symlinkSync(join(path, 'elsewhere'), join(path, 'link'));
  assert.throws(() => createNewFile(join(path, 'link'), PRIVATE, 'new'), { code: 'EEXIST' });
  assert.ok(!existsSync(join(path, 'elsewhere')));
});

test('another file in the place of the one that was made is noticed', (t) => {
  const path = folder(t);
  const [file, other] = [join(path, 'file'), join(path, 'other')];
  const identity = createNewFile(file, PRIVATE);
  assert.ok(isStill(file, identity));
  writeFileSync(other, '');
  renameSync(file, join(path, 'moved'));
  symlinkSync('moved', file);
  assert.ok(!isStill(file, identity), 'a link to it');
  rmSync(file);
  assert.ok(!isStill(file, identity), 'nothing');
  renameSync(other, file);
  assert.ok(!isStill(file, identity), 'another file');
});

test('devices are written to, and never removed', (t) => {
  const link = join(folder(t), 'link');
  symlinkSync('/dev/null', link);
  assert.throws(() => createNewFile(link, { ...PRIVATE, replace: true }), { code: 'EEXIST' });
  assert.ok(lstatSync(link).isSymbolicLink());
  writeToDevice('/dev/null', 'text');
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('a capture is for its owner alone, also what stands beside it', (t) => {
  const path = join(folder(t), 'capture.db');
  const owner = process.getuid!() === 0 ? { uid: 12345, gid: 23456 } : null;
  const writer = new CaptureWriter(path, { owner });
  t.after(() => writer.close());
  for (const suffix of ['', '-wal', '-shm']) {
    const { mode, uid, gid } = statSync(path + suffix);
    assert.equal(mode & 0o777, 0o600, suffix);
    if (owner) assert.deepEqual({ uid, gid }, owner, suffix);
  }
});

test('a capture does not go through links beside it, nor in the place of a device', (t) => {
  const path = join(folder(t), 'capture.db');
  const victim = join(folder(t), 'victim');
  writeFileSync(victim, 'precious');
  for (const suffix of ['', '-wal', '-shm', '-journal']) symlinkSync(victim, path + suffix);
  assert.throws(() => new CaptureWriter(path), /already exists/);
  new CaptureWriter(path, { force: true }).close();
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.throws(() => new CaptureWriter('/dev/null', { force: true }), /not a regular file/);
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('a report replaces a link instead of what it leads to', (t) => {
  const path = folder(t);
  const [victim, link] = [join(path, 'victim'), join(path, 'report.html')];
  writeFileSync(victim, 'precious');
  symlinkSync(victim, link);
  assert.throws(() => writeOutputFile(link, 'report', false, 'capture.db'), /already exists/);
  writeOutputFile(link, 'report', true, 'capture.db');
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(readFileSync(link, 'utf8'), 'report');
  writeOutputFile('/dev/null', 'report', true, 'capture.db');
});

test('parts are written as they come; what could not be finished is removed', (t) => {
  const path = join(folder(t), 'file');
  createNewFile(path, PRIVATE, ['one ', Buffer.from([0xff, 0xfe]), 'two']);
  assert.deepEqual(
    readFileSync(path),
    Buffer.concat([Buffer.from('one '), Buffer.from([0xff, 0xfe]), Buffer.from('two')]),
  );
  function* broken() {
    yield 'one ';
    throw new Error('no more');
  }
  const other = join(folder(t), 'other');
  assert.throws(() => createNewFile(other, PRIVATE, broken()), { message: 'no more' });
  assert.ok(!existsSync(other));
});
