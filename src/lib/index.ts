/**
 * The library: tops and snapshots of what mp records, and the objects of a running Python (see Heap), from programs of
 * one's own. The names of the former are those of tracemalloctext.
 *
 *     import { attach, DisplayTopTask } from 'mp';
 *     await attach({ pid: 1234 });                 // or enable('mp-app.1234.db'), which sudo mp trace --pid 1234 writes
 *     const task = new DisplayTopTask(25, { groupBy: 'filename' });
 *     task.setMemoryThreshold(5 * 2 ** 20);
 *     task.setDelay(60);
 *     task.schedule();
 *
 * Where tracemalloctext differs on purpose: stacks are always whole, a delay is real time, and what is traced is another
 * process. Errors of files are UserErrors, whose message is a sentence.
 */
export type { DeepSize } from '../heap/deep-size.ts';
export type { HeapGraph } from '../heap/graph.ts';
export { ObjectSet } from '../heap/object-set.ts';
export { difference, type Equivalence, type Partition, type PartitionRow } from '../heap/partition.ts';
export type { RowSource } from '../heap/partition-table.ts';
export type { ReferenceTree, TreeEdge } from '../heap/reference-tree.ts';
export type { Growth, TypeCounts } from '../heap/type-counts.ts';
export type { HeapColumns, HeapNames, HeapProblems, HeapType } from '../model/heap.ts';
export type { TopFile, TopOptions } from '../top/display-top.ts';
export { Filter } from '../top/filter.ts';
export {
  type Difference,
  GROUP_BY,
  type GroupBy,
  GroupedStats,
  type GroupStat,
  StatsDiff,
} from '../top/grouped-stats.ts';
export type { Metric, MetricFormat } from '../top/metric.ts';
export type { SnapshotParts, Stat, Trace } from '../top/snapshot.ts';
export type { Frame, Traceback } from '../top/traceback.ts';
export { StoreError, UserError } from '../util/errors.ts';
export { type AttachedSession, type AttachOptions, attach } from './attach.ts';
export { type DisplayOptions, DisplayTop, type SnapshotCallback } from './display-top.ts';
export { DisplayTopTask } from './display-top-task.ts';
export { type CountingOptions, type DrawnTree, Heap, type ReadOptions, type TreeLimits } from './heap.ts';
export { disable, enable, getTracedMemory, isEnabled, type Session, type TracedMemory } from './session.ts';
export { type CreateOptions, Snapshot } from './snapshot.ts';
export { type TakenSnapshot, type TakeSnapshotOptions, TakeSnapshotTask } from './take-snapshot-task.ts';
export { cancelTasks, getTasks, Task } from './task.ts';
