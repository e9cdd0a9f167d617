/** Stacks without native frames: those of the interpreters are whole, all sums the same, and C keeps its caller. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { assertNone, buildPrograms, cannotRecord, record, sourcePath } from './helpers.ts';
import { findNodes, JAVASCRIPT, recordNode, statedSites as statedByNode } from './node.ts';
import { findPythons, PYTHON, recordPython, statedSites as statedByPython } from './python.ts';
import { describeFrame, type Language, rowsOfSite, Stacks, type StatedSite } from './stated-stacks.ts';
import { compareTruth, type Mode, readTruth } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
const MP_ARGS = ['--no-native'];

/** Stacks that have a native frame beside others. */
function withNative(capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  return capture.rows('allocations').flatMap(({ stack_id }) => {
    const called = stacks.frames(stack_id).filter(({ inlined }) => !inlined);
    const languages = called.map(({ language }) => language);
    return languages.length > 1 && languages.includes('native') ? [`stack ${stack_id}: ${languages.join(' < ')}`] : [];
  });
}

/** Sites whose bytes are not where they are stated; others that only native frames told apart may have joined them. */
function missingSites(language: Language, sites: StatedSite[], capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  const sized = sites.filter(({ bytes }) => bytes !== null);
  assert.ok(sized.length > 0);
  return sized
    .filter((site) => {
      const rows = rowsOfSite(language, site, 'allocations', capture, stacks);
      return !rows.some(({ bytes }) => bytes >= site.bytes!);
    })
    .map(
      ({ frames, bytes }) =>
        `${describeFrame({ function: frames[0]![0], file: frames[0]![1], line: frames[0]![2] })}: no row of ${bytes} bytes`,
    );
}

describe('stacks without native frames', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of MODES) {
    test(`C keeps the function that asked for the memory, and every sum, ${mode}`, async (t) => {
      for (const program of ['mappings', 'realloc_chain']) {
        const { capture, target } = await record(t, mode, program, { mpArgs: MP_ARGS });
        const truth = readTruth(mode, sourcePath(program), target.stdout);
        const differences = compareTruth(truth, capture);
        assertNone(differences.filter((difference) => !difference.startsWith('stack without root')));
        assertNone(capture.inconsistencies());
        const stacks = new Stacks(capture);
        for (const { stack_id } of capture.rows('allocations'))
          assert.equal(stacks.frames(stack_id).filter(({ inlined }) => !inlined).length, 1);
      }
    });

    for (const python of [findPythons()[0]!, findPythons().at(-1)!])
      test(`Python, ${mode}, ${python.version}`, async (t) => {
        const capture = await recordPython(t, mode, python, 'shapes.py', MP_ARGS);
        assertNone(withNative(capture));
        assertNone(missingSites(PYTHON, statedByPython(python, 'shapes.py'), capture));
        assertNone(capture.inconsistencies());
      });
  }

  const node = findNodes()[1]!;
  test(`JavaScript, ${node.version}`, async (t) => {
    const capture = await recordNode(t, 'run', node, 'shapes.mjs', {
      flags: ['--min-semi-space-size=64', '--max-semi-space-size=64'],
      options: MP_ARGS,
    });
    assertNone(withNative(capture));
    assertNone(missingSites(JAVASCRIPT, statedByNode(node, 'shapes.mjs'), capture));
    assertNone(capture.inconsistencies());
  });
});
