/**
 * The recorder's worker thread: native session → aggregator → symbolizer → writer. Apart from the main thread, so that
 * nothing on the terminal can delay the draining of the ring.
 */
import { setPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Aggregator } from '../../aggregate/aggregator.ts';
import { Recording, type Sink } from '../../capture/recording.ts';
import { RECORD_WORDS } from '../../model/abi.gen.ts';
import type { Batch } from '../../model/types.ts';
import { type NativeSession, openSession, type SessionState } from '../../native/binding.ts';
import type { InnerSnapshot } from '../../store/inner-snapshot.ts';
import { CaptureWriter } from '../../store/writer.ts';
import { Symbolizer } from '../../symbolize/symbolizer.ts';
import type { Metric } from '../../top/metric.ts';
import { StoreError, UserError } from '../../util/errors.ts';
import { explainNativeError } from '../native-errors.ts';
import { Snapshots } from '../snapshots/snapshots.ts';
import { type RecordRequest, STOP, TRIGGER, type WorkerMessage } from './record-protocol.ts';

/** A starved consumer loses events. */
const NICE = -15;
const EXIT_POLL_MS = 2;

const request = workerData as RecordRequest;
const say = (message: WorkerMessage) => parentPort!.postMessage(message);

/** A process can call itself anything, also `a/b`. */
function fileName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._+@-]/gu, '_');
}

function openWriterFor(pids: number[], session: NativeSession): CaptureWriter {
  const pid = pids[0] ?? process.pid;
  const name = request.name ?? session.nameOf(pid);
  const path = request.output ?? `mp-${fileName(name)}.${pid}.db`;
  const writer = new CaptureWriter(path, { force: request.force, owner: request.owner });
  for (const [key, value] of Object.entries(request.meta)) writer.meta(key, value);
  // who asks for one does not ask for the end of the recording
  const { template, stopOnTrigger } = request.snapshots;
  if (template === null && !stopOnTrigger) writer.meta('takes_snapshots', '1');
  const { probeMode, nowNs } = session.state();
  writer.meta('probe_mode', probeMode);
  // what CLOCK_MONOTONIC was when the times of the capture begin
  writer.meta('clock_start_ns', String(process.hrtime.bigint() - BigInt(Math.round(nowNs))));
  return writer;
}

/** Everything that is done with what the session delivers. */
class Pipeline implements Sink {
  readonly #aggregator = new Aggregator({ withIntervals: !request.aggregate, withEvents: request.events });
  readonly #symbolizer = new Symbolizer();
  readonly #session: NativeSession;
  readonly #writer: CaptureWriter;
  readonly snapshots: Snapshots;
  /** A snapshot is being begun: the commit comes a moment later. */
  #isHeld = false;
  #unannounced: WorkerMessage[] = [];
  /** Before the poll that follows. */
  #emptyNs = 0;

  constructor(session: NativeSession, writer: CaptureWriter) {
    this.#session = session;
    this.#writer = writer;
    const recorded = {
      aggregator: this.#aggregator,
      capture: writer.path,
      force: request.force,
      owner: request.owner,
      siteId: (site: number) => writer.siteId(site),
      commit: () => this.#write(),
      keep: (snapshot: InnerSnapshot) => writer.takeSnapshot(snapshot),
      addMetrics: (id: number, metrics: Metric[]) => writer.addMetrics(id, metrics),
    };
    this.snapshots = new Snapshots(request.snapshots, recorded, say);
  }

