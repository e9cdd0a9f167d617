/** Tops as JSON: all groups, in the order of the text. */
import type { Difference, GroupBy, GroupedStats } from './grouped-stats.ts';
import type { Snapshot } from './snapshot.ts';

interface TopJson {
  timestamp: string;
  pid: number;
  group_by: GroupBy;
  cumulative: boolean;
  /** Null: the first. */
  compared_to: string | null;
  rows: object[];
  metrics: object[];
}

/** `isFirst`: compare with the first snapshot instead of the one before. */
export function topsJson(
  snapshots: readonly Snapshot[],
  groupBy: GroupBy,
  cumulative: boolean,
  isFirst: boolean,
): string {
  const tops: TopJson[] = [];
  let previous: GroupedStats | null = null;
  for (const snapshot of snapshots) {
    const stats = snapshot.topBy(groupBy, cumulative);
    const diff = stats.compareTo(previous);
    diff.sort();
    tops.push({
      timestamp: snapshot.timestamp.toISOString(),
      pid: snapshot.pid,
      group_by: groupBy,
      cumulative: stats.cumulative,
      compared_to: previous?.timestamp.toISOString() ?? null,
      rows: diff.differences.map((row) => rowOf(row, groupBy, previous !== null)),
      metrics: [...snapshot.metrics.values()],
    });
    if (!isFirst || previous === null) previous = stats;
  }
  return `${JSON.stringify(tops, null, 2)}\n`;
}

function rowOf(
  { key, size, count, sizeDiff, countDiff, traceback }: Difference,
  groupBy: GroupBy,
  isDiff: boolean,
): object {
  return {
    ...keyOf(key, groupBy),
    ...(traceback && {
      traceback: traceback.map(({ file, line, function: name }) => ({ file, line, function: name })),
    }),
    size,
    count,
    ...(isDiff ? { size_diff: sizeDiff, count_diff: countDiff } : {}),
  };
}

function keyOf([first, line]: Difference['key'], groupBy: GroupBy): object {
  const name = first === '' ? null : first;
  switch (groupBy) {
    case 'line':
    case 'traceback':
      return { file: name, line: line || null };
    case 'filename':
      return { file: name };
    default:
      return { [groupBy]: name };
  }
}
