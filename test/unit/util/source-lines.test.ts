import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourceLines } from '../../../src/util/source-lines.ts';
import { temporaryFolder } from '../report/command.ts';

test('lines around a line, as many as there are', (t) => {
  const file = join(temporaryFolder(t), 'a.c');
  writeFileSync(file, Array.from({ length: 9 }, (_, i) => `line ${i + 1}`).join('\n'));
  const numbers = (line: number, count: number) => sourceLines(file, line, count).map((at) => at.line);
  assert.deepEqual(numbers(5, 3), [4, 5, 6]);
  assert.deepEqual(numbers(1, 3), [1, 2, 3]);
  assert.deepEqual(numbers(9, 3), [7, 8, 9]);
  assert.deepEqual(numbers(5, 50), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(numbers(10, 3), []);
  assert.deepEqual(numbers(0, 3), []);
  assert.deepEqual(sourceLines(file, 2, 1), [{ line: 2, text: 'line 2' }]);
});

test('what is no regular file is not read, and a pipe is not waited for', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'd'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const files = [join(folder, 'none'), join(folder, 'd'), join(folder, 'pipe'), '/dev/zero', '<frozen x>', 'a.c', ''];
  for (const file of files) assert.deepEqual(sourceLines(file, 1, 3), [], file);
});
