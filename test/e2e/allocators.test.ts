/** One program, every C library and allocator library: the same stated numbers as with glibc. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  lacks,
  mp,
  openCapture,
  programPath,
  record,
  recordAndCompare,
  recordRun,
  scratchFolder,
  sourcePath,
} from './helpers.ts';
import { compareTruth, type Mode, readTruth } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
const LIBRARIES = ['jemalloc', 'jemalloc_static', 'tcmalloc', 'mimalloc'];
const PRELOADED = ['libjemalloc.so.2', 'libtcmalloc_minimal.so.4', 'libmimalloc.so.2.0'];
const PROGRAMS = {
  any_allocator: ['static', 'musl', 'musl_static', ...LIBRARIES],
  any_new: ['static', ...LIBRARIES],
};
const INTERFACES = [
  'jemalloc_api.jemalloc',
  'jemalloc_api.jemalloc_static',
  'tcmalloc_api.tcmalloc',
  'mimalloc_api.mimalloc',
];

/** Programs with an allocator of their own behind what a language calls. */
const LANGUAGES = [
  'rust_global',
  'rust_global.mangled',
  'rust_global.static',
  'own_new',
  'own_new.basic',
  'own_new.static',
];

/** What `mp doctor` says of programs. */
const FOUND = {
  rust_global: ['__rust_alloc', '__rust_alloc_zeroed', '__rust_realloc', 'free'],
  'rust_global.mangled': ['__rust_alloc', '__rust_alloc_zeroed', '__rust_realloc', 'free'],
  'rust_global.inlined': [],
  own_new: ['free', 'operator new', 'operator new[]'],
  'own_new.basic': ['free', 'operator new'],
  any_new: [],
  'any_allocator.musl_stripped': ['mmap', 'mremap', 'munmap'],
};

/** Debian's mimalloc ends the program where operator new should throw. */
function argumentsFor(program: string, library: string): string[] {
  return program === 'any_new' && library.includes('mimalloc') ? ['infallible'] : [];
}

