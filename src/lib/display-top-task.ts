import { DEFAULT_COUNT, type TopFile } from '../top/display-top.ts';
import type { GroupBy } from '../top/grouped-stats.ts';
import { type DisplayOptions, DisplayTop, type SnapshotCallback } from './display-top.ts';
import type { Snapshot } from './snapshot.ts';
import { Task } from './task.ts';

/** Takes snapshots that are not kept and prints their tops: `new DisplayTopTask(25, { groupBy: 'filename' })`. */
export class DisplayTopTask extends Task<[], Snapshot> {
  /** How it is displayed. */
  readonly displayTop = new DisplayTop();
  /** Most rows. */
  count: number;
  groupBy: GroupBy;
  /** Charge every frame of a stack, not only the most recent one. */
  cumulative: boolean;
  file: TopFile;
  callback: SnapshotCallback | null;

  constructor(count = DEFAULT_COUNT, options: DisplayOptions = {}) {
    super(() => this.display());
    const { groupBy = 'line', cumulative = false, file = process.stdout, callback = null } = options;
    this.count = count;
    this.groupBy = groupBy;
    this.cumulative = cumulative;
    this.file = file;
    this.callback = callback;
  }

  /** Prints a top now. @throws as `DisplayTop.display` does. */
  display(): Snapshot {
    const { groupBy, cumulative, file, callback } = this;
    return this.displayTop.display(this.count, { groupBy, cumulative, file, callback });
  }
}
