/** The news of a capture on this machine, at intervals. */
import { setTimeout } from 'node:timers/promises';
import type { LiveDelta } from '../model/live.ts';
import { LiveReader } from '../store/live-reader.ts';
import { captureStatus } from './report-options.ts';

export interface LiveSource {
  /** What is new, when it is time to look; null: the way to the recording is closed. */
  next(): Promise<LiveDelta | null>;
  close(): void;
}

/** Looking takes at most this share of the time: a capture of millions of sites is looked at less often. */
const PAUSE_SHARE = 10;

/** @throws UserError, from `next`, if the file can't be read. */
export function followFile(path: string, intervalMs: number): LiveSource {
  const reader = new LiveReader(path, captureStatus);
  let pauseMs = 0;
  const closing = new AbortController();
  return {
    next: async () => {
      await setTimeout(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return null;
      const begin = performance.now();
      const delta = reader.poll();
      const took = performance.now() - begin;
      pauseMs = Math.max(intervalMs - took, took * PAUSE_SHARE);
      return delta;
    },
    close: () => closing.abort(),
  };
}
