/** Options that `mp run` and `mp trace` share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ProbeMode, SessionOptions, TargetSelection } from '../../native/binding.ts';
import { addLiveOptions, type LiveRecordOptions } from '../live/live-options.ts';
import { UNITS } from '../size.ts';
import { addSnapshotOptions, type SnapshotOptions } from '../snapshots/snapshot-options.ts';

export interface RecordOptions extends LiveRecordOptions, SnapshotOptions {
  output?: string;
  force?: boolean;
  quiet?: boolean;
  duration?: number;
  ringSize: number;
  probe: ProbeMode;
  tracePythonAllocators?: boolean;
  followFork?: boolean;
  native: boolean;
  lossless: boolean;
  aggregate?: boolean;
  events?: boolean;
  allocatorPrefix?: string[];
}

const MIN_RING_BYTES = 256 * 1024;
const MAX_RING_BYTES = 2 ** 30;

/** `256K`, `64M`, `1G`; a bare number is MiB. A power of two, in bytes. */
export function parseRingSize(text: string): number {
  const match = /^(\d+)([KMG]?)i?B?$/i.exec(text);
  const bytes = Number(match?.[1]) * UNITS[match?.[2]?.toUpperCase() || 'M']!;
  if (!match || bytes < MIN_RING_BYTES || bytes > MAX_RING_BYTES || !Number.isInteger(Math.log2(bytes)))
    throw new InvalidArgumentError('Give a power of two from 256K to 1G, e.g. 64M.');
  return bytes;
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new InvalidArgumentError('Give a number of seconds above 0.');
  return seconds;
}

/** One more prefix of the names of functions in C. */
export function addPrefix(text: string, prefixes: string[] = []): string[] {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text))
    throw new InvalidArgumentError('Give the beginning of the names of functions, e.g. je_.');
  return [...prefixes, text];
}

/** `isLossless`: unless the user says otherwise. */
export function addRecordOptions(command: Command, isLossless: boolean): Command {
  command
    .option('-o, --output <FILE>', 'the capture (default: mp-<name>.<pid>.db in the current directory)')
    .option('-f, --force', 'overwrite an existing file')
    .option('-q, --quiet', 'print nothing but errors')
    .option('--duration <SECONDS>', 'stop recording after that time; the target goes on', parseSeconds)
    .option('--follow-fork', 'trace children, too (fork, vfork, clone, posix_spawn, exec), into the same capture')
    .option('--aggregate', 'a smaller capture: sums only, nothing for --from and --to')
    .option('--events', 'keep every single event, too, in some one to four bytes each')
    .option('--trace-python-allocators', 'record every Python object, not only what Python asks the system for')
    .option('--native', 'stacks with native frames, too', true)
    .option(
      '--no-native',
      'stacks of Python and JavaScript frames only; where there is none, the function that asked for the memory',
    )
    .option('--lossless', 'threads of the target wait while the ring is half full', isLossless)
    .option('--no-lossless', 'events that the ring has no room for are counted and lost')
    .option(
      '--allocator-prefix <PREFIX>',
      'also find renamed allocators, e.g. je_ for je_malloc and je_free; may be repeated',
      addPrefix,
    )
    .addOption(
      new Option('--ring-size <SIZE>', 'size of the ring buffer: 256K, 64M; a bare number is MiB')
        .argParser(parseRingSize)
        .default(64 * 2 ** 20, '64M'),
    )
    .addOption(
      new Option('--probe <MODE>', 'how probes are attached')
        .choices(['auto', 'session', 'multi', 'perf'])
        .default('auto'),
    );
  return addLiveOptions(addSnapshotOptions(command));
}

export function sessionOptions(options: RecordOptions, selection?: TargetSelection): SessionOptions {
  return {
    ...(selection && { selection }),
    ringBytes: options.ringSize,
    probeMode: options.probe,
    tracePythonAllocators: options.tracePythonAllocators ?? false,
    followFork: options.followFork ?? false,
    nativeFrames: options.native,
    lossless: options.lossless,
    allocatorPrefixes: options.allocatorPrefix ?? [],
  };
}
