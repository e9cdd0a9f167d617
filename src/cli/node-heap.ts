/** The objects of a running Node, by a heap snapshot that its inspector gives. */
import { readSnapshot } from '../heap/node/read-snapshot.ts';
import { takeSnapshot } from '../inspector/take-snapshot.ts';
import type { HeapColumns, HeapNames } from '../model/heap.ts';
import { UserError } from '../util/errors.ts';
import { formatBytes } from '../util/format.ts';
import type { Output } from '../util/output.ts';
import { DEFAULT_MAX_PAUSE_MS, type HeapOptions } from './heap-options.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @throws UserError */
export async function readNodeHeap<T>(
  pid: number,
  options: HeapOptions,
  output: Output,
  ask: (heap: HeapColumns, names: HeapNames) => T,
): Promise<T> {
  if (!options.pause || options.maxPause !== DEFAULT_MAX_PAUSE_MS)
    throw new UserError('V8 takes a heap snapshot in one piece: --max-pause and --no-pause are for a Python');
  const { file, pauseMs, isOpenedByUs } = await interruptible((signal) =>
    takeSnapshot(pid, { maySignal: options.inspectOk === true, mayUseMemory: options.memoryOk === true, signal }),
  );
  try {
    const { heap, names } = readSnapshot(file.file, `process ${pid}`);
    const result = ask(heap, names);
    output.err(
      `process ${pid} ran no JavaScript for at most ${pauseMs.toFixed(1)} ms, for a heap snapshot of ` +
        `${formatBytes(file.bytes)}${isOpenedByUs ? '; its inspector was opened and closed again' : ''}\n`,
    );
    return result;
  } finally {
    file.close();
  }
}

/** A signal ends mp after `work` has put everything back; a second one at once. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | null = null;
  const listener = (signal: NodeJS.Signals) => {
    received = signal;
    for (const name of SIGNALS) process.removeListener(name, listener);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of SIGNALS) process.removeListener(name, listener);
    if (received !== null) process.kill(process.pid, received);
  }
}
