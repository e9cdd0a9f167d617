/** `mp snapshot`: what a capture holds now, kept inside it or in a file of its own; the recording and its targets go on. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { MetricCommand } from '../../lib/metric-command.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/format.ts';
import { ownerUnderSudo } from '../../util/new-file.ts';
import { type Output, refuseSame } from '../../util/output.ts';
import { captureOf, tracerOf } from '../registry.ts';
import { addExample, defaultOutput } from '../reports/report-options.ts';
import { addMetric } from '../snapshots/metric-option.ts';

interface SnapshotOptions {
  output?: string;
  force?: boolean;
  traces?: boolean;
  metric: MetricCommand[];
}

const NOTES = `
Without -o and --metric the recorder keeps the snapshot in its capture; its address is printed, CAPTURE@1, and
every command that reads a capture takes it. It has all but temporary allocations and size classes. Of a recording that has
ended, that writes its snapshots into files (--snapshot-file) or that belongs to somebody else, a file is made:
mp-snapshot-<pid>-<number>.db in the current directory.`;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('snapshot')
    .description('keep what a running recording has seen up to now, for mp top and every report')
    .argument('<capture|pid>', 'the capture, or a process that is being traced')
    .option('-o, --output <FILE>', 'write it into a file (default: it is kept in the capture, see below)')
    .option('-f, --force', 'overwrite an existing file')
    .option('--traces', 'also every live block with its address (with -o: of a recording with --events)')
    .option('--metric <NAME=COMMAND>', 'also the number, share or size that a command prints', addMetric, []);
  command.addHelpText('after', NOTES);
  addExample(
    command,
    'mp snapshot 1234 && mp top mp-app.1234.db@1',
    'mp snapshot 1234 -o before.db',
    "mp snapshot --metric 'sockets=ls /proc/1234/fd | wc -l' 1234",
  );
  command.action((target: string, options: SnapshotOptions) => take(target, options, output ?? defaultOutput()));
}

async function take(target: string, options: SnapshotOptions, output: Output): Promise<void> {
  const capture = captureAt(target);
  const isPlain = options.output === undefined && !options.force && options.metric.length === 0;
  if (isPlain) {
    const { keepInCapture } = await import('../snapshots/keep-in-capture.ts');
    const address = await keepInCapture(capture, options.traces);
    if (address !== null) {
      output.err(`Snapshot: ${printable(address)}\n`);
      return;
    }
  }
  if (options.output !== undefined) refuseSame(options.output, capture);
  // Loaded late: `mp --help` needs no database driver.
  const { takeSnapshot } = await import('../../lib/take-snapshot.ts');
  const { loadParts } = await import('../../lib/load.ts');
  const { runMetricCommands } = await import('../../lib/metric-command.ts');
  const { DEFAULT_TEMPLATE, nextFile } = await import('../../lib/file-template.ts');
  const { pid } =
    /^\d+$/.test(target) && capture !== target ? { pid: Number(target) } : loadParts(capture, { traces: false });
  const metrics = await runMetricCommands(options.metric, pid);
  const takenAt = new Date();
  const path = options.output ?? nextFile(DEFAULT_TEMPLATE, pid, takenAt);
  const { force = false, traces = false } = options;
  takeSnapshot(capture, path, { traces, metrics, takenAt, force, owner: ownerUnderSudo() });
  output.err(`Snapshot: ${path}\n`);
}

/** @throws UserError for a process that is not traced. */
function captureAt(target: string): string {
  if (!/^\d+$/.test(target) || existsSync(target)) return target;
  const capture = captureOf(Number(target));
  if (capture !== null) return capture;
  if (tracerOf(Number(target)) === null) throw new UserError(`process ${target} is not being traced`);
  throw new UserError(`it is not known where the capture of process ${target} is: give its path`);
}
