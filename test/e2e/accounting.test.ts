/** Programs with stated truth: the capture says exactly what they say, launched and attached to, at both levels. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { assertNone, buildPrograms, cannotRecord, LEVELS, lacks, recordAndCompare, recordTrace } from './helpers.ts';
import type { Mode } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
const PROGRAMS = [
  'allocators',
  'peak_ties',
  'mappings',
  'failures',
  'leaks',
  'unknown_blocks',
  'threads',
  'handover',
  'realloc_chain',
  'temporaries',
  'recursion',
  'jumps',
  'cpp_sites',
  'forking',
  'images',
  'reopened',
  'endings',
];
/** Every kind of probe site at least once, few enough to run under every attach mechanism. */
const PROBE_PROGRAMS = ['allocators', 'mappings', 'failures', 'threads', 'realloc_chain', 'jumps'];
/** Who attaches again after each exec is too late for these with the slow perf events, unless the target is held. */
const HELD_PROBE_PROGRAMS = ['images', 'reopened'];

/** Threads of requests.c. */
const REQUESTS = 3000;

describe('accounting', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const name of PROGRAMS) {
    for (const mode of MODES) {
      for (const level of LEVELS) {
        test(`${name}, ${mode}, ${level}`, (t) => recordAndCompare(t, mode, name, { level }).then(() => undefined));
      }
    }
  }

  for (const level of LEVELS) {
    for (const name of ['early_library', 'overwritten'])
      test(`${name}, run, ${level}`, (t) => recordAndCompare(t, 'run', name, { level }).then(() => undefined));
  }

  test('early_library, trace: what comes too early is counted', async (t) => {
    const { capture, tracer } = await recordTrace(t, 'early_library');
    assert.equal(tracer.code, 0);
    const early = capture.rows('leaks').filter((row) => row.function === null || row.function.startsWith('plugin_'));
    assert.equal(
      early.reduce((bytes, row) => bytes + row.bytes, 0),
      88 + 154,
    );
    assertNone(capture.inconsistencies());
  });

  for (const mode of MODES) {
    test(`requests, ${mode}: threads that come and go share rows`, async (t) => {
      const { capture } = await recordAndCompare(t, mode, 'requests');
      const merged = capture.losses().get('thread_merged') ?? 0;
      const rows = capture.all<{ count: number }>('SELECT count(*) AS count FROM thread')[0]!.count;
      assert.equal(rows + merged, 1 + REQUESTS);
      assert.ok(merged > 0);
    });
  }

  for (const mode of MODES) {
    for (const level of LEVELS) {
      test(`rust_sites, ${mode}, ${level}`, { skip: lacks('rustc') }, async (t) => {
        await recordAndCompare(t, mode, 'rust_sites', { level });
      });
    }
  }
});

describe('accounting under every attach mechanism', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const probe of ['perf', 'multi', 'session']) {
    for (const name of PROBE_PROGRAMS) {
      for (const mode of MODES) {
        test(`--probe ${probe}, ${name}, ${mode}`, async (t) => {
          await recordAndCompare(t, mode, name, { mpArgs: ['--probe', probe] });
        });
      }
    }
    for (const name of HELD_PROBE_PROGRAMS) {
      test(`--probe ${probe}, ${name}, run`, async (t) => {
        await recordAndCompare(t, 'run', name, { mpArgs: ['--probe', probe] });
      });
    }
  }
});

describe('accounting of random work', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of MODES) {
    for (const seed of ['1', '2']) {
      test(`one thread, exact peak, ${mode}, seed ${seed}`, async (t) => {
        await recordAndCompare(t, mode, 'churn', { programArgs: ['1', '100000', seed] });
      });
    }
    test(`four threads, ${mode}`, async (t) => {
      await recordAndCompare(t, mode, 'churn', { programArgs: ['4', '50000', '3'] });
    });
  }
});
