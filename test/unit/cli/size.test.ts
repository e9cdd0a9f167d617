import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from '../../../src/cli/size.ts';

test('sizes in bytes, or with a unit of 1024', () => {
  const sizes = ['0', '4096', '4096B', '1K', '1.5k', '64 KiB', '2MB', '3g', '1T'].map(parseSize);
  assert.deepEqual(sizes, [0, 4096, 4096, 1024, 1536, 65536, 2 ** 21, 3 * 2 ** 30, 2 ** 40]);
  for (const wrong of ['', '-1', '1X', 'K', '1.', '1e9', '1 K B', '0x10'])
    assert.throws(() => parseSize(wrong), { name: 'InvalidArgumentError' }, wrong);
});
