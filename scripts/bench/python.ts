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
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { droppedEvents, LineProcess, MP, readCapture, SOURCES, startMp } from './overhead.ts';
import { formatRatio, median, type Part, type Row } from './statistics.ts';
import { formatSeconds, parseWorkTime, runToEnd, type Sample } from './work-time.ts';

/** Debian's, which others have, too; of several in PATH one would not know which was measured. */
export const PYTHON = '/usr/bin/python3';
const SCRIPT = join(SOURCES, 'python_load.py');
/** The order of keys in dicts and sets, and thereby the work, is to be the same each time. */
const ENVIRONMENT = { ...process.env, PYTHONHASHSEED: '0' };

const TRACERS = ['untraced', 'run', 'trace', 'objects', 'tracemalloc', 'heaptrack'] as const;
type Tracer = (typeof TRACERS)[number];
const RECORDERS = ['run', 'trace', 'objects'] as const;

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

async function runUnderMp(folder: string, work: number, ...options: string[]): Promise<Sample> {
  const capture = join(folder, 'capture.db');
  const time = await runToEnd(
    MP,
    ['run', '-q', '-o', capture, ...options, '--python', PYTHON, SCRIPT, `${work}`],
    ENVIRONMENT,
  );
  return { ...time, dropped: readCapture(capture, droppedEvents) };
}

async function attach(folder: string, work: number): Promise<Sample> {
  const gate = join(folder, 'gate');
  const target = new LineProcess(PYTHON, [SCRIPT, `${work}`, gate], ENVIRONMENT);
  try {
    await target.readUntil('waiting');
    const tracer = await startMp({ pid: target.child.pid! });
    writeFileSync(gate, '');
    const time = parseWorkTime(await target.readLine());
    return { ...time, dropped: await tracer.finish(droppedEvents) };
  } finally {
    await target.end('SIGKILL');
  }
}

function runUnder(tracer: Tracer, folder: string, work: number): Promise<Sample> {
  const alone = async (command: string, ...args: string[]): Promise<Sample> => ({
    ...(await runToEnd(command, [...args, SCRIPT, `${work}`], ENVIRONMENT)),
    dropped: 0,
  });
  switch (tracer) {
    case 'untraced':
      return alone(PYTHON);
    case 'run':
      return runUnderMp(folder, work);
    case 'trace':
      return attach(folder, work);
    case 'objects':
      return runUnderMp(folder, work, '--trace-python-allocators');
    case 'tracemalloc':
      return alone(PYTHON, '-X', 'tracemalloc=25');
    case 'heaptrack':
      return alone('heaptrack', '-o', join(folder, 'heaptrack'), PYTHON);
  }
}

/** Times are per round of the program's work. */
async function takeSample(tracer: Tracer, work: number): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
  try {
    const sample = await runUnder(tracer, folder, work);
    return { elapsed: sample.elapsed / work, cpu: sample.cpu / work, dropped: sample.dropped };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function takeSamples(rounds: number, work: Record<Tracer, number>): Promise<Record<Tracer, Sample[]>> {
  const samples = Object.fromEntries(TRACERS.map((tracer) => [tracer, []])) as unknown as Record<Tracer, Sample[]>;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < TRACERS.length; i++) {
      const tracer = TRACERS[(i + round) % TRACERS.length]!;
      samples[tracer].push(await takeSample(tracer, work[tracer]));
    }
    process.stderr.write(`Python, round ${round + 1} of ${rounds}\r`);
  }
  process.stderr.write('\n');
  return samples;
}

function each<T>(value: (tracer: Tracer) => T): Record<Tracer, T> {
  return Object.fromEntries(TRACERS.map((tracer) => [tracer, value(tracer)])) as Record<Tracer, T>;
}

/** Needs the packages python3 and heaptrack, and mp. Throws with what a tracer says if one fails. */
export async function measurePythonLoad(quick: boolean): Promise<Part> {
  const rounds = quick ? 3 : 5;
  const work = quick ? QUICK_WORK : WORK;
  const samples = await takeSamples(rounds, work);
  const elapsed = each((tracer) => median(samples[tracer].map((sample) => sample.elapsed)));
  const cpu = each((tracer) => median(samples[tracer].map((sample) => sample.cpu)));
  const elapsedRatio = each((tracer) => elapsed[tracer] / elapsed.untraced);
  const cpuRatio = each((tracer) => cpu[tracer] / cpu.untraced);
  const dropped = RECORDERS.flatMap((tracer) => samples[tracer]).reduce((sum, sample) => sum + sample.dropped, 0);

  const row = (what: string, tracer: Tracer): Row => [
    `  ${what}`,
    `${formatRatio(elapsedRatio[tracer])} (${formatRatio(cpuRatio[tracer])})`,
  ];
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
