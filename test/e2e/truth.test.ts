/** The statements of truth themselves: every program's header can be read, adds up, and a difference is noticed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { matches, parseTruth } from './truth.ts';

const SOURCES = join(import.meta.dirname, '../programs');

const sources = new Map(
  readdirSync(SOURCES)
    .filter((name) => /\.(c|cpp|rs)$/.test(name))
    .map((name) => [name, readFileSync(join(SOURCES, name), 'utf8')] as const),
);

describe('stated truth', () => {
  for (const [file, text] of sources) {
    if (!text.includes('EXPECT')) continue;

    test(`${file} adds up and names functions that it has`, () => {
      for (const mode of ['run', 'trace'] as const) {
        const truth = parseTruth(mode, text);
        assert.ok(truth.roots.length > 0, 'no roots');
        for (const row of [...truth.rows, ...truth.via]) {
          const name = /[A-Za-z_]+/.exec(row.function)![0];
          assert.ok(
            [...sources.values()].some((source) => source.replace(/EXPECT.*/g, '').includes(name)),
            `no function ${row.function}`,
          );
        }
      }
    });
  }

  test('a total that is not the sum of its rows is refused', () => {
    const text = ' * EXPECT leaks malloc one 1 10\n * EXPECT total leaks 1 11\n';
    assert.throws(() => parseTruth('run', text), /don't add up/);
  });

  test('a line that cannot be read is refused', () => {
    assert.throws(() => parseTruth('run', ' * EXPECT leaks malloc one many 10\n'), /a number is missing/);
    assert.throws(() => parseTruth('run', ' * EXPECT leeks malloc one 1 10\n'), /not a row of a view/);
  });

  test('lines for one mode', () => {
    const text = ' * EXPECT run leaks malloc one 1 10\n * EXPECT trace leaks malloc one 2 20\n';
    assert.deepEqual(
      parseTruth('trace', text).rows.map((row) => row.bytes),
      [20],
    );
  });

  test('patterns', () => {
    assert.ok(matches('*fill<int>*', 'void fill<int>(int)'));
    assert.ok(!matches('fill', 'refill'));
    assert.ok(!matches('a.b', 'axb'));
    assert.ok(!matches('*', null));
  });
});
