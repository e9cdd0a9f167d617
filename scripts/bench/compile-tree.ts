/**
 * What tracing costs a build: make, and for every file a driver, a compiler and an assembler, each of which lives for
 * some milliseconds and makes ten thousand blocks. As ratios to the untraced build: of the clock, from the start of mp
 * until the capture is complete, and of the processor, the tracer's own time included.
 *
 *   untraced   nothing
 *   run        mp run --follow-fork
 *
 * Each round has both once; medians over the rounds are reported.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { writeMakeTree } from './compile-sources.ts';
import { compareTimes, takeSamples } from './load.ts';
import { droppedEvents, MP, readCapture } from './overhead.ts';
import type { Part, Row } from './statistics.ts';
import { formatSeconds, parseWorkTime, type Sample } from './work-time.ts';

const TRACERS = ['untraced', 'run'] as const;
type Tracer = (typeof TRACERS)[number];

const JOBS = 2;
const LIMIT_MS = 600_000;
/** A shell's own words for the time of a command and all its descendants, in those of work-time.ts. */
const TIMED = String.raw`
TIMEFORMAT='%3R %3U %3S'
exec 3>&2
times=$({ time "$@" >/dev/null 2>&3; } 2>&1) || exit
set -- $times
awk "BEGIN { printf \"elapsed %.3f s, processor %.3f s\\n\", $1, $2 + $3 }"`;

interface BuildSample extends Sample {
  processes: number;
  allocations: number;
}

function timed(folder: string, ...command: string[]) {
  const options = { encoding: 'utf8', cwd: folder, timeout: LIMIT_MS } as const;
  return parseWorkTime(execFileSync('bash', ['-c', TIMED, 'bash', ...command], options));
}

function build(tracer: Tracer, folder: string, files: number): BuildSample {
  writeMakeTree(folder, files);
  const make = ['make', '-s', `-j${JOBS}`];
  if (tracer === 'untraced') return { ...timed(folder, ...make), dropped: 0, processes: 0, allocations: 0 };
  const capture = join(folder, 'capture.db');
  const time = timed(folder, MP, 'run', '-q', '--follow-fork', '-o', capture, '--', ...make);
  return readCapture(capture, (db) => ({
    ...time,
    dropped: droppedEvents(db),
    processes: db.prepare("SELECT count(DISTINCT pid) FROM process WHERE origin = 'fork'").pluck().get() as number,
    allocations: db.prepare('SELECT sum(allocations) FROM site').pluck().get() as number,
  }));
}

/** Throws if the build or a tracer fails. */
export async function measureCompileTree(quick: boolean): Promise<Part> {
  const rounds = quick ? 1 : 3;
  const files = quick ? 10 : 100;
  const traced: BuildSample[] = [];
  const samples = await takeSamples('Compile tree', TRACERS, rounds, async (tracer, folder) => {
    const sample = build(tracer, folder, files);
    if (tracer === 'run') traced.push(sample);
    return sample;
  });
  const { elapsed, cpu, elapsedRatio, cpuRatio, row, dropped } = compareTimes(TRACERS, samples);
  const { processes, allocations } = traced[0]!;
  const rows: Row[] = [
    [`Compile tree: make -j${JOBS}, ${files} C files, untraced (CPU)`, formatSeconds(elapsed.untraced, cpu.untraced)],
    row('mp run --follow-fork', 'run'),
    [`events that mp dropped of ${processes} processes'`, `${dropped}`],
  ];
  const result = {
    rounds,
    files,
    processes,
    allocations,
    elapsed_ratio: elapsedRatio,
    cpu_ratio: cpuRatio,
    seconds_samples: samples,
    dropped,
  };
  return { rows, result: { compile_tree: result } };
}
