/**
 * Prints the biggest groups of a snapshot in the form of tracemalloctext, which users' scripts and eyes know:
 *
 *     2013-10-03 11:34:39: Top 2 allocations per filename and line number (compared to 2013-10-03 11:33:39)
 *     #1: .../app/load.py:120: size=93 MiB (+10 MiB), count=13 (+1), average=7 MiB
 *     #2: .../app/view.py:7: size=5002 B (+5000 B), count=2 (+1), average=2501 B
 *     31 more: size=24 MiB (+0 B), count=208802 (+0), average=120 B
 *     Traced memory: size=117 MiB (+10 MiB), count=208817 (+2), average=588 B
 *
 *     process_memory.rss: 140 MiB (+12 MiB)
 */
import { printable } from '../util/format.ts';
import { sourceLines } from '../util/source-lines.ts';
import type { Difference, GroupBy, GroupedStats, StatsDiff } from './grouped-stats.ts';
import { formatMetric, type Metric } from './metric.ts';
import type { Snapshot } from './snapshot.ts';
import { formatAddress, formatFilename, formatLine, formatSize, formatTimestamp, type Paint, paintOf } from './text.ts';
import { formatTraceback, type ReadLine } from './traceback.ts';

/** Where a top is written: a stream. */
export interface TopFile {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
}

export interface TopOptions {
  /** Default: `line`. */
  groupBy?: GroupBy;
  /** Charge every frame. Default: false. */
  cumulative?: boolean;
  /** Default: standard output. */
  file?: TopFile;
}

const PER: Record<GroupBy, string> = {
  line: 'filename and line number',
  filename: 'filename',
  function: 'function',
  address: 'address',
  traceback: 'traceback',
  thread: 'thread',
  process: 'process',
  module: 'module',
  allocator: 'allocator',
};

export const DEFAULT_COUNT = 10;
export const DEFAULT_PARTS = 3;

/** The line of a file, if this machine has it. */
export const readSourceLine: ReadLine = (file, line) => sourceLines(file, line, 1)[0]?.text ?? null;

type Sum = Pick<Difference, 'size' | 'count' | 'sizeDiff' | 'countDiff'>;

/** Prints tops, each compared with the one before. */
export class DisplayTop {
  /** Show the size of blocks. */
  size = true;
  /** Show the number of blocks. */
  count = true;
  /** Show the average size of blocks. */
  average = true;
  /** Show the metrics of the snapshot. */
  metrics = true;
  /** Displayed parts of a path; `...` stands for the others. */
  filenameParts = DEFAULT_PARTS;
  /** Null: on a terminal. */
  color: boolean | null = null;
  /** False: compare with the first snapshot, not with the one before. */
  compareToPrevious = true;
  /** What the next top is compared with. */
  previousTopStats: GroupedStats | null = null;

  /** Prints at most `count` groups of a snapshot. @throws RangeError as `Snapshot.topBy` does. */
  displaySnapshot(snapshot: Snapshot, count = DEFAULT_COUNT, options: TopOptions = {}): void {
    this.displayTopStats(snapshot.topBy(options.groupBy ?? 'line', options.cumulative ?? false), count, options.file);
  }

  /** Prints groups, compared with those of the last call if they are of the same kind. */
  displayTopStats(topStats: GroupedStats, count = DEFAULT_COUNT, file: TopFile = process.stdout): void {
    const { groupBy, cumulative } = topStats;
    const last = this.previousTopStats;
    const previous = last?.groupBy === groupBy && last.cumulative === cumulative ? last : null;
    this.displayTopDiff(topStats.compareTo(previous), count, file);
    if (this.compareToPrevious || previous === null) this.previousTopStats = topStats;
  }

