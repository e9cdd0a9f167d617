/**
 * The memory time line thinned out for a plot. Of each slice of time and process the first, the last, the highest heap
 * and the highest RSS stay, so that no peak is lost however many points there were.
 */
import type { MemoryRow } from './source.ts';

const SLICES = 800;
const POINTS_PER_SLICE = 4;

/** `rows` by time; the result too, with at most `maxPoints` of them, or four of each process. */
export function thinTimeline(rows: MemoryRow[], maxPoints = Number.POSITIVE_INFINITY): MemoryRow[] {
  const processes = new Set(rows.map((row) => row.process_id)).size;
  const slices = Math.max(1, Math.min(SLICES, Math.floor(maxPoints / (POINTS_PER_SLICE * processes))));
  if (rows.length <= Math.min(SLICES, maxPoints)) return rows;
  const begin = rows[0]!.time_ns;
  const slice = (rows.at(-1)!.time_ns - begin) / slices || 1;
  const kept = new Set<MemoryRow>();
  const groups = new Map<string, { first: MemoryRow; last: MemoryRow; heap: MemoryRow; rss: MemoryRow }>();
  for (const row of rows) {
    const key = `${row.process_id} ${Math.min(slices - 1, Math.floor((row.time_ns - begin) / slice))}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { first: row, last: row, heap: row, rss: row });
      continue;
    }
    group.last = row;
    if (row.heap_bytes > group.heap.heap_bytes) group.heap = row;
    if ((row.rss_bytes ?? 0) > (group.rss.rss_bytes ?? 0)) group.rss = row;
  }
  for (const group of groups.values()) for (const row of Object.values(group)) kept.add(row);
  return rows.filter((row) => kept.has(row));
}
