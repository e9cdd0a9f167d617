/**
 * Does the accounts of a range of time once more, from single events, and so to the byte at any instant: they go through
 * an aggregator as when they were recorded, but one whose intervals are the range and what was before it.
 *
 * A site of the capture stands in for its stack, so each has a site here as well.
 */

import { FLAG_MAP_FIXED, OPERATION, RECORD_WORDS } from '../model/abi.gen.ts';
import { emptyBatch } from '../model/batch.ts';
import {
  EVENT_ALLOCATE,
  EVENT_ALLOCATE_FIXED,
  EVENT_CANCEL,
  EVENT_COMMIT,
  EVENT_END,
  EVENT_FREE,
  EVENT_RELEASE,
  EVENT_SAMPLE,
  EVENT_UNMAP,
  type EventColumns,
  isOfSite,
} from '../model/events.ts';
import type { RangeRows } from '../model/intervals.ts';
import type { ThreadInfo } from '../model/types.ts';
import { type AccountedRange, Aggregator } from './aggregator.ts';

const HIGH = 2 ** 32;
const BATCH = 8192;
/** By so much times may step back in one batch. */
const SLACK_NS = 1e9;

const OPERATION_OF: Record<number, number> = {
  [EVENT_ALLOCATE]: OPERATION.ALLOCATE,
  [EVENT_FREE]: OPERATION.FREE,
  [EVENT_UNMAP]: OPERATION.UNMAP,
  [EVENT_ALLOCATE_FIXED]: OPERATION.ALLOCATE | (FLAG_MAP_FIXED << 16),
  [EVENT_COMMIT]: OPERATION.COMMIT,
  [EVENT_RELEASE]: OPERATION.RELEASE,
  [EVENT_CANCEL]: OPERATION.CANCEL,
  [EVENT_END]: OPERATION.PROCESS_END,
  [EVENT_SAMPLE]: OPERATION.SAMPLE,
};

export class Replay {
  readonly #aggregator: Aggregator;
  readonly #range: AccountedRange;
  readonly #threadOf: (site: number) => number | undefined;
  readonly #records = new Uint32Array(BATCH * RECORD_WORDS);
  #count = 0;
  #baseNs = 0;

  /**
   * @param threads all of the capture, in the order in which they were seen
   * @param threadOf the thread of a site; undefined: the site is in no report
   */
  constructor(range: AccountedRange, threads: ThreadInfo[], threadOf: (site: number) => number | undefined) {
    this.#range = range;
    this.#threadOf = threadOf;
    this.#aggregator = new Aggregator({ range });
    this.#aggregator.apply({ ...emptyBatch(), threads });
  }

  /** Applies events, the next in order. Returns false when they have come to the end of the range. */
  apply(events: EventColumns): boolean {
    const { times } = events;
    for (let i = 0; i < events.count; i++) {
      const timeNs = times[i]!;
      if (timeNs >= this.#range.toNs) {
        this.#flush();
        return false;
      }
      const sinceBaseNs = timeNs - this.#baseNs;
      if (this.#count === BATCH || sinceBaseNs < 0 || sinceBaseNs >= HIGH) this.#flush();
      if (this.#count === 0) this.#baseNs = timeNs - SLACK_NS;
      this.#put(events, i, timeNs - this.#baseNs);
    }
    this.#flush();
    return true;
  }

  #put({ operations, allocators, owners, addresses, sizes }: EventColumns, i: number, sinceBaseNs: number): void {
    const operation = operations[i]!;
    const [owner, address, size] = [owners[i]!, addresses[i]!, sizes[i]!];
    const hasSite = isOfSite(operation);
    const thread = hasSite ? this.#threadOf(owner) : owner;
    if (thread === undefined) return;
    const records = this.#records;
    const at = this.#count++ * RECORD_WORDS;
    records[at] = OPERATION_OF[operation]! | (allocators[i]! << 8);
    records[at + 1] = thread;
    records[at + 2] = hasSite ? owner : 0;
    records[at + 3] = address % HIGH;
    records[at + 4] = address / HIGH;
    records[at + 5] = size % HIGH;
    records[at + 6] = size / HIGH;
    records[at + 7] = sinceBaseNs;
  }

  #flush(): void {
    const batch = { ...emptyBatch(), records: this.#records, count: this.#count, baseTimeNs: this.#baseNs };
    if (batch.count > 0) this.#aggregator.apply(batch);
    this.#count = 0;
  }

  /** What there is to say of the range. To be called once, after the events. */
  finish(): RangeRows {
    const aggregator = this.#aggregator;
    const intervals = aggregator.intervals!;
    aggregator.passTime(this.#range.fromNs);
    intervals.close();
    const ofSite = ([tick, site, ...numbers]: number[]) => [tick!, aggregator.stackOf(site!), ...numbers];
    return {
      sites: [...intervals.sites].map(ofSite),
      frees: [...intervals.frees].map(ofSite),
      peaks: [...intervals.peaks],
      temporaries: [...this.#temporaries()],
    };
  }

  *#temporaries(): Generator<number[]> {
    for (let site = 0; site < this.#aggregator.siteCount; site++)
      for (const row of this.#aggregator.temporariesOf(site)) yield [this.#aggregator.stackOf(site), ...row];
  }
}