  displayTopDiff(diff: StatsDiff, count = DEFAULT_COUNT, file: TopFile = process.stdout): void {
    const paint = paintOf(this.color ?? file.isTTY === true);
    diff.sort();
    const shown = diff.differences.slice(0, count);
    const others = diff.differences.slice(count);
    const { newStats } = diff;
    const lines = [
      header(diff, shown.length, paint),
      ...shown.flatMap((row, i) => this.#row(i + 1, row, diff, paint)),
      ...(others.length > 0
        ? [joined(paint.cyan(`${others.length} more`), this.#figures(sumOf(others), diff, paint))]
        : []),
      ...(newStats.cumulative ? [] : [joined('Traced memory', this.#figures(sumOf(diff.differences), diff, paint))]),
      ...(this.metrics ? metricLines(diff.oldStats?.metrics ?? new Map(), newStats.metrics, paint) : []),
    ];
    file.write(`${lines.join('\n')}\n\n`);
  }

  #row(number: number, row: Difference, diff: StatsDiff, paint: Paint): string[] {
    const key = formatKey(row.key, diff.newStats.groupBy, this.filenameParts, paint);
    const line = joined(`#${number}: ${key}`, this.#figures(row, diff, paint));
    if (row.traceback === undefined) return [line];
    return [line, ...formatTraceback(row.traceback, this.filenameParts, paint, readSourceLine)];
  }

  #figures({ size, count, sizeDiff, countDiff }: Sum, { oldStats, newStats }: StatsDiff, paint: Paint): string {
    const isDiff = oldStats !== null;
    const isCounted = this.count && newStats.groupBy !== 'address';
    const sizeText = isDiff
      ? `${paint.bold(formatSize(size))} (${paint.yellow(formatSize(sizeDiff, true))})`
      : paint.yellow(formatSize(size));
    if (!isCounted && !this.average) return this.size ? sizeText : '';
    const parts = this.size ? [`size=${sizeText}`] : [];
    if (isCounted && (count !== 0 || countDiff !== 0))
      parts.push(`count=${count}${isDiff ? ` (${formatMetric(countDiff, 'int', true)})` : ''}`);
    if (this.average && count > 1) parts.push(`average=${formatSize(Math.floor(size / count))}`);
    return parts.join(', ');
  }
}

function joined(name: string, figures: string): string {
  return figures === '' ? name : `${name}: ${figures}`;
}

function header({ oldStats, newStats }: StatsDiff, count: number, paint: Paint): string {
  const title = `${newStats.cumulative ? 'Cumulative top' : 'Top'} ${count} allocations per ${PER[newStats.groupBy]}`;
  const compared = oldStats === null ? '' : ` (compared to ${formatTimestamp(oldStats.timestamp)})`;
  return `${paint.bold(formatTimestamp(newStats.timestamp))}: ${paint.cyan(title)}${compared}`;
}

function formatKey(key: Difference['key'], groupBy: GroupBy, parts: number, paint: Paint): string {
  switch (groupBy) {
    case 'line':
    case 'traceback':
      return `${formatFilename(String(key[0]), parts, paint)}:${formatLine(Number(key[1]))}`;
    case 'filename':
    case 'module':
      return formatFilename(String(key[0]), parts, paint);
    case 'address':
      return `memory block ${formatAddress(Number(key[0]), paint)}`;
    default:
      return printable(String(key[0]));
  }
}

function sumOf(rows: readonly Difference[]): Sum {
  const sum = { size: 0, count: 0, sizeDiff: 0, countDiff: 0 };
  for (const row of rows) {
    sum.size += row.size;
    sum.count += row.count;
    sum.sizeDiff += row.sizeDiff;
    sum.countDiff += row.countDiff;
  }
  return sum;
}

type Metrics = ReadonlyMap<string, Metric>;

function metricLines(old: Metrics, now: Metrics, paint: Paint): string[] {
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  const lines = names.map((name) => {
    const [before, after] = [old.get(name), now.get(name)];
    const { format } = (after ?? before)!;
    const value = after?.value ?? 0;
    const difference =
      before === undefined ? '' : ` (${paint.yellow(formatMetric(value - before.value, format, true))})`;
    return `${printable(name)}: ${paint.bold(formatMetric(value, format))}${difference}`;
  });
  return lines.length > 0 ? ['', ...lines] : [];
}
