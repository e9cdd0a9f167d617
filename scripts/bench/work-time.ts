/** Programs that do some work and say at their end how long it has taken, untraced or under a tracer. */
import { spawn } from 'node:child_process';

const LIMIT_MS = 600_000;

/** Seconds by the clock and of the processor. */
export interface WorkTime {
  elapsed: number;
  cpu: number;
}

export interface Sample extends WorkTime {
  /** Events that mp lost; 0 under others. */
  dropped: number;
}

/** Finds what a load says at its end among what a tracer says. Throws if it isn't there. */
export function parseWorkTime(output: string): WorkTime {
  const [, elapsed, cpu] = /^elapsed ([\d.]+) s, processor ([\d.]+) s$/m.exec(output) ?? [];
  if (elapsed === undefined || cpu === undefined) throw new Error(`the program did not say its time: ${output}`);
  return { elapsed: Number(elapsed), cpu: Number(cpu) };
}

/** Runs the load to its end. Throws with what was said if that isn't a good one. */
export async function runToEnd(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<WorkTime> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, timeout: LIMIT_MS });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((done, fail) => child.once('error', fail).once('close', done));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said}`);
  return parseWorkTime(said);
}

export function formatSeconds(elapsed: number, cpu: number): string {
  return `${elapsed.toFixed(2)} s (${cpu.toFixed(2)} s)`;
}
