/** A load (see work-time.ts) under several tracers, each once in every round. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { droppedEvents, LineProcess, MP, readCapture, startMp } from './overhead.ts';
import { formatRatio, median, type Row } from './statistics.ts';
import { parseWorkTime, runToEnd, type Sample } from './work-time.ts';

/** `options` are those of mp, the program and its arguments last. */
export async function runUnderMp(folder: string, options: string[], env: NodeJS.ProcessEnv): Promise<Sample> {
  const capture = join(folder, 'capture.db');
  const time = await runToEnd(MP, ['run', '-q', '-o', capture, ...options], env);
  return { ...time, dropped: readCapture(capture, droppedEvents) };
}

/** Attaches while the program waits for a file that is its last argument. */
export async function runAttached(folder: string, command: string[], env: NodeJS.ProcessEnv): Promise<Sample> {
  const gate = join(folder, 'gate');
  const target = new LineProcess(command[0]!, [...command.slice(1), gate], env);
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

export function each<Tracer extends string, T>(
  tracers: readonly Tracer[],
  value: (tracer: Tracer) => T,
): Record<Tracer, T> {
  return Object.fromEntries(tracers.map((tracer) => [tracer, value(tracer)])) as Record<Tracer, T>;
}

/** `take` gets a folder that is removed afterwards. The order of the tracers changes from round to round. */
export async function takeSamples<Tracer extends string>(
  name: string,
  tracers: readonly Tracer[],
  rounds: number,
  take: (tracer: Tracer, folder: string) => Promise<Sample>,
): Promise<Record<Tracer, Sample[]>> {
  const samples = each(tracers, (): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < tracers.length; i++) {
      const tracer = tracers[(i + round) % tracers.length]!;
      const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
      try {
        samples[tracer].push(await take(tracer, folder));
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
    process.stderr.write(`${name}, round ${round + 1} of ${rounds}\r`);
  }
  process.stderr.write('\n');
  return samples;
}

/** Medians, and their ratios to those of `untraced`. */
export function compareTimes<Tracer extends string>(
  tracers: readonly ('untraced' | Tracer)[],
  samples: Record<'untraced' | Tracer, Sample[]>,
) {
  const elapsed = each(tracers, (tracer) => median(samples[tracer].map((sample) => sample.elapsed)));
  const cpu = each(tracers, (tracer) => median(samples[tracer].map((sample) => sample.cpu)));
  const elapsedRatio = each(tracers, (tracer) => elapsed[tracer] / elapsed.untraced);
  const cpuRatio = each(tracers, (tracer) => cpu[tracer] / cpu.untraced);
  const row = (what: string, tracer: Tracer): Row => [
    `  ${what}`,
    `${formatRatio(elapsedRatio[tracer])} (${formatRatio(cpuRatio[tracer])})`,
  ];
  const dropped = tracers.flatMap((tracer) => samples[tracer]).reduce((sum, sample) => sum + sample.dropped, 0);
  return { elapsed, cpu, elapsedRatio, cpuRatio, row, dropped };
}
