/**
 * Takes the snapshots of a recording. The recorder looks at the triggers whenever it has applied a batch, and commits what
 * it knows. A snapshot inside the capture is then rows that SQLite copies from others. For one in a file, and for a top,
 * another thread reads the capture, beside the recording. The next commit waits until that thread reads, which then sees this
 * state however long it takes:
 *
 *     record worker      apply … fires, commit │ apply, apply          │ commit, apply …
 *     snapshot worker                          └ open, begin ─ READING ┘ copy ──────── snapshot written
 *
 * Where code ran for the first time a moment ago, its names are waited for a little.
 */
import { Worker } from 'node:worker_threads';
import type { Aggregator } from '../../aggregate/aggregator.ts';
import { processMemory } from '../../lib/process-memory.ts';
import type { BlockColumns } from '../../model/blocks.ts';
import type { InnerSnapshot } from '../../store/inner-snapshot.ts';
import { type Figures, metricsOf } from '../../top/figures.ts';
import type { Metric } from '../../top/metric.ts';
import { Trigger, type TriggerReason } from '../../top/trigger.ts';
import { StoreError } from '../../util/errors.ts';
import { formatAddress } from '../../util/snapshot-address.ts';
import { type LimitFiles, limitFilesOf, usedShare } from '../recording/cgroup-share.ts';
import { areTracesAsked } from './asked-traces.ts';
import {
  type CopyJob,
  type MetricsRead,
  READING,
  type SnapshotJob,
  type SnapshotKind,
  type SnapshotReport,
  type SnapshotRequest,
  type SnapshotTaken,
} from './snapshot-protocol.ts';

/** Names that take longer are left out. */
const MAX_WAIT_FOR_NAMES_NS = 2e9;
/** The reader has as long to begin; then recording goes on, and the snapshot is of a later state. */
const MAX_WAIT_FOR_READER_NS = 1e9;
/** More are not kept waiting. */
const MAX_DUE = 8;
const SHARE_INTERVAL_NS = 50e6;

interface Due {
  kind: SnapshotKind;
  reason: TriggerReason;
  timeNs: number;
  /** With the single live blocks. */
  traces: boolean;
}

/** The recording that snapshots are taken of. */
export interface Recorded {
  aggregator: Aggregator;
  capture: string;
  force: boolean;
  owner: CopyJob['owner'];
  /** Of the capture's `site` table; null: not in it. */
  siteId(site: number): number | null;
  commit(): void;
  /** Keeps what was committed inside the capture. @returns its id. @throws StoreError */
  keep(snapshot: InnerSnapshot): number;
  /** @throws StoreError */
  addMetrics(snapshot: number, metrics: Metric[]): void;
}

export interface Moment {
  nowNs: number;
  /** Locations whose names are still being looked up. */
  pendingSymbols: number;
}

export class Snapshots {
  readonly #request: SnapshotRequest;
  readonly #recorded: Recorded;
  readonly #say: (report: SnapshotReport) => void;
  readonly #hasTriggers: boolean;
  readonly #triggers: Record<SnapshotKind, Trigger | null> = { snapshot: null, top: null };
  #due: Due[] = [];
  #isAsked = false;
  #areTracesAsked = false;
  #hasStopped = false;
  #worker: Worker | null = null;
  #counter = 0;
  #underway = 0;
  /** Since when the worker has been about to read; null: it is not. */
  #openingNs: number | null = null;
  #maxBytes = 0;
  /** Undefined: not looked for yet; null: there is no limit. */
  #limitFiles: LimitFiles | null | undefined;
  #shareNs = Number.NEGATIVE_INFINITY;
  #share: number | null = null;
  #whenIdle: (() => void) | null = null;
  /** Called after the first snapshot that is to end the recording. */
  onStop: () => void = () => {};

  constructor(request: SnapshotRequest, recorded: Recorded, say: (report: SnapshotReport) => void) {
    this.#request = request;
    this.#recorded = recorded;
    this.#say = say;
    const isIdle = (kind: SnapshotKind) => new Trigger(request[kind], 0, 0).isOver;
    this.#hasTriggers = !isIdle('snapshot') || !isIdle('top');
  }

