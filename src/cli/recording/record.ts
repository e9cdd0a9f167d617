/** Runs a recording from the main thread: starts the worker, passes signals on, and tells the user what happens. */
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { Worker } from 'node:worker_threads';
import { lossLines } from '../../report/losses.ts';
import { UserError } from '../../util/errors.ts';
import { formatPlural, printable } from '../../util/format.ts';
import { STDERR, writeStderr } from '../../util/stderr.ts';
import type { Audience } from '../live/live-remote.ts';
import { register } from '../registry.ts';
import { runOnTrigger } from './on-trigger.ts';
import { mustNotBeInPidNamespace } from './pid-namespace.ts';
import { type RecordRequest, STOP, TRIGGER, type WorkerMessage } from './record-protocol.ts';

/** Exit code of `mp run` when the tracer itself failed. */
const TRACER_FAILED = 125;

/** After so long it is worth a word that the recording goes on without the program. */
const OUTLIVED_MS = 1000;
const OUTLIVED = 'The program has ended; its children are still being recorded. Ctrl-C ends the recording.\n';

export interface RecordBehaviour {
  isQuiet: boolean;
  /** Numbers of signals that the caller ignores, as nohup does: they don't end a recording either. */
  ignoredSignals: number[];
  /** Those who watch. */
  audience?: Audience | null;
}

/**
 * Records until the targets end or a stop is asked for.
 * @returns the wait status of the launched program; null if there was none.
 * @throws UserError; for a launched program only after that has ended, with exit code 125.
 */
export async function record(request: RecordRequest, behaviour: RecordBehaviour): Promise<number | null> {
  mustNotBeInPidNamespace();
  const tell = behaviour.isQuiet ? () => {} : writeStderr;
  const hasProgress = isatty(STDERR);
  // without its own streams a worker makes the main thread use process.stdout and process.stderr: see util/stderr.ts
  const worker = new Worker(new URL('./record-worker.js', import.meta.url), {
    workerData: request,
    stdout: true,
    stderr: true,
  });
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', writeStderr);
  const isLaunched = 'launch' in request.target;
  const removeHandlers = handleSignals(worker, isLaunched, behaviour.ignoredSignals);
  let unregister = () => {};
  let failure: UserError | undefined;
  let waitStatus: number | null = null;
  let isStarted = false;
  let isStopping = false;
  let outlived: NodeJS.Timeout | undefined;
  let targets: number[] = [];
  const commands: Promise<unknown>[] = [];
  const warnings = new Set<string>();
  const warn = (text: string) => {
    if (!warnings.has(text)) writeStderr(`mp: ${printable(text)}\n`);
    warnings.add(text);
  };

  worker.on('message', (message: WorkerMessage) => {
    switch (message.type) {
      case 'started':
        isStarted = true;
        targets = message.pids;
        behaviour.audience?.started(message.path);
        unregister = register(targets.length > 0 ? targets : [process.pid], message.path);
        break;
      case 'settled':
        tell(settledText(request, message.processCount));
        break;
      case 'attached':
        if (targets.includes(message.pid)) tell(`Tracing ${message.pid} (${printable(message.comm)})\n`);
        if (message.warning) warn(message.warning);
        break;
      case 'warning':
        warn(message.text);
        break;
      case 'snapshot':
        tell(`Snapshot: ${printable(message.path)} (${message.reason})\n`);
        if (request.snapshots.onTrigger !== null)
          commands.push(runOnTrigger(request.snapshots.onTrigger, message).then((text) => text !== null && warn(text)));
        break;
      case 'top':
        writeStderr(message.text);
        break;
      case 'stopping':
        isStopping = true;
        break;
      case 'resolving':
        if (hasProgress) tell(message.pending > 0 ? `\r\x1b[KResolving names: ${message.pending} left` : '\r\x1b[K');
        break;
      case 'finished':
        unregister();
        tell(closingText(message.path, message.losses));
        break;
      case 'ended':
        waitStatus = message.waitStatus;
        outlived = setTimeout(() => !isStopping && tell(OUTLIVED), OUTLIVED_MS);
        break;
      case 'failed':
        failure = new UserError(message.message, isLaunched && message.isStarted ? TRACER_FAILED : message.exitCode);
    }
  });
  try {
    await new Promise<void>((resolve, reject) => worker.once('exit', () => resolve()).once('error', reject));
  } catch (error) {
    const text = `this is a bug in mp, please report it: ${(error as Error).stack}`;
    failure = new UserError(text, isLaunched && isStarted ? TRACER_FAILED : 1);
  } finally {
    clearTimeout(outlived);
    removeHandlers();
    unregister();
    await behaviour.audience?.finished();
  }
  await Promise.all(commands);
  if (failure) throw failure;
  return waitStatus;
}

function settledText({ target }: RecordRequest, processCount: number): string {
  const selection = printable('selection' in target ? target.selection : '');
  const now = processCount === 0 ? 'none yet' : formatPlural(processCount, 'process', 'processes');
  return `Tracing ${selection}: ${now}. New ones are traced from their beginning. Ctrl-C ends the recording.\n`;
}

function closingText(file: string, losses: Record<string, number>): string {
  const path = printable(file);
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

/**
 * With a launched program signals are its own: what comes from the terminal (Ctrl-C) reaches it by itself, as without mp,
 * and what is sent to mp is passed on; both wait until there is a program.
 */
function handleSignals(worker: Worker, isLaunched: boolean, ignoredSignals: number[]): () => void {
  let pid: number | null = null;
  let hasEnded = false;
  let early: NodeJS.Signals[] = [];
  const send = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid!, signal);
    } catch {
      // it has ended, and was reaped, a moment ago
    }
  };
  worker.on('message', (message: WorkerMessage) => {
    if (message.type === 'ended') hasEnded = true;
    if (message.type !== 'started' || !isLaunched) return;
    pid = message.pids[0]!;
    for (const signal of early) send(signal);
    early = [];
  });
  const passOn = (signal: NodeJS.Signals) => {
    if (hasEnded) stop();
    else if (pid === null) early.push(signal);
    else send(signal);
  };
  const terminal = (signal: NodeJS.Signals) => {
    if (pid === null || hasEnded) passOn(signal);
  };
  const stop = () => worker.postMessage(STOP); // the second one also ends the look-up of names
  const trigger = () => worker.postMessage(TRIGGER);
  const ignore = () => {};
  const handlers: [NodeJS.Signals, (signal: NodeJS.Signals) => unknown][] = isLaunched
    ? [
        ['SIGINT', terminal],
        ['SIGQUIT', terminal],
        ['SIGHUP', terminal],
        ['SIGTERM', passOn],
        ['SIGUSR1', stop],
        ['SIGUSR2', trigger],
      ]
    : [
        ['SIGINT', stop],
        ['SIGTERM', stop],
        ['SIGHUP', stop],
        ['SIGUSR1', stop],
        ['SIGUSR2', trigger],
      ];
  const installed = handlers.map(
    ([signal, handler]) => [signal, ignoredSignals.includes(constants.signals[signal]) ? ignore : handler] as const,
  );
  for (const [signal, handler] of installed) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of installed) process.off(signal, handler);
  };
}
