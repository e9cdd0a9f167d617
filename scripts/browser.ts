/**
 * A headless Chromium for the tests and measurements of pages, driven by its DevTools protocol over a pipe: messages are
 * JSON, each ended by a zero byte, from file descriptor 3 of the browser on and to 4.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const OPTIONS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--hide-scrollbars'],
  ...['--remote-debugging-pipe', '--disable-dev-shm-usage'],
];
/** Generous: the machine may be busy. */
const LIMIT_MS = 60_000;

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
  method?: string;
  params?: Record<string, unknown>;
}

export class Browser {
  readonly #process: ChildProcess;
  readonly #profile = mkdtempSync(join(tmpdir(), 'mp-browser-'));
  readonly #waiting = new Map<
    number,
    { done: (result: Record<string, unknown>) => void; fail: (why: Error) => void }
  >();
  #session: string | undefined;
  #nextId = 1;
  #received = '';
  /** Errors and refused requests that the page reported. */
  readonly complaints: string[] = [];

  private constructor() {
    const options = [...OPTIONS, `--user-data-dir=${this.#profile}`, 'about:blank'];
    this.#process = spawn('chromium', options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#process.on('exit', () => this.#failAll(new Error('the browser has ended')));
    this.#process.on('error', (error) => this.#failAll(error));
  }

  static async start(width = 1280, height = 800): Promise<Browser> {
    const browser = new Browser();
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    await browser.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.call(`${domain}.enable`);
    return browser;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  /** Opens a file, with what stands after the `#`, and waits until the page says that it is ready. */
  async open(path: string, hash = ''): Promise<void> {
    await this.call('Page.navigate', { url: 'about:blank' });
    await this.call('Page.navigate', { url: `${pathToFileURL(path).href}${hash === '' ? '' : `#${hash}`}` });
    await this.until("document.documentElement.dataset.ready === 'yes'");
    await this.frame();
  }

  /** Value of an expression in the page; promises are awaited. @throws Error with what it throws. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as {
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    for (const end = performance.now() + LIMIT_MS; performance.now() < end; await sleep(10)) {
      // Between two documents there is nothing that could be asked.
      if (await this.evaluate<boolean>(`Boolean(${expression})`).catch(() => false)) return;
    }
    throw new Error(`never true: ${expression}`);
  }

  /** Waits until what was asked for is drawn. */
  async frame(): Promise<void> {
    await this.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  }

  async mouse(type: 'mousePressed' | 'mouseMoved' | 'mouseReleased', x: number, y: number): Promise<void> {
    const isHeld = type !== 'mouseMoved' || this.#isHeld;
    this.#isHeld = type === 'mouseReleased' ? false : isHeld;
    const buttons = { button: isHeld ? 'left' : 'none', buttons: this.#isHeld ? 1 : 0, clickCount: isHeld ? 1 : 0 };
    await this.call('Input.dispatchMouseEvent', { type, x, y, ...buttons });
  }

  #isHeld = false;

  async click(x: number, y: number): Promise<void> {
    await this.mouse('mouseMoved', x, y);
    await this.mouse('mousePressed', x, y);
    await this.mouse('mouseReleased', x, y);
    await this.frame();
  }

  async drag(from: [x: number, y: number], to: [x: number, y: number]): Promise<void> {
    await this.mouse('mouseMoved', ...from);
    await this.mouse('mousePressed', ...from);
    await this.mouse('mouseMoved', (from[0] + to[0]) / 2, (from[1] + to[1]) / 2);
    await this.mouse('mouseMoved', ...to);
    await this.mouse('mouseReleased', ...to);
    await this.frame();
  }

  /** A key by its name, as `Enter` or `ArrowLeft`; single characters are typed. */
  async press(key: string, isShifted = false): Promise<void> {
    const text = key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {};
    const event = { key, code: key.length === 1 ? '' : key, modifiers: isShifted ? 8 : 0 };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event, ...text });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
    await this.frame();
  }

  async type(text: string): Promise<void> {
    await this.call('Input.insertText', { text });
    await this.frame();
  }

  async preferDark(isDark: boolean): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }];
    await this.call('Emulation.setEmulatedMedia', { features });
    await this.frame();
  }

  async screenshot(path: string): Promise<void> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    writeFileSync(path, Buffer.from(data as string, 'base64'));
  }

  call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#nextId++;
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
  }

  #read(text: string): void {
    const messages = (this.#received + text).split('\0');
    this.#received = messages.pop()!;
    for (const message of messages) this.#take(JSON.parse(message) as Answer);
  }

  #take({ id, result, error, method, params }: Answer): void {
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
    if (method === 'Log.entryAdded') {
      const { level, text } = params!.entry as { level: string; text: string };
      if (level === 'error') this.complaints.push(text);
    }
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id!);
    if (error) waiting.fail(new Error(error.message));
    else waiting.done(result ?? {});
  }

  #failAll(why: Error): void {
    for (const { fail } of this.#waiting.values()) fail(why);
    this.#waiting.clear();
  }
}
