/** Expected reports in test/golden. `UPDATE=1` rewrites them; a missing one is written, except on CI. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../../golden/', import.meta.url);

export function assertGolden(name: string, actual: string): void {
  const file = new URL(`${name}.txt`, FOLDER);
  const isCi = process.env.CI === 'true';
  if (!isCi && (process.env.UPDATE === '1' || !existsSync(file))) writeFileSync(file, actual);
  assert.ok(existsSync(file), `test/golden/${name}.txt is missing; run the test with UPDATE=1 off CI and commit it`);
  assert.equal(actual, readFileSync(file, 'utf8'), `differs from test/golden/${name}.txt; UPDATE=1 rewrites it`);
}
