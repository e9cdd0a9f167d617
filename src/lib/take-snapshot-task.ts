import type { SnapshotCallback } from './display-top.ts';
import { fillTemplate } from './file-template.ts';
import { Snapshot } from './snapshot.ts';
import { Task } from './task.ts';

export interface TakeSnapshotOptions {
  /** Default: false. */
  traces?: boolean;
  /** Default: true. */
  metrics?: boolean;
  callback?: SnapshotCallback | null;
}

export interface TakenSnapshot {
  snapshot: Snapshot;
  filename: string;
}

/** Takes snapshots and writes them into files. */
export class TakeSnapshotTask extends Task<[], TakenSnapshot> {
  /** In which `$pid`, `$timestamp` and `$counter` (four digits, from 0001) are replaced. */
  filenameTemplate: string;
  traces: boolean;
  metrics: boolean;
  callback: SnapshotCallback | null;
  #counter = 1;

  constructor(filenameTemplate = 'mp-$counter.db', options: TakeSnapshotOptions = {}) {
    super(() => this.takeSnapshot());
    const { traces = false, metrics = true, callback = null } = options;
    this.filenameTemplate = filenameTemplate;
    this.traces = traces;
    this.metrics = metrics;
    this.callback = callback;
  }

  /** Takes a snapshot now. @throws as `Snapshot.create`, `callback` and `Snapshot.write` do. */
  takeSnapshot(): TakenSnapshot {
    const snapshot = Snapshot.create({ traces: this.traces, metrics: this.metrics });
    this.callback?.(snapshot);
    const filename = fillTemplate(this.filenameTemplate, snapshot.pid, snapshot.timestamp, this.#counter++);
    snapshot.write(filename);
    return { snapshot, filename };
  }
}
