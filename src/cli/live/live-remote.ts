/** `--live-remote`: the main thread's side of the server for viewers. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../util/errors.ts';
import { writeStderr } from '../../util/stderr.ts';
import { type FromServer, type ServerRequest, TOKEN_BYTES, TOKEN_VARIABLE, type ToServer } from './live-protocol.ts';

/** Those who watch a recording. */
export interface Audience {
  /** The capture exists. */
  started(path: string): void;
  /** It has ended; resolves when all have been told, or can't be. */
  finished(): Promise<void>;
}

export interface RemoteOptions {
  /** 0: any that is free. */
  port: number;
  /** Whether to wait for the first viewer. */
  waits: boolean;
  /** What is said while waiting. */
  waiting: string;
}

const INTERVAL_MS = 1000;
const GOODBYE_MS = 3000;
/** Of the server alone; what it holds is a copy of the numbers of each viewer. */
const MAX_HEAP_MIB = 1024;

/** Listens, says how to connect, and waits for the first viewer if it should. @throws UserError if it can't listen. */
export async function inviteViewers({ port, waits, waiting }: RemoteOptions): Promise<Audience> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const worker = startServer({ token, port, intervalMs: INTERVAL_MS });
  let isGone = false;
  const gone = new Promise<void>((done) => {
    worker.once('exit', () => {
      isGone = true;
      done();
    });
  });
  const tell = (message: ToServer) => worker.postMessage(message);
  const listeningPort = await new Promise<number>((listening, fail) => {
    worker.on('message', (message: FromServer) => {
      if (message.type === 'listening') listening(message.port);
      else if (message.type === 'failed') fail(new UserError(`--live-remote: ${message.message}`));
    });
    worker.once('error', fail);
  });
  // Whatever happens to it from now on, the recording goes on.
  worker.on('error', (error) => writeStderr(`mp: viewers can't connect any more: ${error.message}\n`));
  writeStderr(`Run '${TOKEN_VARIABLE}=${token} mp live ${listeningPort}' in another shell to see live results\n`);
  if (waits) {
    writeStderr(`${waiting}\n`);
    await new Promise<void>((come) => {
      worker.on('message', ({ type }: FromServer) => type === 'viewer' && come());
      worker.once('exit', () => come());
    });
  }
  return {
    started: (path) => tell({ type: 'capture', path: resolve(path) }),
    finished: async () => {
      if (isGone) return;
      tell({ type: 'finish' });
      const limit = setTimeout(() => void worker.terminate(), GOODBYE_MS);
      await gone;
      clearTimeout(limit);
    },
  };
}

/** With streams of its own, see util/stderr.ts. */
function startServer(workerData: ServerRequest): Worker {
  const url = new URL('./live-server.js', import.meta.url);
  const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MIB };
  const worker = new Worker(url, { workerData, resourceLimits, stdout: true, stderr: true });
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', writeStderr);
  return worker;
}
