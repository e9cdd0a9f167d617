/** Allocations of a snapshot by group, and what changed in them since another snapshot. */
import type { Metric } from './metric.ts';
import type { Traceback } from './traceback.ts';

export const GROUP_BY = [
  'line',
  'filename',
  'function',
  'address',
  'traceback',
  'thread',
  'process',
  'module',
  'allocator',
] as const;
export type GroupBy = (typeof GROUP_BY)[number];

/** What identifies a group: file and line, an address, a name. */
export type Key = readonly (string | number)[];

export interface GroupStat {
  readonly key: Key;
  /** Live bytes. */
  size: number;
  /** Live blocks. */
  count: number;
  /** Of the groups by traceback. */
  readonly traceback?: Traceback;
}

export interface Difference extends Readonly<GroupStat> {
  /** Against the older snapshot; 0 without one. */
  readonly sizeDiff: number;
  readonly countDiff: number;
}

export class GroupedStats {
  readonly timestamp: Date;
  /** By a text of the key. */
  readonly stats: ReadonlyMap<string, Readonly<GroupStat>>;
  readonly groupBy: GroupBy;
  readonly cumulative: boolean;
  /** By name. */
  readonly metrics: ReadonlyMap<string, Metric>;

  constructor(
    timestamp: Date,
    stats: ReadonlyMap<string, Readonly<GroupStat>>,
    groupBy: GroupBy,
    cumulative: boolean,
    metrics: ReadonlyMap<string, Metric>,
  ) {
    this.timestamp = timestamp;
    this.stats = stats;
    this.groupBy = groupBy;
    this.cumulative = cumulative;
    this.metrics = metrics;
  }

  /** Groups that vanished since `oldStats` are listed, too, with nothing left. Null: nothing to compare with. */
  compareTo(oldStats: GroupedStats | null = null): StatsDiff {
    const differences: Difference[] = [];
    for (const [id, stat] of this.stats) {
      const old = oldStats?.stats.get(id);
      const sizeDiff = oldStats === null ? 0 : stat.size - (old?.size ?? 0);
      const countDiff = oldStats === null ? 0 : stat.count - (old?.count ?? 0);
      differences.push({ ...stat, sizeDiff, countDiff });
    }
    for (const [id, old] of oldStats?.stats ?? []) {
      if (this.stats.has(id)) continue;
      differences.push({ ...old, size: 0, count: 0, sizeDiff: -old.size, countDiff: -old.count });
    }
    return new StatsDiff(differences, oldStats, this);
  }
}

export class StatsDiff {
  readonly differences: Difference[];
  readonly oldStats: GroupedStats | null;
  readonly newStats: GroupedStats;

  constructor(differences: Difference[], oldStats: GroupedStats | null, newStats: GroupedStats) {
    this.differences = differences;
    this.oldStats = oldStats;
    this.newStats = newStats;
  }

  /** The largest change of size first; then by size, change of count, count and key. */
  sort(): void {
    this.differences.sort(
      (a, b) =>
        Math.abs(b.sizeDiff) - Math.abs(a.sizeDiff) ||
        b.size - a.size ||
        Math.abs(b.countDiff) - Math.abs(a.countDiff) ||
        b.count - a.count ||
        compareKeys(b.key, a.key),
    );
  }
}

function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return a.length - b.length;
}
