import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staticMemory, staticRanges } from '../../../../src/cli/objects/static-memory.ts';

test('what is mapped from files, and the variables behind it, but no other memory', () => {
  const maps = `1000-2000 r--p 00000000 08:01 77 /usr/bin/a b
2000-3000 rw-p 00001000 08:01 77                        /usr/bin/a b
3000-5000 rw-p 00000000 00:00 0
5000-6000 rw-p 00000000 00:00 0                          [heap]
8000-9000 r--p 00000000 08:01 78 /lib/c.so (deleted)
9000-a000 ---p 00000000 00:00 0 
a000-b000 rw-p 00000000 00:00 0 
garbage
`;
  assert.deepEqual(staticRanges(maps), [
    [0x1000, 0x5000],
    [0x8000, 0x9000],
  ]);
});

test('of a process that there is not, nothing', () => {
  assert.equal(staticMemory(2 ** 30)(0x1000), false);
  assert.equal(staticMemory(process.pid)(0), false);
});
