import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BulkInsert } from '../../../src/store/bulk-insert.ts';

function recorded() {
  const calls: { sql: string; params: unknown[] }[] = [];
  const bulk = new BulkInsert(
    2,
    (values) => `INSERT ${values}`,
    (sql, params) => calls.push({ sql, params: [...params] }),
  );
  return { calls, bulk };
}

test('every row is written once, in order, whatever their number', () => {
  for (const count of [0, 1, 31, 32, 33, 100]) {
    const { calls, bulk } = recorded();
    for (let row = 0; row < count; row++) bulk.add(row, `row ${row}`);
    bulk.finish();
    bulk.finish();
    const expected = Array.from({ length: count }, (_, row) => [row, `row ${row}`]).flat();
    assert.deepEqual(
      calls.flatMap(({ params }) => params),
      expected,
    );
    for (const { sql, params } of calls) assert.equal(sql.split('?').length - 1, params.length);
    assert.equal(calls.length, Math.floor(count / 32) + (count % 32));
  }
});

test('what was cleared is not written', () => {
  const { calls, bulk } = recorded();
  bulk.add(1, 'lost');
  bulk.clear();
  bulk.add(2, 'kept');
  bulk.finish();
  assert.deepEqual(calls, [{ sql: 'INSERT (?, ?)', params: [2, 'kept'] }]);
});
