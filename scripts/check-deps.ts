/**
 * Enforces the dependency rules of the source tree. Each folder of src/ lists what it may import of the project; each
 * foreign thing is known to one file only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const ALLOWED: Record<string, string[]> = {
  model: [],
  util: [],
  aggregate: ['model'],
  native: ['model'],
  symbolize: ['model', 'native'],
  capture: ['model', 'native'],
  store: ['model', 'util'],
  report: ['model', 'util'],
  heap: ['model', 'util'],
  inspector: ['util'],
  monitor: ['model', 'util', 'heap'],
  tui: ['model', 'util'],
  top: ['model', 'util', 'report'],
  lib: ['model', 'util', 'aggregate', 'native', 'store', 'report', 'heap', 'top'],
  cli: [
    'model',
    'util',
    'aggregate',
    'native',
    'symbolize',
    'capture',
    'store',
    'report',
    'heap',
    'inspector',
    'monitor',
    'tui',
    'top',
    'lib',
  ],
};

/** Pattern → the only files that may match it. */
const ONLY: [RegExp, string[], string][] = [
  [/from 'better-sqlite3'/, ['src/store/db.ts'], 'the SQLite driver'],
  [/mp\.node'/, ['src/native/binding.ts'], 'the addon'],
  [/(?:from |import\()'neo-blessed'/, ['src/tui/screen.ts'], 'neo-blessed'],
  [/from 'ws'/, ['src/inspector/connection.ts'], 'ws'],
  [/from 'pprof-format'/, ['src/report/transform/pprof.ts'], 'pprof-format'],
  [/from 'hyparquet-writer'/, ['src/report/transform/parquet.ts'], 'hyparquet-writer'],
  [/process\.(argv|exit\b)/, ['src/cli/main.ts'], 'process.argv and process.exit'],
  [/#include <napi\.h>/, ['addon/binding.cc'], 'napi.h'],
  [/#include <sqlite3/, ['addon/sqlite/events_table.cc'], 'sqlite3ext.h'],
  [/#include "mp\.skel\.h"/, ['addon/loader.cc'], 'the BPF skeleton'],
];

/** Parsers of what a target controls: they build alone, under sanitizers and fuzzers. */
const PURE = [
  'elf',
  'elf_image',
  'elf_relocations',
  'elf_symbols',
  'mapped_file',
  'eh_frame',
  'cfi',
  'dwarf',
  'insn',
  'x86_decode',
  'decode',
  'event_decoder',
  'event_history',
  'event_numbers',
  'proc_maps',
  'probe_sites',
  'allocator_symbols',
  'call_targets',
  'code_rows',
  'stack_effect',
  'heap_arenas',
  'heap_block',
  'heap_dict',
  'heap_figures',
  'heap_layout',
  'heap_memory',
  'heap_pointers',
  'heap_pools',
  'heap_references',
  'heap_sizes',
  'heap_snapshot',
  'heap_table',
  'heap_tracked',
  'heap_types',
  'python_code',
  'python_layout',
  'python_objects',
  'python_threads',
  'resident',
  'smaps',
  'v8_classes',
  'v8_code',
  'v8_code_layout',
  'v8_deoptimization',
  'v8_layout',
  'v8_memory',
  'v8_objects',
  'v8_pages',
  'v8_places',
  'v8_positions',
  'v8_process',
  'v8_strings',
];
const IMPURE = /#include <(napi\.h|bpf\/)/;

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => pattern.test(name) && !name.includes('/build/'));
}

function checkImports(file: string, text: string): string[] {
  const folder = relative('src', file).split('/')[0]!;
  const allowed = ALLOWED[folder];
  if (!allowed) return [`${file}: src/${folder} has no rule in scripts/check-deps.ts`];
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)]
    .map((match) => relative('src', normalize(join(dirname(file), match[1]!))).split('/')[0]!)
    .filter((target) => target !== folder && !allowed.includes(target))
    .map((target) => `${file}: ${folder}/ must not import ${target}/`);
}

const problems: string[] = [];
const sources = [...filesBelow('src', /\.ts$/), ...filesBelow('addon', /\.(cc|h)$/)];
for (const file of sources) {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.ts')) problems.push(...checkImports(file, text));
  for (const [pattern, owners, what] of ONLY) {
    if (pattern.test(text) && !owners.includes(file))
      problems.push(`${file}: only ${owners.join(', ')} may use ${what}`);
  }
  const stem = file.replace(/^.*\//, '').replace(/\.(cc|h)$/, '');
  if (file.startsWith('addon/') && PURE.includes(stem) && IMPURE.test(text))
    problems.push(`${file}: must include neither libbpf nor napi`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
