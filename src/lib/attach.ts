/** Traces running processes for a program: by `mp trace`, which records into a capture that snapshots are taken of. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../util/errors.ts';
import { makeCurrent, Session } from './session.ts';

/** Seen from build/js/src/lib. */
const MP = new URL('../../../../bin/mp', import.meta.url);
/** Of what the tracer says, the end. */
const MAX_SAID = 64 << 10;

export interface AttachOptions {
  /** The process, or several. */
  pid: number | readonly number[];
  /** File of the capture, which stays. Default: one in a temporary folder, which is removed when the session is closed. */
  capture?: string;
  /** Overwrite it if it exists. Default: false. */
  force?: boolean;
  /** Keep every event, for snapshots with traces. Default: false. */
  events?: boolean;
  /** Further options of `mp trace`, `['--no-native']`; `--quiet` is none of them. */
  options?: readonly string[];
}

/** A recording that belongs to this program: it ends with the program, at the latest. */
export class AttachedSession extends Session {
  readonly #tracer: Tracer;
  readonly #folder: string | null;

  /** @param folder to be removed with the session; null: nothing is. */
  constructor(capture: string, tracer: Tracer, folder: string | null) {
    super(capture);
    this.#tracer = tracer;
    this.#folder = folder;
  }

  /**
   * Ends the recording; the processes go on. Snapshots are of its end from then on, until the session is closed. Nothing
   * happens if it has ended.
   * @throws UserError if it failed: the disk was full, for example.
   */
  stop(): Promise<void> {
    return this.#tracer.stop();
  }

  /** Also ends the recording, without waiting for that. */
  override close(): void {
    super.close();
    const remove = () => {
      if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    };
    this.#tracer.stop().then(remove, remove);
  }
}

/**
 * Attaches to running processes, and makes their recording the one that snapshots are taken of, as `enable` does. It needs
 * what `mp trace` needs: root, or its capabilities.
 *
 *     const session = await attach({ pid: 1234 });
 *     new DisplayTop().display(10, { groupBy: 'filename' });
 *     await session.stop();
 *     disable();
 *
 * It ends with the last of the processes, by `stop`, or with this program, which it does not keep alive.
 * @throws UserError with a sentence if a process does not exist or is being traced, or this program may not trace it.
 */
export async function attach(options: AttachOptions): Promise<AttachedSession> {
  const pids = typeof options.pid === 'number' ? [options.pid] : [...options.pid];
  if (pids.length === 0 || !pids.every((pid) => Number.isInteger(pid) && pid > 0))
    throw new RangeError(`pid must be a process id, or several: ${options.pid}`);
  const folder = options.capture === undefined ? mkdtempSync(join(tmpdir(), 'mp-')) : null;
  const capture = options.capture ?? join(folder!, 'capture.db');
  const flags = [options.force ? ['--force'] : [], options.events ? ['--events'] : [], options.options ?? []].flat();
  const tracer = new Tracer(['trace', '--pid', pids.join(), '-o', capture, ...flags]);
  try {
    await tracer.saysAll(pids.map((pid) => `Tracing ${pid} (`));
    return makeCurrent(new AttachedSession(capture, tracer, folder));
  } catch (error) {
    await tracer.stop().catch(() => {});
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The process of `mp trace`. */
class Tracer {
  readonly #child: ChildProcess;
  readonly #end: Promise<void>;
  #said = '';
  #whenSaid: () => void = () => {};

  constructor(args: readonly string[]) {
    const env = { ...process.env, MP_NODE: process.env.MP_NODE ?? process.execPath };
    this.#child = spawn(fileURLToPath(MP), args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-MAX_SAID);
      this.#whenSaid();
    });
    const end = () => this.#child.kill('SIGTERM');
    process.on('exit', end);
    this.#end = new Promise((resolve, reject) => {
      this.#child.on('error', ({ message }) => reject(new UserError(`mp can't be started: ${message}`)));
      this.#child.on('close', (code) => {
        process.off('exit', end);
        if (code === 0) resolve();
        else reject(new UserError(this.#lastWords()));
      });
    });
    this.#end.catch(() => {}); // stop() tells
  }

  /** @throws UserError if it ends before. */
  async saysAll(texts: readonly string[]): Promise<void> {
    const said = new Promise<void>((resolve) => {
      this.#whenSaid = () => {
        if (texts.every((text) => this.#said.includes(text))) resolve();
      };
    });
    const ended = this.#end.then(() => {
      throw new UserError(this.#lastWords());
    });
    await Promise.race([said, ended]);
    this.#letGo();
  }

  async stop(): Promise<void> {
    this.#child.ref();
    this.#stderr.ref();
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#end;
  }

  /** This program may end while it goes on. */
  #letGo(): void {
    this.#child.unref();
    this.#stderr.unref();
  }

  get #stderr(): Socket {
    return this.#child.stderr as Socket; // a pipe is one
  }

  /** `mp: process 12 does not exist`, among others. */
  #lastWords(): string {
    const [, error] = [...this.#said.matchAll(/^mp: (.+)$/gm)].at(-1) ?? [];
    return error ?? (this.#said.trim().split('\n').at(-1) || 'mp trace ended at once');
  }
}
