/**
 * What a viewer of a recording is told: the first time everything, then what has changed. It is read from the capture by
 * `store/live-reader.ts`, on the same machine or at the other end of a socket, where it travels as a line of JSON.
 */
import type { FrameRow } from './frame-row.ts';
import type { Losses } from './types.ts';

export interface LiveProcess {
  id: number;
  pid: number;
  /** Row of the process that made it, or of the image that it replaced. */
  parentId: number | null;
  origin: string;
  startedNs: number;
  endedNs: number | null;
  /** Names are as the target wrote them: to be escaped. */
  comm: string;
  commandLine: string;
}

export interface LiveThread {
  id: number;
  processId: number;
  tid: number;
  name: string;
}

/** `cut off`: its recorder was killed. */
export type LiveStatus = 'recording' | 'complete' | 'cut off';

/** Lists of numbers hold several per item, so that many items are quick to read and to send. */
export interface LiveDelta {
  /** Path of the capture, as the reader knows it. */
  capture: string;
  commandLine: string;
  status: LiveStatus;
  /** Since the capture began. */
  durationNs: number;
  /** A replay has gone back: all processes, counts and points up to now are in this one, and no others are known. */
  isRewound?: boolean;
  losses: Losses;
  /** New ones and those that have changed. */
  processes: LiveProcess[];
  threads: LiveThread[];
  /** Their ids go on from those of the last time. */
  frames: FrameRow[];
  /** PARENT (0: none), FRAME of each; ids go on. */
  stacks: number[];
  /** ID, PROCESS, THREAD, STACK (0: not known) of each new site. */
  sites: number[];
  /** ID, ALLOCATIONS, LIVE ALLOCATIONS, LIVE BYTES of each site that has changed; one that has gone has zeros. */
  counts: number[];
  /** PROCESS, TIME (ns), HEAP BYTES, RSS BYTES (-1: not known) of each new point of the time line. */
  memory: number[];
}

export const STACK_NUMBERS = 2;
export const SITE_NUMBERS = 4;
export const COUNT_NUMBERS = 4;
export const MEMORY_NUMBERS = 4;
