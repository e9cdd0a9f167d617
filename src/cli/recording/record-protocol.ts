/** What the main thread and the recorder's worker thread say to each other. */
import type { Losses } from '../../model/types.ts';
import type { LaunchOptions, SessionOptions } from '../../native/binding.ts';
import type { SnapshotReport, SnapshotRequest } from '../snapshots/snapshot-protocol.ts';

export interface RecordRequest {
  session: SessionOptions;
  /** A program to start, the processes to attach to, or a sentence's part about those that the session selects. */
  target: { launch: LaunchOptions } | { pids: number[] } | { selection: string };
  /** Path of the capture; null: mp-<name>.<pid>.db. */
  output: string | null;
  /** For the default path; null: the name of the first process. */
  name: string | null;
  force: boolean;
  /** Keep sums only. */
  aggregate: boolean;
  /** Keep every event. */
  events: boolean;
  durationMs: number | null;
  snapshots: SnapshotRequest;
  meta: Record<string, string>;
  /** Who gets the file, when mp runs under sudo. */
  owner: { uid: number; gid: number } | null;
}

export type WorkerMessage =
  /** The targets exist; a launched one waits for the next moment. */
  | { type: 'started'; pids: number[]; path: string }
  /** All selected processes that were running are traced. */
  | { type: 'settled'; processCount: number }
  | { type: 'attached'; pid: number; comm: string; warning: string; origin: string }
  | SnapshotReport
  /** The targets have ended, or a stop was asked for. */
  | { type: 'stopping' }
  | { type: 'resolving'; pending: number }
  | { type: 'finished'; path: string; losses: Losses }
  | { type: 'ended'; waitStatus: number | null }
  /** `isStarted`: the launched program was running. */
  | { type: 'failed'; message: string; exitCode: number; isStarted: boolean };

/** What the main thread says: end the recording now. */
export const STOP = 'stop';
/** Take a snapshot now. */
export const TRIGGER = 'trigger';
