/** `--metric NAME=COMMAND`: a figure that a command prints. */
import { InvalidArgumentError } from 'commander';
import type { MetricCommand } from '../../lib/metric-command.ts';

/** `sockets=ss -H | wc -l` */
export function addMetric(text: string, metrics: MetricCommand[]): MetricCommand[] {
  const [, name, command] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined)
    throw new InvalidArgumentError('Give a name and a command, e.g. threads="ls /proc/1234/task | wc -l".');
  if (metrics.some((metric) => metric.name === name)) throw new InvalidArgumentError(`There are two metrics ${name}.`);
  return [...metrics, { name, command }];
}
