/** Saves the points of the plot, as many as the page carries, in the units of a capture. */
/// <reference lib="dom" />
import type { Columns } from './decode.ts';
import type { FlamegraphData } from './format.ts';

export function memoryCsv(data: FlamegraphData, columns: Columns): string {
  const { memory_ms: ms, memory_process: process, memory_heap: heap, memory_rss: rss } = columns;
  const rows = Array.from(ms, (time, i) => {
    const pid = data.processes[process[i]!]?.pid ?? '';
    return [pid, Math.round(time * 1e6), heap[i], Number.isNaN(rss[i]!) ? '' : rss[i]].join(',');
  });
  return ['pid,time_ns,heap_bytes,rss_bytes', ...rows, ''].join('\n');
}

export function saveMemoryCsv(data: FlamegraphData, columns: Columns): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([memoryCsv(data, columns)], { type: 'text/csv' }));
  link.download = `${data.name}-memory.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}
