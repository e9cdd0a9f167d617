/**
 * Drives a native session: polls it, hands every batch on, commits at intervals, and ends when the targets have ended or
 * a stop is asked for. What is done with batches is the caller's: `Sink`.
 *
 *     recording   poll ──► batch ──► sink.apply      at intervals, and when a process appeared: sink.commit
 *     draining    probes are off; poll until the ring is empty
 *     resolving   poll until all names are looked up
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { RECORD_WORDS } from '../model/abi.gen.ts';
import type { Batch } from '../model/types.ts';
import type { NativeSession } from '../native/binding.ts';

export interface Sink {
  apply(batch: Batch): void;
  commit(): void;
  /** The processes of this batch are in the capture now. */
  announce(batch: Batch): void;
  /** Names still to be looked up at the end; for showing progress. */
  resolving(pending: number): void;
}

export interface RecordingOptions {
  /** Stop after this time; null: when the targets end. */
  durationMs: number | null;
}

const RECORDS_PER_BATCH = 8192;
/** Between polls while events come; without any it grows. A target that is held for new modules waits this long, too. */
const POLL_INTERVAL_MS = 1;
const IDLE_POLL_INTERVAL_MS = 4;
const POLLS_BEFORE_IDLE = 50;
/** A batch with fewer records, among them samples of the resident set, is as good as empty. */
const BUSY_RECORDS = 16;
/** A commit loses little when the tracer is killed, but takes time from draining: at most a fifth of it. */
const MIN_COMMIT_INTERVAL_NS = 100e6;
const MAX_COMMIT_INTERVAL_NS = 250e6;
const COMMIT_SHARE = 5;

export class Recording {
  readonly #session: NativeSession;
  readonly #sink: Sink;
  readonly #options: RecordingOptions;
  readonly #records = new Uint32Array(RECORDS_PER_BATCH * RECORD_WORDS);
  #isStopAsked = false;
  #nextCommitNs = 0;
  #idlePolls = 0;

  constructor(session: NativeSession, sink: Sink, options: RecordingOptions) {
    this.#session = session;
    this.#sink = sink;
    this.#options = options;
  }

  /** Ends the recording at the next poll; the targets go on. */
  stop(): void {
    this.#isStopAsked = true;
  }

  /** Resolves when everything that was recorded has been applied and named. The last commit is the caller's. */
  async run(): Promise<void> {
    const endNs =
      this.#options.durationMs === null ? Infinity : this.#session.state().nowNs + this.#options.durationMs * 1e6;
    for (;;) {
      const count = this.#poll();
      const { hasTargets, nowNs } = this.#session.state();
      if (this.#isStopAsked || nowNs >= endNs) break;
      if (!hasTargets && count === 0) break;
      this.#commitIfDue(nowNs);
      await this.#pause(count);
    }
    this.#session.stop();
    while (this.#poll() > 0) await setImmediate();
    for (;;) {
      const { pendingSymbols } = this.#session.state();
      this.#sink.resolving(pendingSymbols);
      if (pendingSymbols === 0) break;
      this.#poll();
      await setTimeout(POLL_INTERVAL_MS);
    }
    this.#poll();
  }

  #poll(): number {
    const batch = this.#session.poll(this.#records);
    this.#sink.apply(batch);
    // Scripts wait for the row of a process that was attached to.
    if (batch.processes.length > 0) {
      this.#commit(this.#session.state().nowNs);
      this.#sink.announce(batch);
    }
    return batch.count;
  }

  /** A full batch means that more is waiting; still, messages must get through. */
  async #pause(count: number): Promise<void> {
    this.#idlePolls = count < BUSY_RECORDS ? this.#idlePolls + 1 : 0;
    if (count > RECORDS_PER_BATCH / 2) await setImmediate();
    else await setTimeout(this.#idlePolls > POLLS_BEFORE_IDLE ? IDLE_POLL_INTERVAL_MS : POLL_INTERVAL_MS);
  }

  #commitIfDue(nowNs: number): void {
    if (nowNs >= this.#nextCommitNs) this.#commit(nowNs);
  }

  #commit(nowNs: number): void {
    this.#sink.commit();
    const endNs = this.#session.state().nowNs;
    const pauseNs = Math.max(MIN_COMMIT_INTERVAL_NS, COMMIT_SHARE * (endNs - nowNs));
    this.#nextCommitNs = nowNs + Math.min(pauseNs, MAX_COMMIT_INTERVAL_NS);
  }
}
