/** The capture that snapshots are taken of, as a rule one that is being recorded, and how much memory it has live. */
import { type Db, openReader } from '../store/db.ts';

export interface TracedMemory {
  /** Live bytes of the traced processes that are running. */
  size: number;
  /** The most that was seen so far. */
  maxSize: number;
}

/** A capture that is open for looking at it again and again. */
export class Session {
  readonly capture: string;
  readonly #db: Db;
  #version: unknown;
  #size = 0;
  #maxSize = 0;

  /** @throws UserError if the file is no capture that can be read. */
  constructor(capture: string) {
    this.capture = capture;
    this.#db = openReader(capture);
  }

  /** False: the recording has ended, and nothing will change any more. */
  get isRecording(): boolean {
    return this.#db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'status'")?.value === 'recording';
  }

  /** As of the last commit of the recorder, which makes several a second. */
  get tracedMemory(): TracedMemory {
    const version = this.#db.get('PRAGMA data_version')?.data_version;
    if (version !== this.#version) this.#read();
    this.#version = version;
    return { size: this.#size, maxSize: this.#maxSize };
  }

  close(): void {
    this.#db.close();
  }

  #read(): void {
    const { size, peak } = this.#db.get<{ size: number; peak: number }>(`
      SELECT total(iif(p.ended_ns IS NULL, s.live_bytes, 0)) AS size, total(s.peak_bytes) AS peak
      FROM site s JOIN process p ON p.id = s.process_id WHERE s.allocator <> 'v8_sample'`)!;
    this.#size = size;
    this.#maxSize = Math.max(this.#maxSize, size, peak);
  }
}

let current: Session | null = null;

/**
 * Makes a capture the one that snapshots are taken of, instead of the one before.
 * @throws UserError if the file is no capture that can be read.
 */
export function enable(capture: string): Session {
  return makeCurrent(new Session(capture));
}

/** The one before is closed. */
export function makeCurrent<Any extends Session>(session: Any): Any {
  current?.close();
  current = session;
  return session;
}

/** Lets go of the capture, and ends its recording if `attach` began that. Scheduled tasks are cancelled at their next look at it. */
export function disable(): void {
  current?.close();
  current = null;
}

export function isEnabled(): boolean {
  return current !== null;
}

/** @throws Error without a capture; `what` is that which needs one. */
export function currentSession(what: string): Session {
  if (current === null)
    throw new Error(`tracing must be enabled to ${what}: call enable() with a capture, or attach()`);
  return current;
}

/** Memory of the traced processes. @throws Error without a capture. */
export function getTracedMemory(): TracedMemory {
  return currentSession('get the traced memory').tracedMemory;
}
