import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeMakeTree } from '../../../scripts/bench/compile-sources.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('the made sources build without a warning into a program that runs', (context) => {
  const folder = temporaryFolder(context);
  writeMakeTree(folder, 3);
  assert.deepEqual(readdirSync(folder).sort(), ['Makefile', 'f0.c', 'f1.c', 'f2.c', 'main.c']);
  execFileSync('make', ['-s', 'CFLAGS=-O2 -Wall -Wextra -Werror'], { cwd: folder });
  assert.match(execFileSync(join(folder, 'program'), { encoding: 'utf8' }), /^-?\d+\n$/);
});
