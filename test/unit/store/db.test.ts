import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openReader, openWriter } from '../../../src/store/db.ts';
import { StoreError, UserError } from '../../../src/util/errors.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

function capturePath(context: TestContext): string {
  return join(temporaryFolder(context), 'capture.db');
}

/** A capture with one committed fact whose recorder was killed: the fact is in the log alone. */
function killedCapture(context: TestContext, suffixes: string[]): string {
  const path = capturePath(context);
  const db = openWriter(path);
  db.run("INSERT INTO meta VALUES ('fact', 'kept')");
  const copy = join(temporaryFolder(context), 'killed.db');
  for (const suffix of ['', ...suffixes]) copyFileSync(path + suffix, copy + suffix);
  db.close();
  return copy;
}

function factOf(path: string): unknown {
  const db = openReader(path);
  try {
    return db.get("SELECT value FROM meta WHERE key = 'fact'")?.value;
  } finally {
    db.close();
  }
}

function asNobody<T>(work: () => T): T {
  process.seteuid!(65534);
  try {
    return work();
  } finally {
    process.seteuid!(0);
  }
}

/** Whether everybody may write into /tmp depends on the machine, and node ignores TMPDIR once the user ID was changed. */
function withTemporaryFilesIn(context: TestContext, folder: string): void {
  const { mock } = context.mock.method(os, 'tmpdir', () => folder);
  syncBuiltinESMExports();
  context.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
}

test('a new capture names itself and has every table of the schema', (context) => {
  const db = openWriter(capturePath(context));
  assert.deepEqual(db.get('PRAGMA application_id'), { application_id: 0x6d70 });
  assert.deepEqual(db.get('PRAGMA user_version'), { user_version: 1 });
  assert.deepEqual(db.get('PRAGMA journal_mode'), { journal_mode: 'wal' });
  assert.equal(db.get("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'")!.n, 26);
  db.close();
});

test('a reader sees commits while the writer is at work, and cannot write', (context) => {
  const path = capturePath(context);
  const writer = openWriter(path);
  const reader = openReader(path);
  writer.transaction(() => {
    writer.run('INSERT INTO meta VALUES (?, ?)', ['a', 'b']);
    assert.deepEqual(reader.all('SELECT * FROM meta'), []);
  });
  assert.deepEqual(reader.all('SELECT * FROM meta'), [{ key: 'a', value: 'b' }]);
  assert.throws(
    () => reader.run('DELETE FROM meta'),
    (error) => error instanceof StoreError && error.code === 'SQLITE_READONLY',
  );
  reader.close();
  writer.close();
});

test('a reader keeps one commit for the whole of a transaction', (context) => {
  const path = capturePath(context);
  const writer = openWriter(path);
  const reader = openReader(path);
  const count = () => reader.get('SELECT count(*) AS n FROM meta')!.n;
  const seen = reader.transaction(() => {
    const first = count();
    writer.run("INSERT INTO meta VALUES ('a', 'b')");
    return [first, count()];
  });
  assert.deepEqual(seen, [0, 0]);
  assert.equal(count(), 1);
  reader.close();
  writer.close();
});

test('a transaction that throws leaves nothing behind', (context) => {
  const db = openWriter(capturePath(context));
  assert.throws(() => {
    db.transaction(() => {
      db.run("INSERT INTO meta VALUES ('a', 'b')");
      throw new Error('stop');
    });
  }, /stop/);
  assert.deepEqual(db.all('SELECT * FROM meta'), []);
  db.close();
});

test('rows can be iterated inside an iteration, and a broken loop frees its statement', (context) => {
  const db = openWriter(capturePath(context));
  for (const key of ['a', 'b']) db.run('INSERT INTO meta VALUES (?, ?)', [key, key]);
  const pairs: string[] = [];
  for (const outer of db.iterate<{ key: string }>('SELECT key FROM meta')) {
    for (const inner of db.iterate<{ key: string }>('SELECT key FROM meta')) pairs.push(outer.key + inner.key);
  }
  assert.deepEqual(pairs, ['aa', 'ab', 'ba', 'bb']);
  for (const _ of db.iterate('SELECT key FROM meta')) break;
  db.run('DELETE FROM meta');
  db.close();
});

test('what is no capture is refused with one sentence', (context) => {
  const folder = temporaryFolder(context);
  const path = (name: string) => join(folder, name);
  const sentence = (name: string, reason: RegExp) => {
    assert.throws(
      () => openReader(path(name)),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.equal(error.exitCode, 1);
        assert.match(error.message, reason);
        assert.ok(error.message.includes(path(name)));
        return true;
      },
    );
  };
  sentence('absent.db', /^No such file: /);
  mkdirSync(path('folder'));
  sentence('folder', /^Failed to read capture .*: not a regular file$/);
  writeFileSync(path('text'), 'no database at all, but more than one hundred bytes'.repeat(9));
  sentence('text', /^Failed to read capture .*: file is not a database$/);
  writeFileSync(path('empty'), '');
  sentence('empty', /^Failed to read capture .*: not a capture of mp$/);

  const db = openWriter(path('newer'));
  db.exec('PRAGMA user_version = 2');
  db.close();
  sentence('newer', /^Failed to read capture .*: it has format 2 of a newer mp; this one reads up to format 1$/);
  const foreign = openWriter(path('foreign'));
  foreign.exec('PRAGMA application_id = 1');
  foreign.close();
  sentence('foreign', /: not a capture of mp$/);
  const cut = openWriter(path('cut'));
  cut.exec('PRAGMA journal_mode = DELETE');
  cut.close();
  truncateSync(path('cut'), 6000);
  sentence('cut', /^Failed to read capture .*: (database disk image is malformed|tables are missing)$/);
});

test('a capture whose recorder was killed holds its last commit', (context) => {
  assert.equal(factOf(killedCapture(context, ['-wal', '-shm'])), 'kept');
  assert.equal(factOf(killedCapture(context, ['-wal'])), 'kept');
});

test('also for somebody who may only read it', { skip: process.getuid!() !== 0 && 'needs root' }, (context) => {
  const everybodys = temporaryFolder(context);
  chmodSync(everybodys, 0o777);
  withTemporaryFilesIn(context, everybodys);
  for (const suffixes of [['-wal', '-shm'], ['-wal']]) {
    const path = killedCapture(context, suffixes);
    chmodSync(join(path, '..'), 0o755);
    for (const suffix of ['', ...suffixes]) chmodSync(path + suffix, 0o644);
    assert.equal(
      asNobody(() => factOf(path)),
      'kept',
    );
    assert.ok(existsSync(`${path}-wal`), 'the log of another user is not touched');
    assert.equal(readdirSync(join(path, '..')).length, suffixes.length + 1);
  }
});

test('a log that takes a copy, and no room for one', { skip: process.getuid!() !== 0 && 'needs root' }, (context) => {
  const path = killedCapture(context, ['-wal']);
  chmodSync(join(path, '..'), 0o755);
  withTemporaryFilesIn(context, join(path, '..'));
  assert.throws(() => asNobody(() => factOf(path)), /^UserError: Failed .*permission denied\); set TMPDIR/);
});

test('a file that may not be read', { skip: process.getuid!() !== 0 && 'needs root' }, (context) => {
  const path = capturePath(context);
  openWriter(path).close();
  chmodSync(join(path, '..'), 0o755);
  chmodSync(path, 0o600);
  assert.throws(() => asNobody(() => openReader(path)), /^UserError: Failed to read capture .*: permission denied$/);
});
