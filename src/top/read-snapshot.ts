/**
 * A snapshot of what is live in a capture. Memory counts for the line of Python or JavaScript that asked for it, if there
 * is one on its stack, and a traceback then has such lines only:
 *
 *     recorded, most recent first                         traceback
 *     PyMem_Malloc (libpython), load (app.py:7), main     app.py:7, app.py:30
 *     strdup (libc.so.6), parse (a.c:12), main            libc.so.6, a.c:12, a.c:40
 */
import { Groups } from '../report/grouping.ts';
import type { Capture } from '../report/report.ts';
import type { BlockRow, FrameRow, Source } from '../report/source.ts';
import { framesOf, placeOf, Stacks } from '../report/stacks.ts';
import { METRIC_FORMATS, type Metric, type MetricFormat } from './metric.ts';
import type { SnapshotParts } from './snapshot.ts';
import type { Frame, Traceback } from './traceback.ts';

export interface ReadOptions {
  timestamp: Date;
  /** Live blocks; null: not known, or not wanted. */
  blocks: Iterable<BlockRow> | null;
  metrics: Iterable<Metric>;
}

export function readSnapshot(capture: Capture, { timestamp, blocks, metrics }: ReadOptions): SnapshotParts {
  const { source, facts } = capture;
  const tracebacks = new Tracebacks(new Stacks(source));
  const [processes, threads] = [new Groups(capture, 'process'), new Groups(capture, 'thread')];
  const stats = source.all('sites_leaks').map((row) => ({
    traceback: tracebacks.of(row.stack_id),
    size: row.bytes,
    count: row.allocations,
    process: processes.of(row).columns.group,
    thread: threads.of(row).columns.group,
    pid: processes.of(row).columns.pid ?? 0,
    tid: threads.of(row).columns.tid ?? 0,
    allocator: row.allocator,
  }));
  const traces =
    blocks === null
      ? null
      : Array.from(blocks, ({ address, bytes, stack_id, pid }) => ({
          address: Number(address),
          size: Number(bytes),
          traceback: tracebacks.of(stack_id),
          pid,
        }));
  return { timestamp, pid: facts.processes[0]?.pid ?? 0, stats, traces, metrics };
}

/** The figures that were taken with a snapshot; of a capture none. */
export function readMetrics(source: Source): Metric[] {
  const rows = source.all('metrics');
  return rows.map(({ name, value, format }) => ({
    name: String(name),
    value: Number(value),
    format: formatOf(format),
  }));
}

/** A file may come from anywhere. */
function formatOf(format: string): MetricFormat {
  return METRIC_FORMATS.find((known) => known === format) ?? 'int';
}

class Tracebacks {
  readonly #stacks: Stacks;
  readonly #byStack = new Map<number, Traceback>();
  readonly #frames = new Map<FrameRow, Frame>();

  constructor(stacks: Stacks) {
    this.#stacks = stacks;
  }

  of(stackId: number | null): Traceback {
    if (stackId === null) return [];
    let traceback = this.#byStack.get(stackId);
    if (traceback === undefined) {
      traceback = this.#read(stackId);
      this.#byStack.set(stackId, traceback);
    }
    return traceback;
  }

  #read(stackId: number): Traceback {
    const innermost = this.#stacks.node(stackId);
    if (innermost === undefined) return [];
    const place = this.#stacks.isMixed ? placeOf(innermost) : innermost;
    const rows = framesOf(place);
    const isNative = place.frame.language === 'native';
    return (isNative ? rows : rows.filter((row) => row.language !== 'native')).map((row) => this.#frameOf(row));
  }

  #frameOf(row: FrameRow): Frame {
    let frame = this.#frames.get(row);
    if (frame === undefined) {
      const { line, function: name, module, language } = row;
      frame = { file: row.file ?? module, line, function: name, module, language };
      this.#frames.set(row, frame);
    }
    return frame;
  }
}
