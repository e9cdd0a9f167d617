import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { bulkColumns, bulkRows } from '../../../src/store/bulk-read.ts';
import { openWriter } from '../../../src/store/db.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const SQL = 'SELECT id, path, build_id FROM module WHERE id BETWEEN :first AND :last AND path <> :not';

test('rows read in bulk are those of the driver, in their order, whatever ids and texts', (t) => {
  const db = openWriter(join(temporaryFolder(t), 'capture.db'));
  t.after(() => db.close());
  const ids = [-5, 0, 1, 2, 255, 256, 257, 258, 70_000, 140_000, 2 ** 40, Number.MAX_SAFE_INTEGER];
  const texts = ['', '"', '\\', "'", '\n\u0000x', '[1,2]', 'ü€😀', 'null', '1', '\u2028', 'not', 'x'.repeat(1000)];
  for (const [i, id] of ids.entries())
    db.run('INSERT INTO module VALUES (?, ?, ?)', [id, texts[i], i % 2 ? null : 'b']);
  const expected = db.all(SQL, { first: Number.MIN_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER, not: 'not' });
  assert.equal(expected.length, ids.length - 1);
  assert.deepEqual([...bulkRows(db, 'module', SQL, { not: 'not' })], expected);
  const columns = [...bulkColumns<{ path: string[]; id: number[] }>(db, 'module', SQL, { not: 'not' }, ['path', 'id'])];
  assert.deepEqual(
    columns.flatMap(({ path, id }) => path.map((text, i) => [id[i], text])),
    expected.map(({ id, path }) => [id, path]),
  );
});

test('an empty table has no rows, and a loop over rows may end early', (t) => {
  const db = openWriter(join(temporaryFolder(t), 'capture.db'));
  t.after(() => db.close());
  assert.deepEqual([...bulkRows(db, 'module', SQL, { not: '' })], []);
  db.run("INSERT INTO module VALUES (7, 'a', NULL), (8, 'b', NULL)");
  const [first] = bulkRows(db, 'module', SQL, { not: '' });
  assert.deepEqual(first, { id: 7, path: 'a', build_id: null });
  assert.equal(db.run("INSERT INTO module VALUES (9, 'c', NULL)"), 1);
});
