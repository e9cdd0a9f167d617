/**
 * What tracing costs a Node program with deep stacks that are seldom the same twice (node_load.cjs), as ratios to its
 * untraced time: of the clock, which also has the waiting for a tracer that is behind, and of the processor, which has
 * that of the program's compiler and collector threads.
 *
 *   untraced     nothing
 *   run          mp run
 *   trace        mp trace --pid: attached while the program waits, before its work begins
 *   heap-prof    node --heap-prof: samples of objects in V8's heap, with JavaScript frames; no memory outside of it
 *
 * Each round has every tracer once; medians over the rounds are reported.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { droppedEvents, LineProcess, MP, readCapture, SOURCES, startMp } from './overhead.ts';
import { formatRatio, median, type Part, type Row } from './statistics.ts';
import { formatSeconds, parseWorkTime, runToEnd, type Sample } from './work-time.ts';

const SCRIPT = join(SOURCES, 'node_load.cjs');
const NODE = process.execPath;
/** Variables for a Node that is run by another one are none of the load's. */
const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, ...ENVIRONMENT } = process.env;

const TRACERS = ['untraced', 'run', 'trace', 'heap-prof'] as const;
type Tracer = (typeof TRACERS)[number];

async function attach(folder: string, work: number): Promise<Sample> {
  const gate = join(folder, 'gate');
  const target = new LineProcess(NODE, [SCRIPT, `${work}`, gate], ENVIRONMENT);
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

async function runUnder(tracer: Tracer, folder: string, work: number): Promise<Sample> {
  const capture = join(folder, 'capture.db');
  switch (tracer) {
    case 'untraced':
      return { ...(await runToEnd(NODE, [SCRIPT, `${work}`], ENVIRONMENT)), dropped: 0 };
    case 'run': {
      const time = await runToEnd(MP, ['run', '-q', '-o', capture, '--', NODE, SCRIPT, `${work}`], ENVIRONMENT);
      return { ...time, dropped: readCapture(capture, droppedEvents) };
    }
    case 'trace':
      return attach(folder, work);
    case 'heap-prof': {
      const args = ['--heap-prof', `--heap-prof-dir=${folder}`, SCRIPT, `${work}`];
      return { ...(await runToEnd(NODE, args, ENVIRONMENT)), dropped: 0 };
    }
  }
}

async function takeSample(tracer: Tracer, work: number): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
  try {
    return await runUnder(tracer, folder, work);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function takeSamples(rounds: number, work: number): Promise<Record<Tracer, Sample[]>> {
  const samples: Record<Tracer, Sample[]> = { untraced: [], run: [], trace: [], 'heap-prof': [] };
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < TRACERS.length; i++) {
      const tracer = TRACERS[(i + round) % TRACERS.length]!;
      samples[tracer].push(await takeSample(tracer, work));
    }
    process.stderr.write(`Node, round ${round + 1} of ${rounds}\r`);
  }
  process.stderr.write('\n');
  return samples;
}

/** Throws with what a tracer says if one fails. */
export async function measureNodeLoad(quick: boolean): Promise<Part> {
  const rounds = quick ? 3 : 5;
  const work = quick ? 40 : 150;
  const samples = await takeSamples(rounds, work);
  const medians = (of: (sample: Sample) => number) =>
    Object.fromEntries(TRACERS.map((tracer) => [tracer, median(samples[tracer].map(of))])) as Record<Tracer, number>;
  const elapsed = medians((sample) => sample.elapsed);
  const cpu = medians((sample) => sample.cpu);
  const dropped = TRACERS.flatMap((tracer) => samples[tracer]).reduce((sum, sample) => sum + sample.dropped, 0);
  const ratios = (times: Record<Tracer, number>) =>
    Object.fromEntries(TRACERS.map((tracer) => [tracer, times[tracer] / times.untraced])) as Record<Tracer, number>;
  const [elapsedRatio, cpuRatio] = [ratios(elapsed), ratios(cpu)];

  const row = (what: string, tracer: Tracer): Row => [
    `  ${what}`,
    `${formatRatio(elapsedRatio[tracer])} (${formatRatio(cpuRatio[tracer])})`,
  ];
  const rows: Row[] = [
    ['Node: parse, compile, Buffers, zlib, untraced (CPU)', formatSeconds(elapsed.untraced, cpu.untraced)],
    row('mp run', 'run'),
    row('mp trace --pid', 'trace'),
    row('node --heap-prof', 'heap-prof'),
    ["events that mp dropped of Node's", `${dropped}`],
  ];
  const result = {
    rounds,
    work_rounds: work,
    elapsed_ratio: elapsedRatio,
    cpu_ratio: cpuRatio,
    seconds_samples: samples,
    dropped,
  };
  return { rows, result: { node: result } };
}
