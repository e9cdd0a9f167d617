/**
 * What tracing costs a Python program that allocates as programs do (python_load.py), as ratios to its untraced time: of
 * the clock, which also has the waiting for a tracer that is behind, and of the processor.
 *
 *   untraced      nothing
 *   run           mp run
 *   trace         mp trace --pid: attached while the program waits, before its work begins
 *   objects       mp run --trace-python-allocators: every object, not only what Python asks the system for
 *   tracemalloc   python3 -X tracemalloc=25: also every object, with up to 25 Python frames
 *   heaptrack     heaptrack: calls of the malloc family with native stacks, by a preloaded library
 *
 * Each round has every tracer once; medians over the rounds are reported. Where each object costs, the program does
 * less of the same work, hence times are per round of its work.
 */
import { join } from 'node:path';
import { compareTimes, runAttached, runUnderMp, takeSamples } from './load.ts';
import { SOURCES } from './overhead.ts';
import type { Part, Row } from './statistics.ts';
import { formatSeconds, runToEnd, type Sample } from './work-time.ts';

/** Debian's, which others have, too; of several in PATH one would not know which was measured. */
export const PYTHON = '/usr/bin/python3';
const SCRIPT = join(SOURCES, 'python_load.py');
/** The order of keys in dicts and sets, and thereby the work, is to be the same each time. */
const ENVIRONMENT = { ...process.env, PYTHONHASHSEED: '0' };

const TRACERS = ['untraced', 'run', 'trace', 'objects', 'tracemalloc', 'heaptrack'] as const;
type Tracer = (typeof TRACERS)[number];

const WORK: Record<Tracer, number> = {
  untraced: 100,
  run: 100,
  trace: 100,
  objects: 5,
  tracemalloc: 10,
  heaptrack: 100,
};
const QUICK_WORK: Record<Tracer, number> = {
  untraced: 25,
  run: 25,
  trace: 25,
  objects: 2,
  tracemalloc: 3,
  heaptrack: 25,
};

function runUnder(tracer: Tracer, folder: string, work: number): Promise<Sample> {
  const alone = async (command: string, ...args: string[]): Promise<Sample> => ({
    ...(await runToEnd(command, [...args, SCRIPT, `${work}`], ENVIRONMENT)),
    dropped: 0,
  });
  const traced = (...options: string[]) =>
    runUnderMp(folder, [...options, '--python', PYTHON, SCRIPT, `${work}`], ENVIRONMENT);
  switch (tracer) {
    case 'untraced':
      return alone(PYTHON);
    case 'run':
      return traced();
    case 'trace':
      return runAttached(folder, [PYTHON, SCRIPT, `${work}`], ENVIRONMENT);
    case 'objects':
      return traced('--trace-python-allocators');
    case 'tracemalloc':
      return alone(PYTHON, '-X', 'tracemalloc=25');
    case 'heaptrack':
      return alone('heaptrack', '-o', join(folder, 'heaptrack'), PYTHON);
  }
}

/** Times are per round of the program's work. */
async function takeSample(tracer: Tracer, folder: string, work: number): Promise<Sample> {
  const sample = await runUnder(tracer, folder, work);
  return { elapsed: sample.elapsed / work, cpu: sample.cpu / work, dropped: sample.dropped };
}

/** Needs the packages python3 and heaptrack, and mp. Throws with what a tracer says if one fails. */
export async function measurePythonLoad(quick: boolean): Promise<Part> {
  const rounds = quick ? 3 : 5;
  const work = quick ? QUICK_WORK : WORK;
  const samples = await takeSamples('Python', TRACERS, rounds, (tracer, folder) =>
    takeSample(tracer, folder, work[tracer]),
  );
  const { elapsed, cpu, elapsedRatio, cpuRatio, row, dropped } = compareTimes(TRACERS, samples);
  const rows: Row[] = [
    [
      'Python: json, re, dicts, objects, untraced (CPU)',
      formatSeconds(elapsed.untraced * work.untraced, cpu.untraced * work.untraced),
    ],
    row('mp run', 'run'),
    row('mp trace --pid', 'trace'),
    row('heaptrack', 'heaptrack'),
    row('mp run --trace-python-allocators', 'objects'),
    row('tracemalloc, 25 frames', 'tracemalloc'),
    ["events that mp dropped of Python's", `${dropped}`],
  ];
  const result = {
    rounds,
    work_rounds: work,
    elapsed_ratio: elapsedRatio,
    cpu_ratio: cpuRatio,
    seconds_per_work_round_samples: samples,
    dropped,
  };
  return { rows, result: { python: result } };
}
