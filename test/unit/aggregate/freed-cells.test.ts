import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreedCells } from '../../../src/aggregate/freed-cells.ts';

test('adds up by site and birth, across growth, and begins anew', () => {
  const cells = new FreedCells();
  for (let round = 0; round < 3; round++) {
    const expected = new Map<string, [number, number]>();
    for (let n = 0; n < 5000; n++) {
      const [site, birth] = [(n * 7919) % 700, (n * 31) % 11];
      cells.add(site, birth, n % 3 === 0 ? -1 : 1, n);
      const [blocks, bytes] = expected.get(`${site} ${birth}`) ?? [0, 0];
      expected.set(`${site} ${birth}`, [blocks + (n % 3 === 0 ? -1 : 1), bytes + n]);
    }
    assert.equal(cells.count, expected.size);
    const found = new Map<string, [number, number]>();
    cells.drain((site, birth, blocks, bytes) => found.set(`${site} ${birth}`, [blocks, bytes]));
    assert.deepEqual([...found], [...expected]);
    assert.equal(cells.count, 0);
  }
});
