/**
 * What was allocated and not yet freed at one moment, by the code that allocated it, with the process's figures.
 *
 *     stats    3 blocks, 3072 bytes by load (load.c:20) < main (main.c:10)      always
 *     traces   0x55d0c0 1024 bytes by load < main, 0x55d8d0 …                   if it was taken with traces
 *     metrics  process_memory.rss 12 MiB
 */
import { type Filter, passes } from './filter.ts';
import { GROUP_BY, type GroupBy, GroupedStats, type GroupStat, type Key } from './grouped-stats.ts';
import { METRIC_FORMATS, type Metric, type MetricFormat } from './metric.ts';
import type { Frame, Traceback } from './traceback.ts';

/** Live blocks of one stack in one thread, allocated by one allocator function. */
export interface Stat {
  readonly traceback: Traceback;
  /** Bytes. */
  readonly size: number;
  /** Blocks. */
  readonly count: number;
  /** `4171 make -j2` */
  readonly process: string;
  /** `4172 worker` */
  readonly thread: string;
  readonly allocator: string;
  readonly pid: number;
  readonly tid: number;
}

/** One live block. */
export interface Trace {
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly traceback: Traceback;
  /** The same address in two processes is two blocks. */
  readonly pid: number;
}

export interface SnapshotParts {
  timestamp: Date;
  /** Of the process that was traced; of several the first one. */
  pid: number;
  /** Most frames of a traceback; mp keeps them all. */
  tracebackLimit?: number;
  stats: readonly Stat[];
  traces?: readonly Trace[] | null;
  metrics?: Iterable<Metric>;
}

export class Snapshot {
  readonly timestamp: Date;
  readonly pid: number;
  readonly tracebackLimit: number;
  stats: readonly Stat[];
  /** Null: taken without. */
  traces: readonly Trace[] | null;
  /** By name. */
  readonly metrics: Map<string, Metric>;

  constructor({ timestamp, pid, tracebackLimit = Infinity, stats, traces = null, metrics = [] }: SnapshotParts) {
    this.timestamp = timestamp;
    this.pid = pid;
    this.tracebackLimit = tracebackLimit;
    this.stats = stats;
    this.traces = traces;
    this.metrics = new Map([...metrics].map((metric) => [metric.name, metric]));
  }

  /**
   * Adds a figure. A `size` is in bytes, a `percent` a share of 1.
   * @throws RangeError if there is one of that name, or the value is no number.
   */
  addMetric(name: string, value: number, format: MetricFormat): Metric {
    if (this.metrics.has(name)) throw new RangeError(`name already present: ${name}`);
    if (!Number.isFinite(value)) throw new RangeError(`the value of ${name} is no number: ${value}`);
    if (!METRIC_FORMATS.includes(format)) throw new RangeError(`unknown format of ${name}: ${format}`);
    const metric = { name, value, format };
    this.metrics.set(name, metric);
    return metric;
  }

  getMetric(name: string): number | undefined;
  getMetric<Default>(name: string, otherwise: Default): number | Default;
  getMetric(name: string, otherwise?: unknown): unknown {
    return this.metrics.get(name)?.value ?? otherwise;
  }

  /** Keeps what some including filter matches, if there are any, and no excluding one. Stays so. */
  applyFilters(filters: readonly Filter[]): void {
    this.stats = this.stats.filter(({ traceback }) => passes(filters, traceback));
    this.traces = this.traces?.filter(({ traceback }) => passes(filters, traceback)) ?? null;
  }

  /**
   * Sums by group. `cumulative`: every frame of a traceback is charged, once each, not only the most recent one; this has
   * no meaning, and no effect, for groups that are no code.
   * @throws RangeError for an unknown group, or for addresses of a snapshot without traces.
   */
  topBy(groupBy: GroupBy, cumulative = false): GroupedStats {
    if (!GROUP_BY.includes(groupBy)) throw new RangeError(`unknown group: ${groupBy}`);
    const keyOf = FRAME_KEY[groupBy];
    const isCumulative = cumulative && keyOf !== undefined && this.tracebackLimit >= 2;
    const sums = new Map<string, GroupStat>();
    if (groupBy === 'address') this.#sumAddresses(sums);
    else
      for (const stat of this.stats) {
        if (keyOf === undefined) {
          const traceback = groupBy === 'traceback' ? { traceback: stat.traceback } : {};
          addTo(sums, new Map([keyOfStat(stat, groupBy)]), stat, traceback);
        } else addTo(sums, frameKeys(isCumulative ? stat.traceback : stat.traceback.slice(0, 1), keyOf), stat);
      }
    return new GroupedStats(this.timestamp, sums, groupBy, isCumulative, this.metrics);
  }

  #sumAddresses(sums: Map<string, GroupStat>): void {
    if (this.traces === null) throw new RangeError('need traces: the snapshot was taken without them');
    for (const { address, pid, size } of this.traces) {
      sums.set(`${pid} ${address}`, { key: [address], size, count: 1 });
    }
  }
}

const UNKNOWN: Frame = { file: null, line: null, function: null, module: null, language: 'native' };

const FRAME_KEY: Partial<Record<GroupBy, (frame: Frame) => Key>> = {
  line: ({ file, line }) => [file ?? '', line ?? 0],
  filename: ({ file }) => [file ?? ''],
  function: ({ function: name }) => [name ?? '???'],
  module: ({ module, file }) => [module ?? file ?? ''],
};

/** Keys by their texts, each once. */
function frameKeys(traceback: Traceback, keyOf: (frame: Frame) => Key): Map<string, Key> {
  const keys = (traceback.length > 0 ? traceback : [UNKNOWN]).map(keyOf);
  return new Map(keys.map((key) => [key.join('\0'), key]));
}

function keyOfStat(stat: Stat, groupBy: GroupBy): [string, Key] {
  if (groupBy === 'traceback') {
    const { file, line } = stat.traceback[0] ?? UNKNOWN;
    const id = stat.traceback.map((frame) => `${frame.file}\0${frame.line}`).join('\0\0');
    return [id, [file ?? '', line ?? 0]];
  }
  const name = stat[groupBy as 'process' | 'thread' | 'allocator'];
  return [name, [name]];
}

function addTo(
  sums: Map<string, GroupStat>,
  keys: ReadonlyMap<string, Key>,
  { size, count }: Stat,
  extra: Pick<GroupStat, 'traceback'> = {},
): void {
  for (const [id, key] of keys) {
    const sum = sums.get(id);
    if (sum === undefined) sums.set(id, { key, size, count, ...extra });
    else {
      sum.size += size;
      sum.count += count;
    }
  }
}