  apply(batch: Batch): void {
    const state = this.#session.state();
    sayIfEnded(state);
    sayIfSettled(state);
    this.#symbolizer.add(batch);
    this.#aggregator.apply(batch);
    // The ring is empty: whatever happened before the last look at the clock has been applied.
    if (batch.count === 0) this.#aggregator.passTime(this.#emptyNs);
    this.#emptyNs = this.#session.state().nowNs;
    for (const { text } of batch.warnings) say({ type: 'warning', text });
    this.snapshots.check(this.#session.state());
  }

  /** Called with the batch that brought the processes, once their rows are in the capture. */
  announce(batch: Batch): void {
    for (const { pid, comm, warning, origin } of batch.processes)
      this.#unannounced.push({ type: 'attached', pid, comm, warning, origin });
    if (!this.#isHeld) this.#announceAll();
  }

  #announceAll(): void {
    for (const message of this.#unannounced.splice(0)) say(message);
  }

  commit(): void {
    this.#isHeld = !this.snapshots.mayCommit(this.#session.state().nowNs);
    if (!this.#isHeld) this.#write();
  }

  #write(): void {
    this.#writer.commit(this.#aggregator, this.#symbolizer, this.#session.losses());
    this.#isHeld = false;
    this.#announceAll();
  }

  stopping(): void {
    say({ type: 'stopping' });
  }

  resolving(pending: number): void {
    say({ type: 'resolving', pending });
  }

  /** After a failure: keeps what was recorded, unless that is what fails. */
  finishIfPossible(): void {
    try {
      this.finish();
    } catch {
      // the error that led here is the one to report
    }
  }

  finish(): void {
    const endedAt = new Date().toISOString();
    this.#writer.finish(this.#aggregator, this.#symbolizer, this.#session.losses(), { endedAt });
    const losses = {
      ...this.#session.losses(),
      ...this.#aggregator.losses,
      frame_unsymbolized: this.#symbolizer.unsymbolizedFrames,
    };
    say({ type: 'finished', path: this.#writer.path, losses });
  }
}

/** The launched program runs, or has run. */
let isStarted = false;

let hasSaidEnded = false;

/** At once, not when everything is written: from then on its pid is somebody else's. */
function sayIfEnded({ launchedStatus }: SessionState): boolean {
  if (launchedStatus !== null && !hasSaidEnded) {
    hasSaidEnded = true;
    say({ type: 'ended', waitStatus: launchedStatus });
  }
  return hasSaidEnded;
}

let hasSaidSettled = false;

function sayIfSettled({ isSettled, processCount }: SessionState): void {
  if (isSettled && !hasSaidSettled) say({ type: 'settled', processCount });
  hasSaidSettled = isSettled;
}

/** Waits for the launched program, which goes on when a recording ends before it does. */
async function waitForEnd(session: NativeSession): Promise<void> {
  const unused = new Uint32Array(64 * RECORD_WORDS);
  while (!sayIfEnded(session.state())) {
    session.poll(unused);
    await setTimeout(EXIT_POLL_MS);
  }
}

/** Not everybody who may trace may do that. */
function raisePriority(): void {
  try {
    setPriority(NICE);
  } catch {
    // losses are counted, if there are any
  }
}

/** The pids of the targets: one that waits to be started, or those that are being traced from now on. */
function takeTargets(session: NativeSession): number[] {
  if ('launch' in request.target) return [session.launch(request.target.launch)];
  if ('selection' in request.target) return [];
  for (const pid of request.target.pids) session.attach(pid);
  return request.target.pids;
}

async function recordTargets(session: NativeSession): Promise<void> {
  const pids = takeTargets(session);
  const writer = openWriterFor(pids, session);
  raisePriority(); // only after the fork: the target keeps its own
  const pipeline = new Pipeline(session, writer);
  const recording = new Recording(session, pipeline, { durationMs: request.durationMs });
  parentPort!.on('message', (message) => {
    if (message === STOP) recording.stop();
    if (message === TRIGGER) pipeline.snapshots.trigger();
  });
  pipeline.snapshots.onStop = () => recording.stop();
  say({ type: 'started', pids, path: writer.path });
  try {
    if ('launch' in request.target) session.start();
    isStarted = true;
    await recording.run();
    await pipeline.snapshots.finish(session.state());
  } catch (error) {
    await pipeline.snapshots.close();
    if (isLaunchFailure(error)) isStarted = false;
    session.stop();
    if (!isStarted && 'launch' in request.target) {
      writer.discard();
    } else {
      pipeline.finishIfPossible();
    }
    throw error;
  }
  pipeline.finish();
}

const LAUNCH_FAILURES = ['NOT_FOUND', 'NOT_EXECUTABLE', 'NO_USER'];

/** The program could not be executed: there is nothing to keep. */
function isLaunchFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && LAUNCH_FAILURES.includes(error.code as string);
}

function describe(error: unknown): WorkerMessage {
  const explained =
    error instanceof Error && 'code' in error && 'errno' in error ? explainNativeError(error as never) : error;
  if (explained instanceof UserError)
    return { type: 'failed', message: explained.message, exitCode: explained.exitCode, isStarted };
  if (explained instanceof StoreError) {
    const message = explained.isDiskFull
      ? 'no space left on the disk: recording ended, the target goes on; the capture holds what was written before'
      : `the capture could not be written: ${explained.message}`;
    return { type: 'failed', message, exitCode: 1, isStarted };
  }
  const text = explained instanceof Error ? (explained.stack ?? explained.message) : String(explained);
  return { type: 'failed', message: `this is a bug in mp, please report it: ${text}`, exitCode: 1, isStarted };
}

async function main(): Promise<void> {
  let session: NativeSession | undefined;
  try {
    session = openSession(request.session);
    await recordTargets(session);
  } catch (error) {
    say(describe(error));
  } finally {
    if (session && isStarted && 'launch' in request.target) await waitForEnd(session).catch(() => {});
    session?.close();
    parentPort!.close();
  }
}

await main();
