import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIZE_CLASS_COUNT, sizeClass, sizeClassMax, sizeClassMin } from '../../../src/model/size-class.ts';

test('classes cover all sizes without gap, and each size lies in its class', () => {
  assert.equal(sizeClassMin(0), 0);
  for (let index = 0; index < SIZE_CLASS_COUNT; index++) {
    assert.equal(sizeClassMin(index + 1), sizeClassMax(index) + 1);
    for (const size of [sizeClassMin(index), sizeClassMax(index)]) {
      assert.equal(sizeClass(size % 2 ** 32, Math.floor(size / 2 ** 32)), index, `size ${size}`);
    }
    assert.ok(sizeClassMax(index) - sizeClassMin(index) <= Math.max(0, sizeClassMin(index) / 8 - 1));
  }
  assert.equal(sizeClassMax(SIZE_CLASS_COUNT - 1), 2 ** 48 - 1);
  assert.equal(sizeClass(0, 0xffff_ffff), SIZE_CLASS_COUNT - 1);
});
