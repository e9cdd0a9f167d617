/**
 * A capture as a viewer would have seen it at any moment while it was recorded, for the moments between two intervals:
 *
 *     interval        0          1          2
 *     allocated       A 8, B 2   B 4        A 1        of these freed at once: none
 *     freed                      A 8        B 2
 *     live at         ^ nothing  ^ A 8 B 2  ^ B 6      ^ A 1 B 4
 *
 * What a site had live is what was allocated before and not freed before. Going back takes off what going on has added.
 */
import { TICK_NS } from '../model/intervals.ts';
import { type LiveDelta, MEMORY_NUMBERS, SITE_NUMBERS } from '../model/live.ts';
import { StoreError, UserError } from '../util/errors.ts';
import { type Db, openReader } from './db.ts';
import { LiveReader, type StatusOf } from './live-reader.ts';
import { intervalsOf } from './window.ts';

const CHANGES = `
  SELECT p.site_id AS site, sum(c.calls) AS calls, sum(c.allocations) AS allocations, sum(c.bytes) AS bytes FROM (
    SELECT part_id, allocations AS calls, allocations - brief_allocations AS allocations, bytes - brief_bytes AS bytes
    FROM interval_allocated WHERE tick >= :from AND tick < :to
    UNION ALL
    SELECT part_id, 0, -allocations, -bytes FROM interval_freed WHERE tick >= :from AND tick < :to) c
  JOIN site_part p ON p.id = c.part_id WHERE p.site_id IS NOT NULL GROUP BY p.site_id`;

type Change = Record<'site' | 'calls' | 'allocations' | 'bytes', number>;

/** Ids of sites that a damaged capture may name, and those of samples, which are never live, are in no list. */
const UNKNOWN = 0;
const KNOWN = 1;

export class ReplayReader {
  readonly widthNs: number;
  /** When the capture ends. */
  readonly endNs: number;
  /** ISO 8601; empty if it is not known. */
  readonly startedAt: string;
  readonly #db: Db;
  /** What is known at the end. */
  readonly #all: LiveDelta;
  /** Indices of the points in `#all.memory`, by time: those of several processes are not in order. */
  readonly #points: number[];
  readonly #isKnown: Uint8Array;
  readonly #calls: Float64Array;
  readonly #allocations: Float64Array;
  readonly #bytes: Float64Array;
  #tick = 0;
  #shownPoints = 0;
  #momentNs = Number.POSITIVE_INFINITY;

  /** @throws UserError if the file can't be read, is still being recorded, or does not know what happened when. */
  constructor(path: string, statusOf: StatusOf) {
    this.#all = new LiveReader(path, statusOf).poll();
    const { sites, memory, durationNs, status } = this.#all;
    if (status === 'recording')
      throw new UserError(
        'a capture can be replayed once its recording has ended; until then mp live shows it as it goes',
      );
    this.#db = openReader(path);
    try {
      const { widthNs, endNs } = intervalsOf(this.#db);
      this.widthNs = widthNs;
      this.endNs = Math.max(endNs, durationNs);
      this.startedAt = this.#db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'started_at'")?.value ?? '';
    } catch (error) {
      this.#db.close();
      throw error;
    }
    let highest = 0;
    for (let i = 0; i < sites.length; i += SITE_NUMBERS) highest = Math.max(highest, sites[i]!);
    this.#isKnown = new Uint8Array(highest + 1);
    for (let i = 0; i < sites.length; i += SITE_NUMBERS) this.#isKnown[sites[i]!] = KNOWN;
    [this.#calls, this.#allocations, this.#bytes] = [0, 1, 2].map(() => new Float64Array(highest + 1)) as Columns;
    this.#points = Array.from({ length: memory.length / MEMORY_NUMBERS }, (_, i) => i * MEMORY_NUMBERS);
    this.#points.sort((a, b) => memory[a + 1]! - memory[b + 1]!);
  }

  /**
   * What has changed from the last moment that was asked for to this one, which is rounded down to an interval. The first
   * time, and after going back, everything. Names, stacks and sites are those of the end, which the viewer must know.
   * @throws UserError if the file is damaged.
   */
  at(momentNs: number): LiveDelta {
    const isLast = momentNs >= this.endNs;
    const moment = isLast ? this.endNs : Math.max(0, momentNs - (momentNs % this.widthNs));
    const isRewound = moment < this.#momentNs;
    const changed = this.#moveTo(isLast ? Number.MAX_SAFE_INTEGER : moment / TICK_NS);
    if (isRewound) this.#shownPoints = 0;
    this.#momentNs = moment;
    return {
      ...this.#all,
      ...{ frames: [], stacks: [], sites: [], threads: [] },
      durationNs: moment,
      isRewound,
      processes: this.#processes(moment),
      counts: this.#counts(isRewound ? this.#isKnown.keys() : changed),
      memory: this.#memoryTo(moment),
    };
  }

  close(): void {
    this.#db.close();
  }

  /** @returns the sites of which something has changed. */
  #moveTo(tick: number): Set<number> {
    const [from, to] = tick < this.#tick ? [tick, this.#tick] : [this.#tick, tick];
    const sign = tick < this.#tick ? -1 : 1;
    this.#tick = tick;
    const changed = new Set<number>();
    if (from === to) return changed;
    for (const { site, calls, allocations, bytes } of this.#changes(from, to)) {
      if (this.#isKnown[site] !== KNOWN) continue;
      this.#calls[site]! += sign * calls;
      this.#allocations[site]! += sign * allocations;
      this.#bytes[site]! += sign * bytes;
      changed.add(site);
    }
    return changed;
  }

  #changes(from: number, to: number): Change[] {
    try {
      return this.#db.all<Change>(CHANGES, { from, to });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      throw new UserError(`Failed to read capture ${this.#all.capture}: ${error.message}`);
    }
  }

  #counts(sites: Iterable<number>): number[] {
    const counts: number[] = [];
    for (const site of sites)
      if (this.#isKnown[site] !== UNKNOWN)
        counts.push(site, this.#calls[site]!, this.#allocations[site]!, this.#bytes[site]!);
    return counts;
  }

  /** As they were known then. */
  #processes(moment: number): LiveDelta['processes'] {
    return this.#all.processes
      .filter(({ startedNs }) => startedNs <= moment)
      .map((process) => ({
        ...process,
        endedNs: process.endedNs !== null && process.endedNs <= moment ? process.endedNs : null,
      }));
  }

  #memoryTo(moment: number): number[] {
    const { memory } = this.#all;
    const from = this.#shownPoints;
    while (this.#shownPoints < this.#points.length && memory[this.#points[this.#shownPoints]! + 1]! <= moment)
      this.#shownPoints++;
    return this.#points.slice(from, this.#shownPoints).flatMap((at) => memory.slice(at, at + MEMORY_NUMBERS));
  }
}

type Columns = [Float64Array, Float64Array, Float64Array];
