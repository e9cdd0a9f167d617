/** One program, every C library and allocator library: the same stated numbers as with glibc. */
import { before, describe, test } from 'node:test';
import { buildPrograms, cannotRecord, recordAndCompare } from './helpers.ts';
import type { Mode } from './truth.ts';

const MODES: Mode[] = ['run', 'trace'];
const LINKED = ['any_allocator', ...['static', 'musl', 'musl_static', 'jemalloc', 'jemalloc_static', 'tcmalloc', 'mimalloc'].map((kind) => `any_allocator.${kind}`)];
const PRELOADED = ['libjemalloc.so.2', 'libtcmalloc_minimal.so.4', 'libmimalloc.so.2.0'];

describe('allocators', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of MODES) {
    for (const name of LINKED) {
      test(`${name}, ${mode}`, (t) => recordAndCompare(t, mode, name).then(() => undefined));
    }
    for (const library of PRELOADED) {
      test(`any_allocator, ${library} preloaded, ${mode}`, async (t) => {
        await recordAndCompare(t, mode, 'any_allocator', { env: { LD_PRELOAD: library } });
      });
    }
  }
});
