/**
 * The thread that serves viewers of a recording. It reads the capture as anybody could: the recorder does not know of it,
 * and waits for none of its viewers. Strangers may connect as well, and say anything, or nothing:
 *
 *     says no token, or a wrong one      is cut off, at once or after a moment
 *     connects and waits                 is cut off; of many the oldest first, so that a viewer always gets through
 *     has the token and goes on talking  is cut off
 *     has the token and does not read    is told nothing more until it has read, and is cut off when that takes long
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { LiveReader } from '../../store/live-reader.ts';
import { captureStatus } from '../reports/report-options.ts';
import { END_LINE, type FromServer, greeting, HOST, type ServerRequest, type ToServer } from './live-protocol.ts';

const MAX_VIEWERS = 32;
const MAX_STRANGERS = 16;
const STRANGER_MS = 5000;
const STALLED_MS = 30_000;
/** Behind the recorder and its target. */
const NICE = 10;
/** For the last words to be read. */
const GOODBYE_MS = 1000;

const request = workerData as ServerRequest;
const say = (message: FromServer) => parentPort!.postMessage(message);
const expected = Buffer.from(greeting(request.token));

class Viewer {
  readonly #socket: Socket;
  readonly #reader: LiveReader;
  #lastReadMs = Date.now();

  constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#reader = new LiveReader(path, captureStatus);
  }

  /** Tells what is new, if it has read what it was told before. */
  tell(): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) {
      if (Date.now() - this.#lastReadMs > STALLED_MS) this.#socket.destroy();
      return;
    }
    this.#lastReadMs = Date.now();
    try {
      this.#socket.write(`${JSON.stringify(this.#reader.poll())}\n`);
    } catch {
      // The capture can't be read any more: its disk is full, or somebody has removed it.
      this.#socket.end(`${END_LINE}\n`);
    }
  }

  end(): void {
    this.tell();
    this.#socket.end(`${END_LINE}\n`);
  }
}

const strangers = new Set<Socket>();
const viewers = new Map<Socket, Viewer | null>();
let path: string | null = null;

/** The greeting may come in pieces; more than it is none. */
function welcome(socket: Socket): void {
  strangers.add(socket);
  const [oldest] = strangers;
  if (strangers.size > MAX_STRANGERS) oldest!.destroy();
  const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
  let said = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    // A viewer says nothing more.
    if (!strangers.has(socket) || said.length + bytes.length > expected.length) return void socket.destroy();
    said = Buffer.concat([said, bytes]);
    if (said.length < expected.length) return;
    if (!timingSafeEqual(said, expected) || viewers.size >= MAX_VIEWERS) return void socket.destroy();
    clearTimeout(timer);
    strangers.delete(socket);
    accept(socket);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(timer);
    strangers.delete(socket);
    viewers.delete(socket);
  });
}

function accept(socket: Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, STALLED_MS);
  const viewer = path === null ? null : new Viewer(socket, path);
  viewers.set(socket, viewer);
  viewer?.tell();
  say({ type: 'viewer' });
}

const server = createServer(welcome);
server.maxConnections = MAX_VIEWERS + MAX_STRANGERS + 1;
server.on('error', ({ code, message }: NodeJS.ErrnoException) =>
  say({ type: 'failed', message: code === 'EADDRINUSE' ? `port ${request.port} is in use` : message }),
);
server.listen(request.port, HOST, () => say({ type: 'listening', port: (server.address() as { port: number }).port }));

const timer = setInterval(() => {
  for (const viewer of viewers.values()) viewer?.tell();
}, request.intervalMs);

parentPort!.on('message', (message: ToServer) => {
  if (message.type === 'capture') {
    path = message.path;
    for (const socket of viewers.keys()) {
      const viewer = new Viewer(socket, path);
      viewers.set(socket, viewer);
      viewer.tell();
    }
    return;
  }
  clearInterval(timer);
  server.close();
  parentPort!.close();
  for (const stranger of strangers) stranger.destroy();
  for (const viewer of viewers.values()) viewer?.end();
  setTimeout(() => {
    for (const socket of viewers.keys()) socket.destroy();
  }, GOODBYE_MS).unref();
});

try {
  setPriority(NICE);
} catch {
  // then it is as quick as others
}
