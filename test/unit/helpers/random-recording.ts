/** A capture of random operations, and what must be found in its ranges. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { AggregatorOptions } from '../../../src/aggregate/aggregator.ts';
import { ALLOCATOR_NAME } from '../../../src/model/abi.gen.ts';
import { type Db, openReader } from '../../../src/store/db.ts';
import type { IntervalLimits } from '../../../src/store/interval-writer.ts';
import { intervalsOf, narrow, type Window } from '../../../src/store/window.ts';
import type { WriterOptions } from '../../../src/store/writer.ts';
import { naiveWindow, type WindowNumbers } from './naive-window.ts';
import { RandomOperations } from './random-operations.ts';
import { Recording } from './recording.ts';

/** Rows `thread/allocator/function` and their numbers. */
export type SiteNumbers = Record<string, WindowNumbers>;

export class RandomRecording {
  readonly recording: Recording;
  readonly operations: RandomOperations;
  #random = 7;

  constructor(
    context: TestContext,
    seed: number,
    intervals: IntervalLimits,
    options: AggregatorOptions & WriterOptions = {},
  ) {
    this.operations = new RandomOperations(seed);
    this.recording = new Recording(context, this.operations.builder, { intervals, ...options });
  }

  /** Symbols arrive late: until then sites belong to rows without stacks. */
  run(steps: number, atCommit: (n: number) => void = () => {}, stepsPerCommit = 509): void {
    for (let step = 1, commits = 0; step <= steps; step++) {
      this.operations.step();
      if (step % 61 === 0) this.recording.apply();
      if (step % stepsPerCommit !== 0) continue;
      if (++commits === 8) this.operations.symbolize();
      this.recording.commit();
      atCommit(commits);
    }
  }

  range(): Window {
    const db = openReader(this.recording.path);
    const { widthNs, endNs } = intervalsOf(db);
    db.close();
    const [a, b] = [this.#below(endNs / widthNs), this.#below(endNs / widthNs + 1)];
    const toNs = (Math.max(a, b) + (a === b ? 1 : 0)) * widthNs;
    return { fromNs: Math.min(a, b) * widthNs, toNs: Math.min(toNs, endNs) };
  }

  /** Any range, to the nanosecond. */
  exactRange(): Window {
    const [a, b] = [this.#below(this.operations.builder.timeNs), this.#below(this.operations.builder.timeNs)];
    return { fromNs: Math.min(a, b), toNs: Math.max(a, b) + 1 };
  }

  /** From just before, at or after an event to another. */
  rangeOfEvents(): Window {
    const { changes } = this.operations.naive;
    const timeNs = () => changes[this.#below(changes.length)]!.timeNs + this.#below(3) - 1;
    const [a, b] = [timeNs(), timeNs()];
    return { fromNs: Math.max(0, Math.min(a, b)), toNs: Math.max(a, b) + 1 };
  }

  compare(window: Window, narrowTo: (db: Db, window: Window) => void = narrow): void {
    const found = rowsOf(this.recording.path, (db) => narrowTo(db, window));
    assert.equal(textOf(found), textOf(this.expected(window)), `${window.fromNs} to ${window.toNs}`);
  }

  expected({ fromNs, toNs }: Window): SiteNumbers {
    const { naive } = this.operations;
    const ends = this.recording.rows<{ id: number; ended_ns: number | null }>('SELECT id, ended_ns FROM process');
    const endOf = (process: number) => ends[process]?.ended_ns ?? Infinity;
    const bySite = naiveWindow(naive, fromNs, toNs, endOf);
    const isNamed = this.recording.rows('SELECT 1 FROM frame').length > 0;
    const expected: SiteNumbers = {};
    for (const [key, site] of naive.sites) {
      const numbers = bySite.get(site);
      if (numbers === undefined) continue;
      const [thread, allocator, stack] = key.split('/').map(Number) as [number, number, number];
      const name = (ALLOCATOR_NAME as Record<number, string>)[allocator];
      const row = `${thread + 1}/${name}/${isNamed ? `function${stack >> 1}` : '-'}`;
      expected[row] = sum(expected[row], numbers);
    }
    return expected;
  }

  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}

const NUMBERS = [
  'allocations',
  'allocated_bytes',
  'deallocated_bytes',
  'peak_allocations',
  'peak_bytes',
  'live_allocations',
  'live_bytes',
] as const;

/** A line for each site, without those that did nothing but free blocks of no bytes. */
export function textOf(sites: SiteNumbers): string {
  const lines = Object.entries(sites).map(([key, numbers]) => [key, ...NUMBERS.map((name) => numbers[name] || 0)]);
  return lines
    .filter(([, ...numbers]) => numbers.some((n) => n !== 0))
    .map((line) => line.join(' '))
    .sort()
    .join('\n');
}

function sum(a: WindowNumbers | undefined, b: WindowNumbers): WindowNumbers {
  if (a === undefined) return b;
  const names = Object.keys(a) as (keyof WindowNumbers)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as WindowNumbers;
}

function rowsOf(path: string, narrowIt: (db: Db) => void): SiteNumbers {
  const db = openReader(path);
  try {
    narrowIt(db);
    const rows = db.all<WindowNumbers & { key: string }>(`
      SELECT s.thread_id || '/' || s.allocator || '/' || coalesce(f.function, '-') AS key, s.allocations, s.allocated_bytes,
             s.deallocated_bytes, s.peak_allocations, s.peak_bytes, s.live_allocations, s.live_bytes
      FROM site s LEFT JOIN stack k ON k.id = s.stack_id LEFT JOIN frame f ON f.id = k.frame_id`);
    return Object.fromEntries(rows.map(({ key, ...numbers }) => [key, numbers]));
  } finally {
    db.close();
  }
}