describe('allocators', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of MODES)
    for (const name of INTERFACES)
      test(`${name}, ${mode}`, (t) => recordAndCompare(t, mode, name).then(() => undefined));

  for (const mode of MODES)
    for (const name of LANGUAGES)
      test(`${name}, ${mode}`, (t) => recordAndCompare(t, mode, name).then(() => undefined));

  for (const mode of MODES)
    test(`rust_own, ${mode}`, { skip: lacks('rustc') }, async (t) => {
      await recordAndCompare(t, mode, 'rust_own', { level: 'O0' });
    });

  test('an allocator of Rust that the compiler has inlined is said not to be traced', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '-o', path, '--', programPath('rust_global.inlined')]);
    assert.equal(finished.code, 0);
    assert.equal(finished.stdout, 'ok\n');
    assert.match(finished.stderr, /the allocator of Rust in \S*rust_global\.inlined is not traced/);
    const allocators = openCapture(t, path)
      .rows('allocations')
      .map((row) => row.allocator);
    assert.ok(allocators.includes('malloc'));
    assert.ok(!allocators.some((name) => name.startsWith('__rust')));
  });

  for (const mode of MODES)
    test(`a renamed allocator that is loaded later, beside libc's, ${mode}`, async (t) => {
      await recordAndCompare(t, mode, 'prefixed', {
        mpArgs: ['--allocator-prefix', 'x_', '--allocator-prefix', 'my_'],
      });
    });

  test("a program's own operators are left alone as a whole, --probe multi", async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, ['run', '--probe', 'multi', '-o', path, '--', programPath('own_new')]);
    assert.equal(finished.stdout, 'ok\n');
    assert.match(finished.stderr, /operator new of \S*own_new is not traced/);
    const capture = openCapture(t, path);
    assert.equal(capture.losses().get('unmatched_free'), 0);
    assert.ok(!capture.rows('allocations').some((row) => row.allocator.startsWith('operator new')));
  });

  for (const [program, found] of Object.entries(FOUND))
    test(`mp doctor lists what is found in ${program}`, async (t) => {
      const { stdout, code } = await mp(t, ['doctor', '--json', programPath(program)]);
      assert.equal(code, 0);
      const functions: { allocator: string }[] = JSON.parse(stdout).probe_sites.functions;
      assert.deepEqual([...new Set(functions.map((one) => one.allocator))].sort(), found);
    });

  test('a renamed allocator is not seen without its prefix', async (t) => {
    const { capture } = await recordRun(t, 'prefixed');
    const rows = capture.ownRows('allocations').filter((row) => row.function === 'from_library');
    assert.deepEqual(rows, []);
  });

  for (const kind of ['stripped', 'pie_stripped', 'musl_stripped']) {
    test(`no allocator is found in a ${kind} static program`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const finished = await mp(t, ['run', '-o', path, '--', programPath(`any_allocator.${kind}`)]);
      assert.equal(finished.code, 0);
      assert.equal(finished.stdout, 'ok\n');
      assert.match(
        finished.stderr,
        /no allocator found in \S*any_allocator\.\S*stripped; only what it maps is recorded/,
      );
    });

    for (const mode of MODES)
      test(`mappings of a ${kind} static program, ${mode}`, async (t) => {
        const { capture, target, tracer } = await record(t, mode, `any_allocator.${kind}`);
        assert.deepEqual([target.code, target.stdout, tracer.code], [0, 'ok\n', 0]);
        const remaps = (view: string) =>
          capture
            .rows(view)
            .filter((row) => row.allocator === 'mremap')
            .map((row) => row.bytes);
        assert.ok(remaps('allocations').includes(20480));
        assert.ok(!remaps('leaks').includes(20480));
        // what the allocator maps for fill() is far more
        const mapped = capture.rows('allocations').reduce((sum, row) => sum + row.bytes, 0);
        assert.ok(mapped > 30_000_000, `mapped: ${mapped}`);
        const lost = [...capture.losses()].filter(([kind, count]) => count > 0 && kind !== 'frame_unsymbolized');
        assert.deepEqual(lost, []);
        assertNone(capture.inconsistencies());
      });
  }

  for (const probe of ['multi', 'perf'])
    test(`an exception passes and operator new is said not to be traced, --probe ${probe}`, async (t) => {
      const path = join(scratchFolder(t), 'capture.db');
      const program = programPath('any_new.tcmalloc');
      const finished = await mp(t, ['run', '--probe', probe, '-o', path, '--', program]);
      assert.equal(finished.code, 0);
      assert.equal(finished.stdout, 'ok\n');
      assert.match(finished.stderr, /operator new of \S*libtcmalloc\S* is not traced/);
    });

  for (const probe of ['multi', 'perf'])
    test(`any_allocator.musl, --probe ${probe}`, async (t) => {
      await recordAndCompare(t, 'run', 'any_allocator.musl', { mpArgs: ['--probe', probe] });
    });

  for (const kind of ['tcmalloc', 'jemalloc', 'mimalloc'])
    test(`any_allocator.${kind}, --probe multi`, async (t) => {
      const { capture, target } = await recordRun(t, `any_allocator.${kind}`, { mpArgs: ['--probe', 'multi'] });
      const truth = readTruth('run', sourcePath('any_allocator'), target.stdout);
      assertNone(compareTruth(truth, capture));
    });

  for (const library of ['jemalloc', 'tcmalloc'])
    test(`an exception for lack of memory passes, ${library}`, async (t) => {
      const { capture } = await recordAndCompare(t, 'run', `any_new.${library}`, { programArgs: ['limit'] });
      // operator new[] of jemalloc passes on to operator new: two functions are left alone
      assert.equal(capture.losses().get('new_unseen'), library === 'jemalloc' ? 2 : 1);
    });

  for (const [program, kinds] of Object.entries(PROGRAMS)) {
    for (const mode of MODES) {
      for (const name of [program, ...kinds.map((kind) => `${program}.${kind}`)]) {
        test(`${name}, ${mode}`, async (t) => {
          await recordAndCompare(t, mode, name, { programArgs: argumentsFor(program, name) });
        });
      }
      for (const library of PRELOADED) {
        test(`${program}, ${library} preloaded, ${mode}`, async (t) => {
          const programArgs = argumentsFor(program, library);
          await recordAndCompare(t, mode, program, { env: { LD_PRELOAD: library }, programArgs });
        });
      }
    }
  }
});
