/**
 * A connection to the inspector of a Node: commands of the Chrome DevTools Protocol as JSON over a WebSocket
 * (https://chromedevtools.github.io/devtools-protocol/v8/). The only file that knows ws.
 */
import { WebSocket } from 'ws';
import { UserError } from '../util/errors.ts';

/** Longest message; a heap snapshot comes in pieces of 100 KiB. */
const MOST_BYTES = 1 << 26;
const CONNECT_MS = 30_000;

type Answer = Record<string, unknown>;
type Listener = (params: Answer) => void;

/** An answer, or an event. */
interface Message {
  id?: number;
  result?: Answer;
  error?: Answer | null;
  method?: string;
  params?: Answer | null;
}

interface Pending {
  resolve(result: Answer): void;
  reject(error: Error): void;
}

export class Connection {
  private readonly socket: WebSocket;
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Map<string, Listener>();
  private readonly idleMs: number;
  private idle: NodeJS.Timeout | undefined;
  private count = 0;
  private failure: Error | null = null;
  readonly closed: Promise<void>;

  private constructor(socket: WebSocket, idleMs: number) {
    this.socket = socket;
    this.idleMs = idleMs;
    socket.on('message', (data) => this.take(data as Buffer));
    socket.on('error', (error) => this.fail(new UserError(`the inspector failed: ${error.message}`)));
    this.closed = new Promise((done) => {
      socket.on('close', () => {
        this.fail(new UserError('the inspector has closed the connection'));
        done();
      });
    });
  }

  /** `idleMs`: how long it may say nothing while an answer is expected. @throws UserError */
  static open(url: string, idleMs: number): Promise<Connection> {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: MOST_BYTES,
      handshakeTimeout: CONNECT_MS,
      followRedirects: false,
    });
    const connection = new Connection(socket, idleMs);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(connection));
      void connection.closed.then(() => reject(connection.failure));
    });
  }

  /** @throws UserError also if the other side says that it failed. */
  send(method: string, params: Answer = {}): Promise<Answer> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ id, method, params }));
      this.wait();
    });
  }

  on(event: string, listener: Listener): void {
    this.listeners.set(event, listener);
  }

  /** What was sent is not waited for any longer; more can be sent. */
  abandon(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    this.listeners.clear();
    this.wait();
  }

  close(): Promise<void> {
    this.socket.close();
    return this.closed;
  }

  private take(data: Buffer): void {
    try {
      const message = JSON.parse(data.toString()) as Message | null;
      if (message === null || typeof message !== 'object') throw new SyntaxError('no message');
      if (typeof message.id === 'number') this.answer(message.id, message.result, message.error);
      else this.listeners.get(String(message.method))?.(message.params ?? {});
    } catch (error) {
      // what a listener says, for example that the disk is full
      const isOwn = !(error instanceof SyntaxError);
      this.fail(isOwn ? (error as Error) : new UserError('the inspector says what makes no sense'));
      this.socket.terminate();
    }
    this.wait();
  }

  private answer(id: number, result: Answer | undefined, error: Answer | null | undefined): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (error) pending?.reject(new UserError(`the inspector refuses: ${String(error.message)}`));
    else pending?.resolve(result ?? {});
  }

  private wait(): void {
    clearTimeout(this.idle);
    if (this.pending.size === 0) return;
    this.idle = setTimeout(() => {
      this.fail(new UserError(`the inspector has said nothing for ${this.idleMs / 1000} s`));
      this.socket.terminate();
    }, this.idleMs);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.abandon(this.failure);
  }
}
