/** The objects of a Node, by a heap snapshot: one that its inspector gives, or a file. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { readSnapshot } from '../../heap/node/read-snapshot.ts';
import { type TakenSnapshot, takeSnapshot } from '../../inspector/take-snapshot.ts';
import type { HeapColumns, HeapNames } from '../../model/heap.ts';
import { UserError } from '../../util/errors.ts';
import { formatBytes, formatPlural } from '../../util/format.ts';
import { createNewFile, ownerUnderSudo } from '../../util/new-file.ts';
import type { Output } from '../../util/output.ts';
import { DEFAULT_MAX_PAUSE_MS, type HeapOptions } from './heap-options.ts';
import { memoryLeft } from './memory-left.ts';

export type Ask<T> = (heap: HeapColumns, names: HeapNames) => T;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const BLOCK_BYTES = 1 << 20;

/** @throws UserError */
export async function readNodeHeap<T>(pid: number, options: HeapOptions, output: Output, ask: Ask<T>): Promise<T> {
  if (!options.pause || options.maxPause !== DEFAULT_MAX_PAUSE_MS)
    throw new UserError('V8 takes a heap snapshot in one piece: --max-pause and --no-pause are for a Python');
  if (options.keep !== undefined && existsSync(options.keep))
    throw new UserError(`File already exists: ${options.keep}`);
  const taken = await take(pid, options, output);
  try {
    output.err(`${pauseLine(pid, taken)}\n`);
    if (options.keep !== undefined) keep(taken.file.file, options.keep);
    const { heap, names } = readSnapshot(taken.file.file, `process ${pid}`);
    return ask(heap, names);
  } finally {
    taken.file.close();
  }
}

async function take(pid: number, { inspectOk = false, memoryOk = false }: HeapOptions, output: Output) {
  const explain = () => {
    if (inspectOk)
      output.err(`mp ends when the inspector of process ${pid} is closed; a second signal ends it at once\n`);
  };
  const left = memoryOk ? Number.POSITIVE_INFINITY : memoryLeft(pid);
  try {
    return await interruptible(explain, (signal) =>
      takeSnapshot(pid, { maySignal: inspectOk, memoryLeft: left, signal }),
    );
  } catch (error) {
    // of one that has ended, and still waits to be asked for its status, there is no program
    throw existsSync(`/proc/${pid}/exe`) ? error : new UserError(`process ${pid} has ended`);
  }
}

/** @throws UserError also if the file is no heap snapshot. */
export function readSnapshotFile<T>(path: string, ask: Ask<T>): T {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${reason(error)}`);
  }
  try {
    const { heap, names } = readSnapshot(file, path);
    return ask(heap, names);
  } finally {
    closeSync(file);
  }
}

function pauseLine(pid: number, { file, pauseMs, isOpenedByUs, workers }: TakenSnapshot): string {
  const opened = isOpenedByUs ? '; its inspector was opened and closed again' : '';
  const size = formatBytes(file.bytes);
  const others = workers === 0 ? '' : `, without the heaps of ${formatPlural(workers, 'worker')}`;
  return `process ${pid} ran no JavaScript for at most ${pauseMs.toFixed(1)} ms, for a heap snapshot of ${size}${others}${opened}`;
}

/** Every string of the process is in it: nobody else may read it. */
function keep(file: number, path: string): void {
  try {
    createNewFile(path, { replace: false, owner: ownerUnderSudo(), mode: 0o600 }, blocksOf(file));
  } catch (error) {
    throw new UserError(`Cannot write ${path}: ${reason(error)}`);
  }
}

function* blocksOf(file: number): Iterable<Uint8Array> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let at = 0; ; ) {
    const length = readSync(file, block, 0, BLOCK_BYTES, at);
    if (length === 0) return;
    at += length;
    yield block.subarray(0, length);
  }
}

function reason(error: unknown): string {
  return (error as Error).message.replace(/^\w+: |, \w+ '.*$/g, '');
}

/** A signal ends mp after `work` has put everything back; a second one at once. */
async function interruptible<T>(explain: () => void, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | null = null;
  const leave = () => {
    for (const name of SIGNALS) process.removeListener(name, listener);
  };
  const listener = (signal: NodeJS.Signals) => {
    received = signal;
    leave();
    explain();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    leave();
    if (received !== null) process.kill(process.pid, received);
  }
}
