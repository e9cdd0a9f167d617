/**
 * What events leave behind: from it, those that follow can be done once more without those before. It is told piece by
 * piece, sites first, and never stands in memory a second time.
 */
import type { SiteIndex } from './accounts.ts';
import type { EventColumns } from './events.ts';
import type { ProcessIndex, ThreadIndex } from './types.ts';

export interface LiveStateVisitor {
  /** Everything a site did up to now. What it holds may be of processes that have ended. */
  site(
    site: SiteIndex,
    allocator: number,
    allocations: number,
    allocatedBytes: number,
    liveBlocks: number,
    liveBytes: number,
  ): void;
  /** `birth`: the tick of the interval that it was allocated in. */
  block(address: number, bytes: number, site: SiteIndex, birth: number): void;
  /** A mapping, or what is left of one, up to `end`. */
  mapping(address: number, end: number, bytes: number, site: SiteIndex, birth: number): void;
  /** The block of a realloc that is under way, which somebody has come across. */
  released(thread: ThreadIndex, address: number, bytes: number, site: SiteIndex, birth: number): void;
  /** A munmap that must have happened, and has not been reported. */
  expected(process: ProcessIndex, start: number, end: number, expiresNs: number): void;
}

/** Events that stand together in a file, and what of them is known without reading them. */
export interface EventChunkFacts {
  /** The latest. */
  readonly lastNs: number;
  /** Of the interval that was open when it began. */
  readonly firstTick: number;
  /** What processes held at most, of those that allocated or freed: process, bytes. */
  readonly peaks: readonly (readonly [ProcessIndex, number])[];
  /** Processes whose addresses became void. */
  readonly ends: readonly ProcessIndex[];
}

/** Of those that are recorded: the events [from, to) since the last commit. */
export interface EventChunk extends EventChunkFacts {
  readonly from: number;
  readonly to: number;
}

/** Events of a capture, from the first to the last. */
export interface EventSource {
  /** Null: it has to be read. */
  readonly chunks: readonly (EventChunkFacts | null)[];
  /** Whether what is live when the chunk begins is known. It can be read then without those before. */
  hasState(chunk: number): boolean;
  visitState(chunk: number, visitor: LiveStateVisitor): void;
  /** The chunk behind the last one, or one that has a state, or the first. */
  read(chunk: number): EventColumns;
}
