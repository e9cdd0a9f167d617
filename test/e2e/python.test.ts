/** Python frames: function, file and exact line of every kind of frame, between the native ones, on every CPython. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertNone, cannotRecord } from './helpers.ts';
import {
  compareHealth,
  comparePythonFrames,
  compareSites,
  findPythons,
  type Python,
  pythonProgram,
  recordPython,
  rowsAt,
  statedSites,
  unmergedStacks,
} from './python.ts';
import { type StackFrame, Stacks, type StatedSite } from './stated-stacks.ts';
import type { Mode } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
/** `SHORT_PROCESSES=300` for a thorough run. */
const SHORT_PROCESSES = Number(process.env.SHORT_PROCESSES ?? 14);

/** Every version, with the part of a test's name that tells two builds of one version apart. */
function versions(): [string, Python][] {
  return findPythons().map((python) => [`${python.version} (${python.path})`, python]);
}

/** The frames that deep.py states in its comments, `# level N` at the end of a line; innermost first. */
function statedLevels(): StatedSite['frames'] {
  const file = pythonProgram('deep.py');
  const frames: StatedSite['frames'] = [];
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const level = /^[^`]+ {2}# level (\d+)$/.exec(line)?.[1];
    if (level) frames[Number(level)] = [level === '0' ? '<module>' : `level_${level}`, file, index + 1];
  }
  assert.equal(frames.filter(Boolean).length, 22);
  return frames.reverse();
}

function sum(rows: { allocations: number; bytes: number }[]) {
  return {
    allocations: rows.reduce((total, row) => total + row.allocations, 0),
    bytes: rows.reduce((total, row) => total + row.bytes, 0),
  };
}

describe('Python frames', { skip: cannotRecord() }, () => {
  for (const [name, python] of versions()) {
    for (const mode of MODES) {
      test(`21 nested functions, ${mode}, ${name}`, async (t) => {
        const capture = await recordPython(t, mode, python, 'deep.py');
        const rows = capture.rows('allocations').filter((row) => row.allocator === 'mmap' && row.bytes === 1234);
        assert.deepEqual(
          rows.map((row) => row.allocations),
          [1],
        );
        const frames = capture.all<StackFrame>(
          'SELECT * FROM stack_frame WHERE stack_id = ? ORDER BY position',
          rows[0]!.stack_id,
        );
        assert.equal(comparePythonFrames(statedLevels(), frames), null);
        assert.equal(frames[0]!.language, 'native');
        assert.equal(frames.at(-1)!.function, '_start');
        assertNone(compareHealth(capture));
      });

      test(`every kind of frame, ${mode}, ${name}`, async (t) => {
        const sites = statedSites(python, 'shapes.py');
        const capture = await recordPython(t, mode, python, 'shapes.py');
        await t.test('function, file and line', () => assertNone(compareSites(sites, capture)));
        await t.test('names of threads', () => {
          const named = sites.filter((site) => site.thread !== 'MainThread');
          assert.equal(named.length, 3);
          const threads = named.map(
            (site) =>
              capture.all<{ name: string }>(
                'SELECT name FROM thread JOIN site ON site.thread_id = thread.id WHERE allocated_bytes = ?',
                site.bytes,
              )[0]?.name,
          );
          assert.deepEqual(
            threads,
            named.map((site) => site.thread),
          );
        });
      });
    }

    test(`errors that the evaluation loop raises, ${name}`, async (t) => {
      const capture = await recordPython(t, 'run', python, 'errors.py', ['--trace-python-allocators']);
      assert.ok(capture.rows('allocations').some((row) => row.allocator === 'pymalloc_malloc'));
      assertNone(unmergedStacks(capture));
    });

    test(`a subinterpreter, ${name}`, async (t) => {
      const sites = statedSites(python, 'subinterpreter.py');
      assertNone(compareSites(sites, await recordPython(t, 'trace', python, 'subinterpreter.py')));
    });

    test(`extensions, ${name}`, async (t) => {
      const sites = statedSites(python, 'extensions.py');
      assert.equal(sites.length, 6);
      assertNone(compareSites(sites, await recordPython(t, 'run', python, 'extensions.py')));
    });

    test(`a list that grows, and one that need not, ${name}`, async (t) => {
      const sites = statedSites(python, 'growth.py');
      const capture = await recordPython(t, 'run', python, 'growth.py');
      const stacks = new Stacks(capture);
      for (const site of sites) {
        const what = `${site.frames[0]![0]} ${site.frames[0]![2]}`;
        const stated = { allocations: site.allocations ?? 1, bytes: site.bytes };
        const rows = rowsAt(site, 'allocations', capture, stacks);
        assert.deepEqual(sum(rows), stated, what);
        const temporary = rowsAt(site, 'temporary_allocations', capture, stacks);
        assert.deepEqual(sum(temporary), site.temporary ?? { allocations: 0, bytes: 0 }, `temporary, ${what}`);
      }
      assertNone(compareHealth(capture));
    });
  }

  test(`${SHORT_PROCESSES} processes that end at once`, { timeout: 30_000 + 6_000 * SHORT_PROCESSES }, async (t) => {
    const pythons = findPythons();
    for (let index = 0; index < SHORT_PROCESSES; index++) {
      const python = pythons[index % pythons.length]!;
      const capture = await recordPython(t, 'run', python, 'short.py');
      const differences = compareSites(statedSites(python, 'short.py'), capture);
      assertNone(differences.map((difference) => `${python.version}: ${difference}`));
    }
  });
});
