/** The news of a capture on this machine, at intervals. */
import { setTimeout } from 'node:timers/promises';
import type { LiveDelta } from '../../model/live.ts';
import { LiveReader } from '../../store/live-reader.ts';
import type { ReplaySource } from '../../tui/live-player.ts';
import { captureStatus } from '../reports/report-options.ts';
import { openReplay } from './live-replay.ts';

export interface LiveSource {
  /** What is new, when it is time to look; null: the way to the recording is closed. */
  next(): Promise<LiveDelta | null>;
  /** Undefined: what is past can't be seen from here. @throws UserError if the capture can't be replayed. */
  openReplay?(speed: number): ReplaySource;
  close(): void;
}

/** A capture of millions of sites is looked at less often: reading it takes a tenth of a core at most. */
const PAUSE_SHARE = 10;
const MAX_PAUSE_MS = 10_000;

/** @throws UserError, from `next`, if the file can't be read. */
export function followFile(path: string, intervalMs: number): LiveSource {
  const reader = new LiveReader(path, captureStatus);
  let pauseMs = 0;
  let isFirst = true;
  const closing = new AbortController();
  return {
    next: async () => {
      await setTimeout(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return null;
      const begin = process.cpuUsage();
      const delta = reader.poll();
      const { user, system } = process.cpuUsage(begin);
      // The first look is at everything.
      const leastMs = isFirst ? 0 : Math.min(((user + system) / 1000) * PAUSE_SHARE, MAX_PAUSE_MS);
      pauseMs = Math.max(intervalMs, leastMs);
      isFirst = false;
      return delta;
    },
    openReplay: (speed) => openReplay(path, speed),
    close: () => closing.abort(),
  };
}
