/** The thread that copies a capture into snapshots, and prints tops of it, while it is being recorded. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { runningPythonMetrics, runtimeMetrics } from '../../lib/figures.ts';
import { fillTemplate } from '../../lib/file-template.ts';
import { runMetricCommands } from '../../lib/metric-command.ts';
import type { BlockColumns } from '../../model/blocks.ts';
import { readFacts } from '../../report/facts.ts';
import { type Db, openReader } from '../../store/db.ts';
import { Reader } from '../../store/reader.ts';
import { type SnapshotFigures, writeSnapshot } from '../../store/snapshot.ts';
import { DEFAULT_COUNT, DisplayTop } from '../../top/display-top.ts';
import { metricsOf } from '../../top/figures.ts';
import type { Metric } from '../../top/metric.ts';
import { readSnapshot } from '../../top/read-snapshot.ts';
import { Snapshot } from '../../top/snapshot.ts';
import { StoreError, UserError } from '../../util/errors.ts';
import {
  type CopyJob,
  type MetricJob,
  type MetricsRead,
  READING,
  type SnapshotJob,
  type SnapshotReport,
} from './snapshot-protocol.ts';

/** The recorder's thread, which this one inherits its priority from, must not wait for it. */
const NICE = 5;

const display = new DisplayTop();
/** Jobs are written one after the other, and each begins to read at once. */
let last = Promise.resolve();

parentPort!.on('message', (job: SnapshotJob) => {
  if (job.kind === 'metrics') void readMetrics(job);
  else begin(job);
});

function begin(job: CopyJob): void {
  try {
    const db = openReader(job.capture);
    db.exec('BEGIN');
    // the transaction begins with the first read
    db.get('SELECT count(*) FROM meta');
    parentPort!.postMessage(READING);
    last = last.then(() => write(db, job));
  } catch (error) {
    say({ type: 'warning', text: messageOf(error) });
  }
}

async function readMetrics({ capture, snapshot, metrics, report }: MetricJob): Promise<void> {
  const read: MetricsRead = { type: 'metrics', snapshot, metrics: [], warning: null, report };
  try {
    read.metrics = pythonMetricsIn(capture);
    read.metrics.push(...(await runMetricCommands(metrics, report.pid)));
  } catch (error) {
    read.warning = messageOf(error);
  }
  parentPort!.postMessage(read);
}

function pythonMetricsIn(capture: string): Metric[] {
  const db = openReader(capture);
  try {
    return runningPythonMetrics(db);
  } finally {
    db.close();
  }
}

function say(report: SnapshotReport): void {
  parentPort!.postMessage(report);
}

async function write(db: Db, job: CopyJob): Promise<void> {
  try {
    const own = [...metricsOf(job.figures), ...runtimeMetrics(db)];
    if (job.kind === 'top') {
      say({ type: 'top', text: topOf(db, job, own) });
      return;
    }
    const metrics = [...own, ...(await runMetricCommands(job.metrics, job.pid))];
    const { pid, reason, figures, force, owner } = job;
    const path = fillTemplate(job.template, pid, new Date(job.takenAtMs), job.counter);
    const takenAt = new Date(job.takenAtMs).toISOString();
    writeSnapshot(db, path, { takenAt, metrics, blocks: blockRows(job.blocks) }, { force, owner });
    say({ type: 'snapshot', path, reason, pid, figures });
  } catch (error) {
    say({ type: 'warning', text: messageOf(error) });
  } finally {
    db.close();
  }
}

function topOf(db: Db, { takenAtMs }: CopyJob, metrics: Metric[]): string {
  const source = new Reader(db);
  const capture = { source, facts: readFacts(source, db.path, 'recording') };
  const snapshot = new Snapshot(readSnapshot(capture, { timestamp: new Date(takenAtMs), blocks: null, metrics }));
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  display.displaySnapshot(snapshot, DEFAULT_COUNT, { file: { write } });
  return text;
}

function* rowsOf(blocks: BlockColumns): Generator<{
  process_id: number;
  address: number;
  bytes: number;
  site_id: number | null;
}> {
  for (let i = 0; i < blocks.count; i++) {
    yield {
      process_id: blocks.processes[i]!,
      address: blocks.addresses[i]!,
      bytes: blocks.bytes[i]!,
      site_id: blocks.sites[i]! || null,
    };
  }
}

function blockRows(blocks: BlockColumns | null): SnapshotFigures['blocks'] {
  return blocks === null ? null : rowsOf(blocks);
}

function messageOf(error: unknown): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof StoreError) return `the snapshot could not be written: ${error.message}`;
  return `the snapshot could not be taken: ${error instanceof Error ? error.stack : String(error)}`;
}

try {
  setPriority(NICE);
} catch {
  // it is only slower, or faster
}
