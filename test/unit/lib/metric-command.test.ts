import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillTemplate } from '../../../src/lib/file-template.ts';
import { parseFigure } from '../../../src/lib/metric-command.ts';

process.env.TZ = 'UTC';

test('figures: counts, shares and sizes', () => {
  assert.deepEqual(parseFigure('a', '48487\n'), { name: 'a', value: 48487, format: 'int' });
  assert.deepEqual(parseFigure('a', '-3'), { name: 'a', value: -3, format: 'int' });
  assert.deepEqual(parseFigure('a', '50%'), { name: 'a', value: 0.5, format: 'percent' });
  assert.deepEqual(parseFigure('a', '1.5 MiB'), { name: 'a', value: 1.5 * 2 ** 20, format: 'size' });
  assert.deepEqual(parseFigure('a', '2kB'), { name: 'a', value: 2048, format: 'size' });
  assert.deepEqual(parseFigure('a', '7 B'), { name: 'a', value: 7, format: 'size' });
  for (const text of ['', 'many', '1 2', '3 apples', '1e3'])
    assert.throws(() => parseFigure('a', text), /printed no number/);
});

test('names of snapshot files', () => {
  const time = new Date('2013-10-03T11:34:39Z');
  assert.equal(fillTemplate('s-$pid-$timestamp-$counter.db', 7, time, 3), 's-7-2013-10-03-11:34:39-0003.db');
  assert.equal(fillTemplate('$other $counter$counter', 7, time, 12345), '$other 1234512345');
});
