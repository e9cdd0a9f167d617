/**
 * What tracing costs, side by side in one run: `make bench`. Prints a table and writes build/bench.json. Needs root.
 *
 *     npx tsx scripts/bench/bench.ts [--quick] [--only PART]
 *
 * --quick takes fewer rounds and smaller loads; --only measures one part, and the file then has that one alone:
 *
 *   pairs      malloc+free pairs of a C program, and the tracer's own needs
 *   python     a Python program under mp and under others, and what Python frames cost
 *   node       a Node program under mp and with node's own heap profiler
 *   snapshots  what snapshots of a running recording cost its target
 *   compile    a build of many small C files with all its processes
 *   page       flame graphs of a large capture in headless Chromium
 *
 * Absolute times are this machine's; the ratios carry over.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { measureCompileTree } from './compile-tree.ts';
import { measureNodeLoad } from './node.ts';
import { measurePages } from './page.ts';
import { measurePairsPart } from './pairs.ts';
import { measurePythonLoad, PYTHON } from './python.ts';
import { measurePythonFrames } from './python-frames.ts';
import { measureSnapshotStop } from './snapshot-stop.ts';
import { measureSnapshots } from './snapshots.ts';
import { formatRow, type Part } from './statistics.ts';

type Measure = (quick: boolean) => Promise<Part>;

const PARTS = new Map<string, Measure[]>([
  ['pairs', [measurePairsPart]],
  ['python', [measurePythonLoad, measurePythonFrames]],
  ['node', [measureNodeLoad]],
  ['snapshots', [measureSnapshots, measureSnapshotStop]],
  ['compile', [measureCompileTree]],
  ['page', [measurePages]],
]);

function version(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0]!.trim();
}

function machineFacts(): Record<string, string | number> {
  return {
    kernel: release(),
    processor: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memory_bytes: totalmem(),
    virtual_machine: /^flags.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1')) ? 'yes' : 'no',
    libc: version('ldd', '--version'),
    bpftrace: version('bpftrace', '--version'),
    heaptrack: version('heaptrack', '--version'),
    python: version(PYTHON, '--version'),
    node: process.version,
    date: new Date().toISOString(),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const chosen = values.only === undefined ? [...PARTS.values()].flat() : PARTS.get(values.only);
  if (!chosen) throw new Error(`no part ${values.only}; there are ${[...PARTS.keys()].join(', ')}`);
  if (process.getuid?.() !== 0) throw new Error('the benchmark needs root');
  const result: Record<string, unknown> = { machine: machineFacts(), quick: values.quick };
  for (const measure of chosen) {
    const part = await measure(values.quick);
    for (const row of part.rows) console.log(formatRow(row));
    Object.assign(result, part.result);
  }
  mkdirSync('build', { recursive: true });
  writeFileSync('build/bench.json', `${JSON.stringify(result, null, 2)}\n`);
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
