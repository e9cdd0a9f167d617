import { DEFAULT_COUNT, DisplayTop as TopDisplay, type TopOptions } from '../top/display-top.ts';
import { Snapshot } from './snapshot.ts';

/** Adds figures to a snapshot that was just taken: `(snapshot) => snapshot.addMetric('sockets', 12, 'int')`. */
export type SnapshotCallback = (snapshot: Snapshot) => void;

export interface DisplayOptions extends TopOptions {
  callback?: SnapshotCallback | null;
}

/** Prints tops, each compared with the one before; see its attributes for what is shown. */
export class DisplayTop extends TopDisplay {
  /**
   * Takes a snapshot and prints its `count` biggest groups.
   * @throws as `Snapshot.create`, `Snapshot.topBy` and `callback` do.
   */
  display(count = DEFAULT_COUNT, { callback = null, ...options }: DisplayOptions = {}): Snapshot {
    const snapshot = Snapshot.create({ traces: options.groupBy === 'address', metrics: this.metrics });
    callback?.(snapshot);
    this.displaySnapshot(snapshot, count, options);
    return snapshot;
  }
}
