/** A bounded client of test/programs/python/server.py, which notes what it has asked for and what was answered. */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const WORKERS = 4; // fewer than connections that the server lets wait
const LIMIT_MS = 3_000;

/** A line of the server's handler. */
export type Kind = 'counted' | 'uncounted';
type Counts = Record<Kind, number>;

/** One connection for one request, as by default between HTTP/1.0 and a server of the standard library. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((done, fail) => {
    const options = { host: '127.0.0.1', port, path, agent: false, signal: AbortSignal.timeout(LIMIT_MS) };
    const request = get(options, (response) => {
      text(response).then((body) => done(`${response.statusCode} ${body}`), fail);
    });
    request.on('error', fail);
  });
}

export class WebClient {
  readonly #port: number;
  #goesOn = true;
  #workers: Promise<unknown> = Promise.resolve();
  /** Of the requests to come. */
  kind: Kind = 'uncounted';
  readonly sent: Counts = { counted: 0, uncounted: 0 };
  readonly answered: Counts = { counted: 0, uncounted: 0 };
  /** Wrong answers, answers that took too long, and errors. */
  readonly failures: string[] = [];
  /** The longest time that an answer took. */
  slowestMs = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Requests without pause, a fixed number at a time, until `stop`. */
  start(): void {
    this.#goesOn = true;
    this.#workers = Promise.all(Array.from({ length: WORKERS }, () => this.#work()));
  }

  /** Returns when everything is answered. */
  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#workers;
  }

  /** Answers per second, over `durationMs` and the last answers after it. */
  async measure(durationMs: number): Promise<number> {
    const [began, before] = [performance.now(), this.total()];
    this.start();
    await sleep(durationMs);
    await this.stop();
    return (this.total() - before) / ((performance.now() - began) / 1000);
  }

  /** Answers. */
  total(): number {
    return this.answered.counted + this.answered.uncounted;
  }

  async #work(): Promise<void> {
    while (this.#goesOn) {
      const kind = this.kind;
      const number = ++this.sent[kind];
      const began = performance.now();
      const answer = await ask(this.#port, `/${kind}/${number}`).catch(String);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
      if (answer === `200 ${number}`) this.answered[kind]++;
      else this.failures.push(`${kind} ${number}: ${answer}`);
    }
  }
}
