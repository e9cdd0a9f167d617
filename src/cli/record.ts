/** Runs a recording from the main thread: starts the worker, passes signals on, and tells the user what happens. */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { lossLines } from '../report/losses.ts';
import { UserError } from '../util/errors.ts';
import { type RecordRequest, STOP, type WorkerMessage } from './record-protocol.ts';
import { register } from './registry.ts';

/** Exit code of `mp run` when the tracer itself failed. */
const TRACER_FAILED = 125;

/**
 * Records until the targets end or a stop is asked for.
 * @returns the wait status of the launched program; null if there was none.
 * @throws UserError; for a launched program only after that has ended, with exit code 125.
 */
export async function record(request: RecordRequest, isQuiet: boolean): Promise<number | null> {
  const tell = isQuiet ? () => {} : writeStderr;
  const worker = new Worker(new URL('./record-worker.js', import.meta.url), { workerData: request });
  const isLaunched = 'launch' in request.target;
  const removeHandlers = handleSignals(worker, isLaunched);
  let unregister = () => {};
  let failure: UserError | undefined;
  let waitStatus: number | null = null;

  worker.on('message', (message: WorkerMessage) => {
    switch (message.type) {
      case 'started':
        unregister = register(message.pids);
        break;
      case 'attached':
        tell(`Tracing ${message.pid} (${message.comm})\n`);
        if (message.warning) writeStderr(`mp: ${message.warning}\n`);
        break;
      case 'resolving':
        if (process.stderr.isTTY && message.pending > 0) tell(`\r\x1b[KResolving names: ${message.pending} left`);
        else if (process.stderr.isTTY) tell('\r\x1b[K');
        break;
      case 'finished':
        unregister();
        tell(closingText(message.path, message.losses));
        break;
      case 'ended':
        waitStatus = message.waitStatus;
        break;
      case 'failed':
        failure = new UserError(
          message.message,
          isLaunched && message.code === 'RECORDING' ? TRACER_FAILED : message.exitCode,
        );
    }
  });
  try {
    await new Promise<void>((resolve, reject) => worker.once('exit', () => resolve()).once('error', reject));
  } finally {
    removeHandlers();
    unregister();
  }
  if (failure) throw failure;
  return waitStatus;
}

function closingText(path: string, losses: Record<string, number>): string {
  return [
    `Capture: ${path}`,
    ...lossLines(losses, 120).map((line) => line[0]!.toUpperCase() + line.slice(1)),
    'Some example commands to look at it:',
    `  mp summary ${path}`,
    `  mp leaks ${path}`,
    `  mp flamegraph ${path}`,
    '',
  ].join('\n');
}

/** Ctrl-C reaches a launched program by itself, as without mp; SIGTERM is passed on by the worker's owner. */
function handleSignals(worker: Worker, isLaunched: boolean): () => void {
  const stop = () => worker.postMessage(STOP);
  let pid = 0;
  worker.on('message', (message: WorkerMessage) => {
    if (message.type === 'started' && isLaunched) pid = message.pids[0]!;
    if (message.type === 'ended') pid = 0;
  });
  const ignore = () => {};
  const passOn = (signal: NodeJS.Signals) => {
    if (pid) process.kill(pid, signal);
  };
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => void][] = isLaunched
    ? [
        ['SIGINT', ignore],
        ['SIGQUIT', ignore],
        ['SIGHUP', ignore],
        ['SIGTERM', passOn],
        ['SIGUSR2', stop],
      ]
    : [
        ['SIGINT', stop],
        ['SIGTERM', stop],
        ['SIGHUP', stop],
        ['SIGUSR2', stop],
      ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** Synchronous, and not through process.stderr, which would make a pipe that is shared with the target non-blocking. */
function writeStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // nobody reads it any more
  }
}
