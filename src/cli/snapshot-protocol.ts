/** What is said about snapshots between the threads of a recorder: main thread, record worker, snapshot worker. */
import type { MetricCommand } from '../lib/metric-command.ts';
import type { BlockColumns } from '../model/blocks.ts';
import type { Figures } from '../top/figures.ts';
import type { TriggerOptions, TriggerReason } from '../top/trigger.ts';

/** What was asked for on the command line. */
export interface SnapshotRequest {
  snapshot: TriggerOptions;
  /** With `$pid`, `$timestamp` and `$counter`. */
  template: string;
  traces: boolean;
  metrics: MetricCommand[];
  top: TriggerOptions;
  /** For /bin/sh, after every snapshot; null: nothing. */
  onTrigger: string | null;
  /** End the recording after the first snapshot. */
  stopOnTrigger: boolean;
}

/** What the snapshot worker is to do with the capture as it stands now. */
export interface SnapshotJob {
  kind: 'snapshot' | 'top';
  reason: TriggerReason;
  capture: string;
  takenAtMs: number;
  /** Of the target; of several the first. */
  pid: number;
  figures: Figures;
  template: string;
  /** Counts snapshots from 1. */
  counter: number;
  force: boolean;
  owner: { uid: number; gid: number } | null;
  metrics: MetricCommand[];
  /** `processes` and `sites` are rows of the capture, 0 where there is none. Null: none. */
  blocks: BlockColumns | null;
}

export type SnapshotReport =
  | { type: 'snapshot'; path: string; reason: TriggerReason; pid: number; figures: Figures }
  | { type: 'top'; text: string }
  /** Also why there is none. */
  | { type: 'warning'; text: string };

/** The snapshot worker reads the capture as it was when it was given the job: commits may go on. */
export const READING = 'reading';
