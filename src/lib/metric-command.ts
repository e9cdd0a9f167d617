/** Figures that users measure with commands of their own: `--metric name=command`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Metric } from '../top/metric.ts';
import { UserError } from '../util/errors.ts';

export interface MetricCommand {
  name: string;
  /** For /bin/sh. */
  command: string;
}

const UNITS: Record<string, number> = { B: 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const LIMIT_MS = 10_000;
const FIGURE = /^\s*([+-]?\d+(?:\.\d+)?)\s*(%|B|([KMGT])i?B?)?\s*$/i;

/**
 * The figure that a command printed: `48487`, `4.2%` or a size with its unit, `12 MiB`. Units are powers of 1024.
 * @throws UserError if it is none.
 */
export function parseFigure(name: string, text: string): Metric {
  const [, number, unit, prefix] = FIGURE.exec(text) ?? [];
  if (number === undefined)
    throw new UserError(`the command of metric ${name} printed no number: ${text.trim().slice(0, 60) || 'nothing'}`);
  if (unit === undefined) return { name, value: Number(number), format: 'int' };
  if (unit === '%') return { name, value: Number(number) / 100, format: 'percent' };
  return { name, value: Number(number) * UNITS[(prefix ?? 'B').toUpperCase()]!, format: 'size' };
}

/** Runs the commands side by side. @throws UserError if one fails, takes longer than 10 s or prints no figure. */
export function runMetricCommands(commands: readonly MetricCommand[], pid: number): Promise<Metric[]> {
  return Promise.all(
    commands.map(async ({ name, command }) => {
      const options = { timeout: LIMIT_MS, env: { ...process.env, MP_PID: String(pid) } };
      const running = promisify(execFile)('/bin/sh', ['-c', command], options);
      const { stdout } = await running.catch(({ message, stderr }) => {
        throw new UserError(
          `the command of metric ${name} failed: ${
            String(stderr || message)
              .trim()
              .split('\n')[0]
          }`,
        );
      });
      return parseFigure(name, stdout);
    }),
  );
}
