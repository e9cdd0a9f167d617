import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TripleIndex } from '../../../src/model/triple-index.ts';

test('numbers triples in the order in which they are seen, through many growths', () => {
  const index = new TripleIndex();
  const expected = new Map<string, number>();
  for (let n = 0; n < 50_000; n++) {
    const triple = [n % 7, (n * 31) % 1013, n % 3 === 0 ? 0xffff_fff0 : n % 3] as const;
    const key = triple.join();
    if (!expected.has(key)) expected.set(key, expected.size);
    assert.equal(index.add(...triple), expected.get(key));
  }
  assert.equal(index.size, expected.size);
});