  /** A snapshot at the next moment, whatever the triggers say. */
  trigger(): void {
    this.#isAsked = true;
    this.#areTracesAsked ||= areTracesAsked(this.#recorded.capture);
  }

  /** To be called after every batch. */
  check(moment: Moment): void {
    const { nowNs } = moment;
    if (!this.#hasTriggers && !this.#isAsked && this.#due.length === 0) return;
    // until then there is nothing to be late for
    if (this.#recorded.aggregator.processes.firstPid === null) return;
    const bytes = this.#recorded.aggregator.processes.tracedBytes;
    this.#maxBytes = Math.max(this.#maxBytes, bytes);
    for (const kind of ['snapshot', 'top'] as const) {
      const options = this.#request[kind];
      this.#triggers[kind] ??= new Trigger(options, nowNs, bytes);
      const trigger = this.#triggers[kind];
      if (trigger.isOver) continue;
      const share = options.limitShare === null ? null : this.#shareAt(nowNs);
      const isBusy = this.#due.some((due) => due.kind === kind);
      const reason = trigger.fire(nowNs, bytes, share, isBusy);
      if (reason !== null) this.#add({ kind, reason, timeNs: nowNs, traces: this.#request.traces });
    }
    const traces = this.#request.traces || this.#areTracesAsked;
    if (this.#isAsked) this.#add({ kind: 'snapshot', reason: 'signal', timeNs: nowNs, traces });
    this.#isAsked = false;
    this.#areTracesAsked = false;
    if (this.#due.length > 0 && this.mayCommit(nowNs)) this.#begin(moment);
  }

  /** False: the capture must stay as it is for the moment. */
  mayCommit(nowNs: number): boolean {
    return this.#openingNs === null || nowNs - this.#openingNs > MAX_WAIT_FOR_READER_NS;
  }

  /** All that was begun is written. What was due and not begun is taken now, as the recording ends. */
  async finish(moment: Moment): Promise<void> {
    while (this.#due.length > 0) {
      await this.#idle();
      this.#begin({ ...moment, pendingSymbols: 0 });
    }
    await this.#idle();
    await this.close();
  }

  /** What was not written yet will not be. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #add(due: Due): void {
    if (this.#due.length < MAX_DUE) this.#due.push(due);
    else
      this.#say({
        type: 'warning',
        text: 'snapshots are asked for faster than they can be written: some are left out',
      });
  }

  #begin({ nowNs, pendingSymbols }: Moment): void {
    const due = this.#due[0]!;
    if (pendingSymbols > 0 && nowNs - due.timeNs < MAX_WAIT_FOR_NAMES_NS) return;
    this.#due.shift();
    this.#recorded.commit();
    const { template } = this.#request;
    if (due.kind === 'snapshot' && template === null) this.#keep(due, nowNs);
    else this.#copy(due, nowNs, template ?? '');
  }

  /** Into the capture. */
  #keep({ reason, traces }: Due, nowNs: number): void {
    const { keep, capture } = this.#recorded;
    const { metrics } = this.#request;
    const { figures, pid } = this.#figures();
    const takenAt = new Date().toISOString();
    let id: number;
    try {
      id = keep({ timeNs: nowNs, takenAt, reason, metrics: metricsOf(figures), blocks: this.#blocks(traces) });
    } catch (error) {
      this.#fail(error);
      return;
    }
    const report: SnapshotTaken = { type: 'snapshot', path: formatAddress(capture, id), reason, pid, figures };
    const hasPython = this.#recorded.aggregator.processes.running.some(({ runtime }) => runtime.startsWith('python '));
    if (metrics.length === 0 && !hasPython) {
      this.#report(report);
      return;
    }
    this.#underway++;
    this.#running().postMessage({ kind: 'metrics', capture, snapshot: id, metrics, report } satisfies SnapshotJob);
  }

  /** Into a file, or for a top. */
  #copy({ kind, reason, traces }: Due, nowNs: number, template: string): void {
    const { capture, force, owner } = this.#recorded;
    const { metrics } = this.#request;
    const { figures, pid } = this.#figures();
    if (kind === 'snapshot') this.#counter++;
    const blocks = kind === 'snapshot' ? this.#blocks(traces) : null;
    const job: SnapshotJob = {
      kind,
      reason,
      capture,
      takenAtMs: Date.now(),
      pid,
      figures,
      template,
      counter: this.#counter,
      force,
      owner,
      metrics,
      blocks,
    };
    this.#openingNs = nowNs;
    this.#underway++;
    this.#running().postMessage(job);
  }

  #blocks(traces: boolean): BlockColumns | null {
    return traces ? this.#rowsOf(this.#recorded.aggregator.processes.liveBlocks()) : null;
  }

  #figures(): { figures: Figures; pid: number } {
    const { running, firstPid } = this.#recorded.aggregator.processes;
    const sum = (of: (process: (typeof running)[number]) => number) =>
      running.reduce((total, one) => total + of(one), 0);
    const tracedBytes = sum(({ bytes }) => bytes);
    const peak = running.length === 1 ? running[0]!.peakBytes : 0;
    return {
      pid: firstPid ?? 0,
      figures: {
        tracedBytes,
        tracedMaxBytes: Math.max(this.#maxBytes, tracedBytes, peak),
        tracedBlocks: sum(({ blocks }) => blocks),
        process: processMemory(running.map(({ pid }) => pid)),
        tracerBytes: processMemory([process.pid])?.rssBytes ?? null,
      },
    };
  }

  #rowsOf(blocks: BlockColumns): BlockColumns {
    const { siteId } = this.#recorded;
    return {
      ...blocks,
      processes: Uint32Array.from(blocks.processes, (process) => process + 1),
      sites: Uint32Array.from(blocks.sites, (site) => siteId(site) ?? 0),
    };
  }

  #shareAt(nowNs: number): number | null {
    if (nowNs - this.#shareNs < SHARE_INTERVAL_NS) return this.#share;
    this.#shareNs = nowNs;
    if (this.#limitFiles === undefined) this.#findLimit();
    this.#share = this.#limitFiles ? usedShare(this.#limitFiles) : null;
    return this.#share;
  }

  /** That of the first process. */
  #findLimit(): void {
    const pid = this.#recorded.aggregator.processes.running[0]?.pid;
    if (pid === undefined) return;
    this.#limitFiles = limitFilesOf(pid);
    if (this.#limitFiles !== null) return;
    const text = `the cgroup of process ${pid} has no memory limit: --cgroup-share will take no snapshot`;
    this.#say({ type: 'warning', text });
  }

  #running(): Worker {
    if (this.#worker !== null) return this.#worker;
    this.#worker = new Worker(new URL('./snapshot-worker.js', import.meta.url));
    this.#worker.on('message', (message: typeof READING | SnapshotReport | MetricsRead) => this.#receive(message));
    this.#worker.on('error', (error) => {
      this.#underway = 1; // the others went with it
      this.#receive({ type: 'warning', text: `the thread of snapshots failed: ${error.message}` });
      this.#worker = null;
    });
    return this.#worker;
  }

  #receive(message: typeof READING | SnapshotReport | MetricsRead): void {
    if (message === READING) {
      this.#openingNs = null;
      return;
    }
    this.#underway--;
    if (message.type === 'metrics') this.#addMetrics(message);
    else {
      this.#openingNs = null;
      this.#report(message);
    }
    if (this.#underway === 0) this.#whenIdle?.();
  }

  #addMetrics({ snapshot, metrics, warning, report }: MetricsRead): void {
    if (warning !== null) this.#say({ type: 'warning', text: warning });
    try {
      this.#recorded.addMetrics(snapshot, metrics);
    } catch (error) {
      this.#fail(error);
    }
    this.#report(report);
  }

  /** The recording goes on: if it can't be written either, that is said of it. */
  #fail(error: unknown): void {
    if (!(error instanceof StoreError)) throw error;
    this.#say({ type: 'warning', text: `the snapshot could not be written: ${error.message}` });
  }

  #report(report: SnapshotReport): void {
    this.#say(report);
    if (report.type !== 'snapshot' || !this.#request.stopOnTrigger || this.#hasStopped) return;
    this.#hasStopped = true;
    this.onStop();
  }

  #idle(): Promise<void> {
    if (this.#underway === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }
}
