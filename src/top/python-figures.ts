/** The figures of Python processes, which are read from their memory while they go on. */
import type { PythonFigures } from '../model/heap.ts';
import type { Metric } from './metric.ts';

const METRICS: [keyof PythonFigures, string, Metric['format']][] = [
  ['trackedObjects', 'gc.objects', 'int'],
  ['pymallocAllocatedBytes', 'pymalloc.allocated', 'size'],
  ['pymallocBlocks', 'pymalloc.blocks', 'int'],
  ['pymallocFreeBytes', 'pymalloc.free', 'size'],
  ['pymallocMaxBytes', 'pymalloc.max_size', 'size'],
  ['pymallocBytes', 'pymalloc.size', 'size'],
  ['internedStrings', 'unicode_interned.len', 'int'],
  ['internedBytes', 'unicode_interned.size', 'size'],
];

/**
 * The sums over the processes, under the names of tracemalloctext. A figure that is not known of one of them is left out:
 * the sum of the others would be no figure of them all.
 *
 *     gc.objects                  len(gc.get_objects()), if its lists could be read while they stayed as they were
 *     pymalloc.size, .max_size    arenas; of several processes each had its maximum at a time of its own
 *     pymalloc.allocated, .blocks blocks in use
 *     pymalloc.free               free blocks, and pools that are not in use
 *     pymalloc.fragmentation      free / size
 *     unicode_interned.len, .size the dict of interned strings: its entries, and its table without the strings
 */
export function pythonMetrics(processes: readonly PythonFigures[]): Metric[] {
  // pymalloc is used by all or none, but for PYTHONMALLOC=malloc
  const sums = METRICS.flatMap(([of, name, format]): Metric[] => {
    const some = of.startsWith('pymalloc') ? processes.filter((each) => each.pymallocBytes !== undefined) : processes;
    const values = some.map((each) => each[of]);
    if (values.length === 0 || values.includes(undefined)) return [];
    return [{ name, value: values.reduce<number>((sum, value) => sum + value!, 0), format }];
  });
  const value = (name: string) => sums.find((metric) => metric.name === name)?.value;
  const [free, size] = [value('pymalloc.free'), value('pymalloc.size')];
  if (free === undefined || !size) return sums;
  return [...sums, { name: 'pymalloc.fragmentation', value: free / size, format: 'percent' }];
}
