/**
 * The sum of several processes over time. Their points lie at different times; a process keeps its value until its next
 * point, and has none after its end:
 *
 *     process 0   0 ms: 10            4 ms: 30
 *     process 1          2 ms: 5               (ended at 5 ms)
 *     sum         0: 10  2: 15        4: 35    5: 30
 */
import type { Columns } from './decode.ts';
import type { PageProcess } from './format.ts';

export interface Point {
  ms: number;
  heap: number;
  /** NaN: not known. */
  rss: number;
}

/** Points of one process, or the sum of all if `process` is null. */
export function timeline(columns: Columns, processes: PageProcess[], process: number | null): Point[] {
  const { memory_ms: ms, memory_process: owner, memory_heap: heap, memory_rss: rss } = columns;
  const points: Point[] = [];
  if (process !== null || processes.length < 2) {
    for (let i = 0; i < ms.length; i++) {
      if (process === null || owner[i] === process) points.push({ ms: ms[i]!, heap: heap[i]!, rss: rss[i]! });
    }
    return points;
  }
  const ends = processes
    .flatMap(({ ended_ms: end }, index) => (end === null ? [] : [{ end, index }]))
    .sort((a, b) => a.end - b.end);
  const current = processes.map(() => ({ heap: 0, rss: 0 }));
  const push = (at: number) => {
    const sum = (of: (value: { heap: number; rss: number }) => number) =>
      current.reduce((n, value) => n + of(value), 0);
    points.push({ ms: at, heap: sum((value) => value.heap), rss: sum((value) => value.rss) });
  };
  const endUpTo = (time: number) => {
    while (ends.length > 0 && ends[0]!.end < time) {
      const { end, index } = ends.shift()!;
      current[index] = { heap: 0, rss: 0 };
      push(end);
    }
  };
  for (let i = 0; i < ms.length; i++) {
    endUpTo(ms[i]!);
    const before = current[owner[i]!]!;
    current[owner[i]!] = { heap: heap[i]!, rss: Number.isNaN(rss[i]!) ? before.rss : rss[i]! };
    push(ms[i]!);
  }
  // The last process is not dropped to nothing at the very end: what it held then is what there is to see.
  if (ends.length > 1) endUpTo(ends.at(-1)!.end);
  return points;
}
