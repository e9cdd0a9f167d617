import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeColumns, type Numbers } from '../../../src/report/page/decode.ts';
import type { Column } from '../../../src/report/page/format.ts';
import { convert } from '../../../src/report/page/predict.ts';
import { delta, f64, int, natural, small, u8 } from '../../../src/report/page-columns.ts';

const decoded = async (column: Column) =>
  Array.from((await decodeColumns<{ column: Numbers }>({ columns: { column } })).column);

const AROUND = Array.from({ length: 52 }, (_, bits) => 2 ** bits).flatMap((n) => [n - 1, n, -n, n + 1, 1 - n]);
const WHOLE = [0, ...AROUND, Number.MAX_SAFE_INTEGER, -(2 ** 52), 7];

test('whole numbers of every size and sign come back as they were', async () => {
  assert.deepEqual(
    (await decoded(int(WHOLE))).map(String),
    WHOLE.map((n) => String(n + 0)),
  );
  const close = AROUND.filter((n) => Math.abs(n) < 2 ** 50);
  assert.deepEqual(
    await decoded(delta(close)),
    close.map((n) => n + 0),
  );
  assert.deepEqual(await decoded(int([])), []);
});

test('so do the others', async () => {
  assert.deepEqual(await decoded(u8([0, 1, 255])), [0, 1, 255]);
  for (const [largest, type] of [
    [255, 'u8'],
    [256, 'u16'],
    [2 ** 16 - 1, 'u16'],
    [2 ** 16, 'u32'],
    [2 ** 32 - 1, 'u32'],
  ] as const) {
    assert.equal(natural([0, largest, 1]).type, type);
    assert.deepEqual(await decoded(natural([0, largest, 1])), [0, largest, 1]);
  }
  assert.deepEqual(await decoded(f64([0.5, Number.NaN])), [0.5, Number.NaN]);
});

test('small numbers are bytes as long as all of them are', async () => {
  for (const values of [[], [0, 255], [0, 256], [3, -1], WHOLE]) {
    const column = small(values);
    assert.equal(column.type, values.every((n) => n >= 0 && n < 256) ? 'u8' : 'int');
    assert.deepEqual(
      await decoded(column),
      values.map((n) => n + 0),
    );
  }
});

test('bytes that are as expected cost nothing, and all come back', () => {
  const columns = () => ({
    allocated_entry: Float64Array.of(7, 7, 7, 8, 9),
    allocated_count: Float64Array.of(2, 5, 1, 0, 3),
    allocated_bytes: Float64Array.of(64, 160, 33, -4096, 100),
    brief_count: Float64Array.of(1, 0, 0, 0, 3),
    brief_bytes: Float64Array.of(32, 0, 0, 0, 100),
    ungained_count: Float64Array.of(0, 5, -1, 0, 0),
    ungained_bytes: Float64Array.of(0, 160, -33, 0, 0),
    freed_entry: Float64Array.of(7, 8),
    freed_count: Float64Array.of(4, -1),
    freed_bytes: Float64Array.of(132, 8192),
  });
  const kept = columns();
  convert(kept, 10, -1);
  assert.deepEqual([...kept.allocated_bytes], [64, 0, 1, -4096, 100]);
  assert.deepEqual(
    [...kept.brief_bytes, ...kept.ungained_bytes, ...kept.freed_bytes],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8192],
  );
  convert(kept, 10, 1);
  assert.deepEqual(kept, columns());
});
