import { Snapshot as TopSnapshot } from '../top/snapshot.ts';
import { type LoadOptions, loadParts } from './load.ts';
import { currentSession } from './session.ts';
import { writeStats } from './write.ts';

export interface CreateOptions {
  /** With every live block; only captures recorded with `--events` know them. Default: false. */
  traces?: boolean;
  /** With the figures of the processes. Default: true. */
  metrics?: boolean;
}

/** Memory that was live at one moment, by the code that allocated it; from a recording, a capture or a file. */
export class Snapshot extends TopSnapshot {
  /**
   * Takes a snapshot of the capture that was given to `enable`, as of its last commit.
   * @throws Error without one, or if `traces` are asked for and not known; UserError if it can't be read.
   */
  static create({ traces = false, metrics = true }: CreateOptions = {}): Snapshot {
    const { capture, isRecording } = currentSession('take a snapshot');
    const parts = loadParts(capture, { traces, metrics });
    if (traces && parts.traces === null)
      throw new Error(`the capture ${capture} does not know its single blocks: record with --events`);
    return new Snapshot(isRecording ? { ...parts, timestamp: new Date() } : parts);
  }

  /**
   * Reads a snapshot, or what is live in a capture. `traces`: with single blocks if there are any (default).
   * @throws UserError if the file is none, or can't be read.
   */
  static load(filename: string, { traces = true }: Pick<LoadOptions, 'traces'> = {}): Snapshot {
    return new Snapshot(loadParts(filename, { traces }));
  }

  /**
   * Writes it into a file, which every command of mp reads. A file that could not be written to its end is removed.
   * @throws UserError if the file exists and `force` is not set, or can't be made; StoreError if the disk is full.
   */
  write(filename: string, { force = false }: { force?: boolean } = {}): void {
    writeStats(this, filename, { force });
  }
}
