/**
 * Writes what happened in intervals, and keeps the number of rows bounded however long is recorded: when they become too
 * many, intervals are made twice as wide, and the rows of each two that become one are added up.
 *
 *     width 1    [0 1 2 3 4 5 6 7]        too many
 *     width 2    [0   2   4 5 6 7] 8      the second commit later: 0 to 5 are done; 8 is recorded with the new width
 *     width 2    [0   2   4   6  ] 8
 *
 * Rows of narrower intervals answer for every range of wider ones, so it does not matter to readers how far this has got,
 * and it can be done in small steps.
 */

import type { Accounts } from '../model/accounts.ts';
import { type ClosedIntervals, TICK_NS } from '../model/intervals.ts';
import type { Db } from './db.ts';
import * as merge from './interval-merge.ts';
import * as queries from './queries.ts';

/** Rows of all intervals, at about 20 bytes each. Above, their number is bounded by that of the sites. */
const MAX_ROWS = 2 ** 19;
/** A site takes two rows for each interval, and one for each two of them; below this, two or three intervals are left. */
const MIN_ROWS_PER_PART = 4;
/** Of each of the two large tables in one commit: more than are recorded until the next. */
const MERGED_ROWS = 12_288;

interface State {
  rows: number;
  parts: number;
  /** All rows are of intervals at least as wide as this, … */
  mergedTicks: number;
  /** … and those before this tick are as wide as that. */
  mergedTo: number;
  targetTicks: number;
  interval_ns: number;
  interval_end_ns: number;
}

export interface IntervalLimits {
  maxRows?: number;
  minRowsPerPart?: number;
  mergedRows?: number;
}

export class IntervalWriter {
  readonly #db: Db;
  readonly #maxRows: number;
  readonly #minRowsPerPart: number;
  readonly #mergedRows: number;
  #isReady = false;
  /** Row of `site` by site, as they are to be written. */
  readonly #assigned = new Map<number, number>();
  #state: State = {
    rows: 0,
    parts: 0,
    mergedTicks: 1,
    mergedTo: 0,
    targetTicks: 1,
    interval_ns: 0,
    interval_end_ns: -1,
  };
  #committed: State = this.#state;

  constructor(db: Db, limits: IntervalLimits = {}) {
    const { maxRows = MAX_ROWS, minRowsPerPart = MIN_ROWS_PER_PART, mergedRows = MERGED_ROWS } = limits;
    this.#db = db;
    this.#maxRows = maxRows;
    this.#minRowsPerPart = minRowsPerPart;
    this.#mergedRows = mergedRows;
  }

  /** The site belongs to this row from now on. */
  assign(site: number, row: number): void {
    this.#assigned.set(site, row);
  }

  /** Inside a transaction. `hasRow` tells whether a site has a row in the capture. */
  write(accounts: Accounts, hasRow: (site: number) => boolean): void {
    const { intervals } = accounts;
    if (intervals === null && accounts.events === null) return;
    this.#state = { ...this.#committed };
    this.#writeParts(accounts);
    if (intervals === null) return;
    if (!this.#isReady) merge.prepare(this.#db);
    this.#isReady = true;
    this.#writeRows(intervals, accounts, hasRow);
    this.#mergeSome(intervals);
    this.#writeMeta('interval_ns', intervals.widthTicks * TICK_NS);
    this.#writeMeta('interval_end_ns', intervals.openTick * TICK_NS);
  }

  failed(): void {
    this.#isReady = false;
  }

  /** What was written is on the disk. From now on intervals are wider if there were too many rows. */
  committed({ intervals }: Accounts): void {
    this.#assigned.clear();
    this.#committed = this.#state;
    if (intervals === null || this.#committed.mergedTicks < intervals.widthTicks) return;
    if (this.#committed.rows > Math.max(this.#maxRows, this.#minRowsPerPart * this.#committed.parts)) intervals.widen();
  }

  #writeParts(accounts: Accounts): void {
    for (const [site, row] of this.#assigned) {
      this.#db.run(queries.PUT_PART, [site + 1, processOf(site, accounts) + 1, row + 1]);
      this.#state.parts = Math.max(this.#state.parts, site + 1);
    }
  }

  #writeRows({ sites, frees, peaks }: ClosedIntervals, accounts: Accounts, hasRow: (site: number) => boolean): void {
    for (const row of sites) {
      const site = row[1]!++;
      if (!hasRow(site)) this.#db.run(queries.PUT_PART_WITHOUT_SITE, [site + 1, processOf(site, accounts) + 1]);
      this.#db.run(queries.PUT_ALLOCATED, row);
    }
    for (const row of frees) {
      const site = row[1]!++;
      if (!hasRow(site)) this.#db.run(queries.PUT_PART_WITHOUT_SITE, [site + 1, processOf(site, accounts) + 1]);
      this.#db.run(queries.PUT_FREED, row);
    }
    for (const row of peaks) {
      row[1]!++;
      this.#db.run(queries.PUT_PEAK, row);
    }
    this.#state.rows += sites.count + frees.count + peaks.count;
  }

  #writeMeta(key: 'interval_ns' | 'interval_end_ns', value: number): void {
    if (this.#state[key] === value) return;
    this.#state[key] = value;
    this.#db.run(queries.SET_META, [key, String(value)]);
  }

  /** Adds up the next rows that are of narrower intervals than the present ones. */
  #mergeSome({ widthTicks, openTick }: ClosedIntervals): void {
    const state = this.#state;
    if (state.mergedTicks === widthTicks) return;
    if (state.targetTicks !== widthTicks) state.mergedTo = 0;
    state.targetTicks = widthTicks;
    const endTick = openTick - (openTick % widthTicks);
    const from = state.mergedTo;
    const to = Math.min(endTick, merge.nextEnd(this.#db, from, this.#mergedRows, widthTicks));
    if (to > from) state.rows += merge.mergeRange(this.#db, from, to, widthTicks);
    state.mergedTo = Math.max(from, to);
    if (state.mergedTo >= endTick) state.mergedTicks = widthTicks;
  }
}

function processOf(site: number, accounts: Accounts): number {
  return accounts.processOfThread(accounts.threadOf(site));
}
