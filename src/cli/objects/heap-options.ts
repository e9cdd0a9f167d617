/** What the commands that read the objects of a Python share: the process or core file, how long it may stand still. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HeapColumns } from '../../model/heap.ts';
import { type NativeError, type NativeHeap, openCore, openHeap } from '../../native/binding.ts';
import { UserError } from '../../util/errors.ts';
import { formatBytes, formatPlural } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { explainNativeError } from '../native-errors.ts';

export interface HeapOptions {
  pause: boolean;
  /** Milliseconds. */
  maxPause: number;
  core?: string;
  exe?: string[];
  /** Of a Node: its inspector may be opened by SIGUSR1. */
  inspectOk?: boolean;
  /** Of a Node: a heap snapshot may need more memory than there is. */
  memoryOk?: boolean;
  /** File to keep a Node's heap snapshot in. */
  keep?: string;
  /** File to read instead of a process. */
  snapshot?: string;
}

/** What is given as a process id: with a file of objects it is none, but may be another argument. */
export type GivenPid = number | string | undefined;

export const DEFAULT_MAX_PAUSE_MS = 10_000;

/** Whether a file is read instead of a process. */
export function isOfFile({ core, snapshot }: HeapOptions): boolean {
  return core !== undefined || snapshot !== undefined;
}

export function parsePid(text: string): number {
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 0) throw new InvalidArgumentError('Give a process id.');
  return pid;
}

export function addHeapOptions(command: Command): Command {
  command.argument('[pid]', 'a running Python, 3.8 to 3.13, or Node', (text: string) =>
    isOfFile(command.opts()) ? text : parsePid(text),
  );
  return addPauseOptions(command)
    .addOption(new Option('--core <FILE>', 'read a core file of a Python instead of a process').conflicts('snapshot'))
    .option('--exe <FILE>', 'with --core: an interpreter or library that is no longer where it was', collect)
    .option('--inspect-ok', 'a Node: open its inspector by SIGUSR1, and close it again')
    .option('--memory-ok', 'a Node: take a heap snapshot even if memory could become short')
    .option('--keep <FILE>', 'a Node: keep its heap snapshot, for --snapshot and the developer tools of Chrome')
    .option('--snapshot <FILE>', 'read a heap snapshot of a Node instead of a process');
}

export function addPauseOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--max-pause <TIME>', 'let the process stand still for at most so long: 500ms, 2s')
        .argParser(parseDuration)
        .default(DEFAULT_MAX_PAUSE_MS, '10s'),
    )
    .option('--no-pause', 'read while it runs: what changes meanwhile is counted, not seen');
}

/** An option that can be given several times. */
function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text);
  const ms = match ? Number(match[1]) * (match[2] === 'ms' ? 1 : 1000) : 0;
  if (!(ms >= 1 && ms <= 3_600_000)) throw new InvalidArgumentError('Give a time as 500ms or 2s.');
  return ms;
}

/**
 * Reads all objects of a process, and calls `ask` before it goes on: what they are called can be asked for there.
 * @throws UserError if there is no such process or core file, or no CPython in it.
 */
export function readHeap<T>(
  pid: GivenPid,
  options: HeapOptions,
  output: Output,
  ask: (heap: HeapColumns, native: NativeHeap) => T,
): T {
  try {
    const native = open(pid, options);
    let heap: HeapColumns;
    let result: T;
    let pause = { pauseNs: 0, wasCut: false };
    try {
      heap = native.read();
      result = ask(heap, native);
    } finally {
      pause = native.resume();
    }
    output.err(`${[readLine(heap, options, pause), ...problemLines(heap)].join('\n')}\n`);
    return result;
  } catch (error) {
    const { code } = error as NativeError;
    if (code === 'NO_PERMISSION')
      throw new UserError(`no permission to read process ${pid}: run mp with sudo (it needs CAP_SYS_PTRACE)`);
    throw explainNativeError(error as NativeError);
  }
}

function open(pid: GivenPid, options: HeapOptions): NativeHeap {
  if (options.core !== undefined) return openCore(options.core, options.exe ?? []);
  if (typeof pid !== 'number') throw new UserError('give a process id', 2);
  return openHeap(pid, options.pause ? options.maxPause * 1e6 : 0);
}

function readLine(heap: HeapColumns, options: HeapOptions, pause: { pauseNs: number; wasCut: boolean }): string {
  if (options.core !== undefined) return `${heap.target} was read`;
  if (!options.pause) return `${heap.target} was read while it ran`;
  const ms = (pause.pauseNs / 1e6).toFixed(1);
  return `${heap.target} stood still for ${ms} ms${pause.wasCut ? ', and went on before all was read' : ''}`;
}

/** What was met that makes no sense, and what could not be looked for. */
function problemLines(heap: HeapColumns): string[] {
  const { links, objects, contents, pools, limits } = heap.problems;
  const lines: string[] = [];
  const inconsistencies = links + objects + contents + pools;
  if (inconsistencies > 0) {
    const parts = [
      [links, 'broken link', 'broken links'],
      [objects, 'object that makes no sense', 'objects that make no sense'],
      [contents, 'object that could not be read to its end', 'objects that could not be read to their end'],
      [pools, 'damaged pool', 'damaged pools'],
    ] as const;
    const said = parts.filter(([count]) => count > 0).map(([count, one, many]) => formatPlural(count, one, many));
    lines.push(`${formatPlural(inconsistencies, 'inconsistency', 'inconsistencies')}: ${said.join(', ')}`);
  }
  if (limits > 0) lines.push(`${formatPlural(limits, 'object or reference', 'objects or references')} too many`);
  if (heap.missingBytes > 0) lines.push(`the core file is cut short: ${formatBytes(heap.missingBytes)} are missing`);
  if (!heap.hasPymalloc)
    lines.push("pymalloc's arenas were not found: untracked objects are seen where others refer to them");
  return lines;
}
