/**
 * Drives a native session: polls it, hands every batch on, commits at intervals, and ends when the targets have ended or
 * a stop is asked for. What is done with batches is the caller's: `Sink`.
 *
 *     recording   poll ──► batch ──► sink.apply      at intervals, and when a process appeared: sink.commit
 *     draining    probes are off; poll until the ring is empty
 *     resolving   poll until all names are looked up, or a stop is asked for once more
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
  /** The targets have ended, or a stop was asked for. */
  stopping(): void;
  /** Names still to be looked up at the end; for showing progress. */
  resolving(pending: number): void;
}

export interface RecordingOptions {
  /** Stop after this time; null: when the targets end. */
  durationMs: number | null;
}

const RECORDS_PER_BATCH = 8192;
/**
 * Milliseconds between polls. Waking up costs more than a thousand events, so polls are far apart unless events are many
 * enough to fill the ring meanwhile. A target that is held while its new modules are read ends the pause.
 */
const MIN_POLL_INTERVAL_MS = 1;
const MAX_POLL_INTERVAL_MS = 4;
const MANY_RECORDS = RECORDS_PER_BATCH / 2;
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
  #isResolving = false;
  #isImpatient = false;
  #nextCommitNs = 0;
  #intervalMs = MIN_POLL_INTERVAL_MS;

  constructor(session: NativeSession, sink: Sink, options: RecordingOptions) {
    this.#session = session;
    this.#sink = sink;
    this.#options = options;
  }

  /** Ends the recording at the next poll; the targets go on. While names are looked up: ends that. */
  stop(): void {
    if (this.#isResolving) this.#isImpatient = true;
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
    this.#sink.stopping();
    this.#session.stop();
    while (this.#poll() > 0) await setImmediate();
    this.#isResolving = true;
    for (;;) {
      const { pendingSymbols } = this.#session.state();
      this.#sink.resolving(this.#isImpatient ? 0 : pendingSymbols);
      if (pendingSymbols === 0 || this.#isImpatient) break;
      this.#poll();
      await setTimeout(MIN_POLL_INTERVAL_MS);
    }
    this.#poll();
  }

  #poll(): number {
    const batch = this.#session.poll(this.#records);
    this.#sink.apply(batch);
    // Scripts wait for the row of a process that was attached to; children come by the hundred.
    if (batch.processes.some(({ origin }) => origin !== 'fork' && origin !== 'exec')) {
      this.#commit(this.#session.state().nowNs);
    }
    if (batch.processes.length > 0) this.#sink.announce(batch);
    return batch.count;
  }

  /** A full batch means that more is waiting; still, messages must get through. */
  async #pause(count: number): Promise<void> {
    if (count > MANY_RECORDS) {
      this.#intervalMs = MIN_POLL_INTERVAL_MS;
      await setImmediate();
      return;
    }
    this.#intervalMs = Math.min(this.#intervalMs * 2, MAX_POLL_INTERVAL_MS);
    this.#session.wait(this.#intervalMs);
    await setImmediate();
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
