/** Options of `mp run` and `mp trace` about snapshots and tops that are taken while they record. */
import { type Command, InvalidArgumentError } from 'commander';
import type { MetricCommand } from '../../lib/metric-command.ts';
import { NO_TRIGGER, type TriggerOptions } from '../../top/trigger.ts';
import { parseSize } from '../size.ts';
import { addMetric } from './metric-option.ts';
import type { SnapshotRequest } from './snapshot-protocol.ts';

export interface SnapshotOptions {
  snapshotDelay?: number;
  snapshotThreshold?: number;
  snapshotRepeat?: number;
  snapshotFile?: string;
  growth?: { bytes: number; windowNs: number };
  cgroupShare?: number;
  traces?: boolean;
  metric: MetricCommand[];
  topDelay?: number;
  topThreshold?: number;
  onTrigger?: string;
  stopOnTrigger?: boolean;
}

const WINDOW_NS: Record<string, number> = { s: 1e9, min: 60e9, h: 3600e9 };

const NOTES = `
Snapshots are taken at real times and when the traced memory, that is what is live of all targets, has risen or fallen by
more than the threshold since the last one, which is looked at every few milliseconds. Names of code that runs for the first
time are waited for, two seconds at most. SIGUSR2 to mp takes a snapshot, too. In the capture one takes some 30 bytes for each
site, and 24 for each block with --traces; every report reads CAPTURE@1. --on-trigger's command has MP_SNAPSHOT (its path),
MP_REASON (delay, threshold, growth, limit, signal), MP_PID, MP_TRACED_BYTES, MP_TRACED_MAX_BYTES, MP_TRACED_BLOCKS,
MP_RSS_BYTES and MP_VMS_BYTES in its environment.`;

export function addSnapshotOptions(command: Command): Command {
  return command
    .optionsGroup('Snapshots:')
    .option('--snapshot-delay <SECONDS>', 'take a snapshot whenever so much time has passed', parseDelay)
    .option(
      '--snapshot-threshold <SIZE>',
      'take one when the traced memory has changed by more, up or down',
      positiveSize,
    )
    .option('--growth <SIZE/TIME>', 'take one when the traced memory grows faster, e.g. 10MB/min', parseGrowth)
    .option(
      '--cgroup-share <PERCENT>',
      "take one when the target's cgroup uses so much of its limit, e.g. 80%",
      parseShare,
    )
    .option('--snapshot-repeat <N>', 'take at most N snapshots', parseRepeat)
    .option(
      '--snapshot-file <TEMPLATE>',
      'write snapshots into files of that name, with $pid, $timestamp and $counter (default: they are kept in the ' +
        'capture, as CAPTURE@1, CAPTURE@2, …)',
    )
    .option('--traces', 'snapshots with every live block and its address')
    .option(
      '--metric <NAME=COMMAND>',
      'a figure of every snapshot that a command prints: 42, 4.2%, 12MiB',
      addMetric,
      [],
    )
    .option('--on-trigger <COMMAND>', 'run a command after every snapshot')
    .option('--stop-on-trigger', 'end the recording after the first snapshot; the target goes on')
    .optionsGroup('Tops:')
    .option('--top-delay <SECONDS>', 'print a top (see mp top) whenever so much time has passed', parseDelay)
    .option('--top-threshold <SIZE>', 'print a top when the traced memory has changed by more', positiveSize)
    .addHelpText('after', NOTES);
}

export function snapshotRequest(options: SnapshotOptions): SnapshotRequest {
  const delayNs = (seconds: number | undefined) => (seconds === undefined ? null : seconds * 1e9);
  const snapshot: TriggerOptions = {
    delayNs: delayNs(options.snapshotDelay),
    thresholdBytes: options.snapshotThreshold ?? null,
    growth: options.growth ?? null,
    limitShare: options.cgroupShare ?? null,
    repeat: options.stopOnTrigger ? 1 : (options.snapshotRepeat ?? null),
  };
  return {
    snapshot,
    template: options.snapshotFile ?? null,
    traces: options.traces ?? false,
    metrics: options.metric,
    top: { ...NO_TRIGGER, delayNs: delayNs(options.topDelay), thresholdBytes: options.topThreshold ?? null },
    onTrigger: options.onTrigger ?? null,
    stopOnTrigger: options.stopOnTrigger ?? false,
  };
}

function parseDelay(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new InvalidArgumentError('Give a number of seconds above 0.');
  return seconds;
}

function positiveSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes === 0) throw new InvalidArgumentError('It must be above 0.');
  return bytes;
}

function parseRepeat(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number above 0.');
  return count;
}

/** `10MB/min`: so much within a minute. */
export function parseGrowth(text: string): { bytes: number; windowNs: number } {
  const [, size, unit] = /^(.+)\/(s|min|h)$/.exec(text) ?? [];
  if (size === undefined) throw new InvalidArgumentError('Give a size per s, min or h, e.g. 10MB/min.');
  return { bytes: positiveSize(size), windowNs: WINDOW_NS[unit!]! };
}

/** `80%` or `80`: 0.8. */
export function parseShare(text: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d+)?)%?$/.exec(text)?.[1] ?? Number.NaN);
  if (!(percent > 0 && percent <= 100)) throw new InvalidArgumentError('Give a share up to 100%, e.g. 80%.');
  return percent / 100;
}
