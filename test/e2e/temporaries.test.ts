/** Temporary allocations at any threshold and in ranges of time; brief.c states how long its blocks live. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { register } from '../../src/cli/commands/table.ts';
import { runCommand } from '../unit/report/command.ts';
import { buildPrograms, cannotRecord, recordRun } from './helpers.ts';

type Numbers = Record<string, [blocks: number, bytes: number]>;

const EXPECTED: Record<number, Numbers> = {
  0: { grow: [1, 8192], nest: [1, 20] },
  1: { grow: [11, 16_376], nest: [2, 39] },
  2: { grow: [11, 16_376], nest: [3, 57], queue: [60, 300] },
  5: { grow: [11, 16_376], nest: [6, 105], queue: [60, 300] },
  10: { grow: [11, 16_376], nest: [11, 165], queue: [60, 300] },
  18: { grow: [11, 16_376], nest: [19, 209], queue: [60, 300] },
  1000: { grow: [11, 16_376], nest: [20, 210], queue: [60, 300] },
};
const WITHOUT_EVENTS = 16;

async function temporaries(path: string, threshold: string, range: string[] = []): Promise<Numbers> {
  const options = ['--temporary-allocation-threshold', threshold, ...range];
  const { out } = await runCommand(register, ['table', '--json', ...options, path]);
  const rows = JSON.parse(out).rows as { function: string; file: string; allocations: number; bytes: number }[];
  const numbers: Numbers = {};
  for (const { function: name, file, allocations, bytes } of rows) {
    if (!file?.endsWith('brief.c')) continue;
    const [blocks, sum] = numbers[name] ?? [0, 0];
    numbers[name] = [blocks + allocations, sum + bytes];
  }
  return numbers;
}

describe('temporary allocations', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mpArgs of [[], ['--events']]) {
    test(`at every threshold, ${mpArgs[0] ?? 'without events'}`, async (t) => {
      const { path } = await recordRun(t, 'brief', { mpArgs });
      for (const [threshold, expected] of Object.entries(EXPECTED)) {
        if (Number(threshold) > WITHOUT_EVENTS && mpArgs.length === 0) continue;
        const all = { ...expected, pair: [100, 1000] };
        assert.deepEqual(await temporaries(path, threshold), all, threshold);
        if (mpArgs.length > 0) assert.deepEqual(await temporaries(path, threshold, ['--from', '0']), all, threshold);
      }
      if (mpArgs.length > 0) return;
      await assert.rejects(temporaries(path, '17'), /record with --events/);
      await assert.rejects(temporaries(path, '1', ['--from', '0']), /record with --events/);
    });
  }
});
