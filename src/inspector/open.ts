/** Opens the inspector of a Node, by SIGUSR1 where that is allowed and does nothing else, and closes it again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../util/errors.ts';
import { Connection } from './connection.ts';
import { findInspector, inspectorPort } from './find.ts';
import { nodeOptions, type SignalHandler, signalHandler } from './node-process.ts';
import { isInOwnNetwork, socketsOfNetwork } from './sockets.ts';

export interface Inspector {
  url: string;
  /** It was not open before. */
  isOpenedByUs: boolean;
}

/** A thread that is busy in native code takes it later. */
const OPENING_MS = 30_000;
const CLOSING_MS = 30_000;
/** A snapshot that was given up is still taken to its end. */
const PATIENCE_MS = 600_000;
const POLL_MS = 20;

/** @throws UserError with what to do instead. */
export async function openInspector(pid: number, maySignal: boolean): Promise<Inspector> {
  if (!isInOwnNetwork(pid))
    throw new UserError(
      `process ${pid} is in a network of its own (a container), where its inspector cannot be reached from here: ` +
        `run mp in that network, sudo nsenter --net --target ${pid} mp …`,
    );
  const url = await inspectorOf(pid);
  if (url !== null) return { url, isOpenedByUs: false };
  if (!maySignal)
    throw new UserError(
      `the inspector of process ${pid} is not open: start it with node --inspect, or let mp open it with --inspect-ok ` +
        '(by SIGUSR1; mp closes it when done; the process says both on its standard error)',
    );
  mustBeSafe(pid);
  return { url: await opened(pid), isOpenedByUs: true };
}

async function inspectorOf(pid: number): Promise<string | null> {
  try {
    return await findInspector(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UserError(`there is no process ${pid}`);
    throw new UserError(`no permission to look at process ${pid}: run mp with sudo (it needs CAP_SYS_PTRACE)`);
  }
}

const REFUSALS: Record<Exclude<SignalHandler, 'node'>, string> = {
  none: 'it does not handle SIGUSR1, which would end it',
  program: 'its program handles SIGUSR1 in a way of its own',
  unknown: 'it cannot be said whether its program handles SIGUSR1 in a way of its own',
};

function mustBeSafe(pid: number): void {
  const handler = signalHandler(pid);
  if (handler !== 'node')
    throw new UserError(
      `mp does not open the inspector of process ${pid}: ${REFUSALS[handler]}; start it with --inspect`,
    );
  const port = inspectorPort(nodeOptions(pid));
  const isTaken = port !== 0 && socketsOfNetwork(pid).some((socket) => socket.port === port);
  if (isTaken)
    throw new UserError(
      `the inspector of process ${pid} would listen on port ${port}, where another does already: ` +
        'start it with --inspect-port=0',
    );
}

async function opened(pid: number): Promise<string> {
  try {
    process.kill(pid, 'SIGUSR1');
  } catch (error) {
    throw new UserError(`process ${pid} cannot be sent a signal: ${(error as Error).message}`);
  }
  for (const end = Date.now() + OPENING_MS; Date.now() < end; await sleep(POLL_MS)) {
    const url = await inspectorOf(pid);
    if (url !== null) return url;
  }
  throw new UserError(
    `process ${pid} has not opened its inspector ${OPENING_MS / 1000} s after SIGUSR1; it may still do so, and stay open`,
  );
}

/** @throws UserError if it stays open. */
export async function closeInspector(pid: number, { url }: Inspector): Promise<void> {
  const connection = await Connection.open(url, PATIENCE_MS);
  // what inspector.close() is, too; it takes the connection with it instead of answering
  await connection.send('Runtime.evaluate', { expression: 'process._debugEnd()', silent: true }).catch(() => {});
  await connection.close();
  for (const end = Date.now() + CLOSING_MS; Date.now() < end; await sleep(POLL_MS)) {
    if ((await findInspector(pid).catch(() => null)) === null) return;
  }
  throw new UserError(`the inspector of process ${pid} stays open, at ${url.replace(/\/[^/]*$/, '')}`);
}
