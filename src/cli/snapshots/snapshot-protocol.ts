/** What is said about snapshots between the threads of a recorder: main thread, record worker, snapshot worker. */
import type { MetricCommand } from '../../lib/metric-command.ts';
import type { BlockColumns } from '../../model/blocks.ts';
import type { Figures } from '../../top/figures.ts';
import type { Metric } from '../../top/metric.ts';
import type { TriggerOptions, TriggerReason } from '../../top/trigger.ts';

/** What was asked for on the command line. */
export interface SnapshotRequest {
  snapshot: TriggerOptions;
  /** With `$pid`, `$timestamp` and `$counter`; null: they are kept inside the capture. */
  template: string | null;
  traces: boolean;
  metrics: MetricCommand[];
  top: TriggerOptions;
  /** For /bin/sh, after every snapshot; null: nothing. */
  onTrigger: string | null;
  /** End the recording after the first snapshot. */
  stopOnTrigger: boolean;
}

export type SnapshotKind = 'snapshot' | 'top';

/** What the snapshot worker is to do with the capture as it stands now. */
export interface CopyJob {
  kind: SnapshotKind;
  reason: TriggerReason;
  capture: string;
  takenAtMs: number;
  /** Of the target; of several the first. */
  pid: number;
  figures: Figures;
  /** Of a top it is not used. */
  template: string;
  /** Counts snapshots from 1. */
  counter: number;
  force: boolean;
  owner: { uid: number; gid: number } | null;
  metrics: MetricCommand[];
  /** `processes` and `sites` are rows of the capture, 0 where there is none. Null: none. */
  blocks: BlockColumns | null;
}

/**
 * The metrics of a snapshot inside the capture that take a while, of commands and of Pythons, are to be asked for: `report`
 * is said when they are there.
 */
export interface MetricJob {
  kind: 'metrics';
  capture: string;
  snapshot: number;
  metrics: MetricCommand[];
  report: SnapshotTaken;
}

export type SnapshotJob = CopyJob | MetricJob;

export interface MetricsRead {
  type: 'metrics';
  snapshot: number;
  metrics: Metric[];
  /** Why there are none. */
  warning: string | null;
  report: SnapshotTaken;
}

export interface SnapshotTaken {
  type: 'snapshot';
  /** A file, or the address of one inside the capture. */
  path: string;
  reason: TriggerReason;
  pid: number;
  figures: Figures;
}

export type SnapshotReport =
  | SnapshotTaken
  | { type: 'top'; text: string }
  /** Also why there is none. */
  | { type: 'warning'; text: string };

/** The snapshot worker reads the capture as it was when it was given the job: commits may go on. */
export const READING = 'reading';
