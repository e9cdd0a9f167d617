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
import { join } from 'node:path';
import { compareTimes, runAttached, runUnderMp, takeSamples } from './load.ts';
import { SOURCES } from './overhead.ts';
import type { Part, Row } from './statistics.ts';
import { formatSeconds, runToEnd, type Sample } from './work-time.ts';

const SCRIPT = join(SOURCES, 'node_load.cjs');
const NODE = process.execPath;
/** Variables for a Node that is run by another one are none of the load's. */
const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, ...ENVIRONMENT } = process.env;

const TRACERS = ['untraced', 'run', 'trace', 'heap-prof'] as const;
type Tracer = (typeof TRACERS)[number];

function runUnder(tracer: Tracer, folder: string, work: number): Promise<Sample> {
  const alone = async (...options: string[]): Promise<Sample> => ({
    ...(await runToEnd(NODE, [...options, SCRIPT, `${work}`], ENVIRONMENT)),
    dropped: 0,
  });
  switch (tracer) {
    case 'untraced':
      return alone();
    case 'run':
      return runUnderMp(folder, ['--', NODE, SCRIPT, `${work}`], ENVIRONMENT);
    case 'trace':
      return runAttached(folder, [NODE, SCRIPT, `${work}`], ENVIRONMENT);
    case 'heap-prof':
      return alone('--heap-prof', `--heap-prof-dir=${folder}`);
  }
}

/** Throws with what a tracer says if one fails. */
export async function measureNodeLoad(quick: boolean): Promise<Part> {
  const rounds = quick ? 3 : 5;
  const work = quick ? 40 : 150;
  const samples = await takeSamples('Node', TRACERS, rounds, (tracer, folder) => runUnder(tracer, folder, work));
  const { elapsed, cpu, elapsedRatio, cpuRatio, row, dropped } = compareTimes(TRACERS, samples);
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
