/** The figures that mp takes with every snapshot. */
import type { Metric } from './metric.ts';

export interface Figures {
  /** Live bytes of all traced processes, the most there have been, and live blocks. */
  tracedBytes: number;
  tracedMaxBytes: number;
  tracedBlocks: number;
  /** Of the traced processes that are running; null: none is. */
  process: ProcessMemory | null;
  /** Resident bytes of the tracer; null: it is not running. */
  tracerBytes: number | null;
}

export interface ProcessMemory {
  /** Resident bytes. */
  rssBytes: number;
  /** Bytes of address space. */
  vmsBytes: number;
}

export function metricsOf(figures: Figures): Metric[] {
  const sizes: [string, number | undefined | null][] = [
    ['mp.traced.size', figures.tracedBytes],
    ['mp.traced.max_size', figures.tracedMaxBytes],
    ['mp.tracer.rss', figures.tracerBytes],
    ['process_memory.rss', figures.process?.rssBytes],
    ['process_memory.vms', figures.process?.vmsBytes],
  ];
  const known = sizes.flatMap(([name, value]): Metric[] =>
    value === null || value === undefined ? [] : [{ name, value, format: 'size' }],
  );
  return [...known, { name: 'mp.traced.blocks', value: figures.tracedBlocks, format: 'int' }];
}
