/** One program, every C library and allocator library: the same stated numbers as with glibc. */
import { before, describe, test } from 'node:test';
import { buildPrograms, cannotRecord, recordAndCompare } from './helpers.ts';
import type { Mode } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
const LIBRARIES = ['jemalloc', 'jemalloc_static', 'tcmalloc', 'mimalloc'];
const PRELOADED = ['libjemalloc.so.2', 'libtcmalloc_minimal.so.4', 'libmimalloc.so.2.0'];
const PROGRAMS = {
  any_allocator: ['static', 'musl', 'musl_static', ...LIBRARIES],
  any_new: ['static', ...LIBRARIES],
};

/** Debian's mimalloc ends the program where operator new should throw. */
function argumentsFor(program: string, library: string): string[] {
  return program === 'any_new' && library.includes('mimalloc') ? ['infallible'] : [];
}

describe('allocators', { skip: cannotRecord() }, () => {
  before(buildPrograms);

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
