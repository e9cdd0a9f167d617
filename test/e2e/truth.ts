/**
 * The stated truth of a target program and its comparison with a capture.
 *
 * A program's header comment (and what it prints) has lines of this form:
 *
 *   EXPECT leaks malloc leak_it 3 3072          view, allocator, function, allocations, bytes
 *   EXPECT via leaks malloc leak_it 3 3072      the same, the function being anywhere on the stack
 *   EXPECT total leaks 5 4096                   sum over the view; then no row may exist that isn't stated
 *   EXPECT threshold brief 1 10                 ten blocks freed after exactly one other allocation
 *   EXPECT threads hold 100                     so many threads have rows of the function
 *   EXPECT frames leaf ping 1000                so many frames of ping below a row of leaf
 *   EXPECT loss unmatched_free 6                a row of `loss`; those of LOSSLESS are 0 without being stated
 *   EXPECT roots main worker                    every stack of the program holds one of these functions
 *
 * `run` or `trace` behind EXPECT limits a line to one way of recording. Allocators may be alternatives (`a|b`), `+` is a
 * space in their names (`operator+new`),
 * functions have `*` for anything. Only rows whose innermost frame lies in the program or a library built beside it
 * count: libc allocates for itself, too.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { CaptureFile } from './capture-file.ts';

export type Mode = 'run' | 'trace';

interface Sums {
  allocations: number;
  bytes: number;
}

interface RowTruth extends Sums {
  view: string;
  allocator: string;
  function: string;
}

export interface Truth {
  rows: RowTruth[];
  via: RowTruth[];
  totals: Map<string, Sums>;
  thresholds: { function: string; threshold: number; allocations: number }[];
  threads: { function: string; count: number }[];
  frames: { leaf: string; function: string; count: number }[];
  losses: Map<string, number>;
  roots: string[];
}

const VIEWS = ['high_watermark', 'leaks', 'temporary_allocations', 'allocations'];
const LOSSLESS = [
  'ring_dropped',
  'stack_truncated',
  'stack_incomplete',
  'stack_missing',
  'stack_merged',
  'module_merged',
  'unwinder_busy',
  'inflight_overflow',
  'thread_state',
  'event_invalid',
];

function emptyTruth(): Truth {
  return {
    rows: [],
    via: [],
    totals: new Map(),
    thresholds: [],
    threads: [],
    frames: [],
    losses: new Map(),
    roots: [],
  };
}

function number(text: string | undefined, line: string): number {
  const value = Number(text);
  assert.ok(text !== undefined && Number.isSafeInteger(value), `a number is missing in: ${line}`);
  return value;
}

/** view allocator function… allocations bytes; a function's name may contain spaces. */
function parseRow(words: string[], line: string): RowTruth {
  const [view] = words;
  const allocator = words[1]?.replaceAll('+', ' ');
  const name = words.slice(2, -2).join(' ');
  assert.ok(view && VIEWS.includes(view) && allocator && name, `not a row of a view: ${line}`);
  return {
    view,
    allocator,
    function: name,
    allocations: number(words.at(-2), line),
    bytes: number(words.at(-1), line),
  };
}

function parseLine(truth: Truth, words: string[], line: string): void {
  const [kind, first, second, third] = words;
  switch (kind) {
    case 'via':
      truth.via.push(parseRow(words.slice(1), line));
      break;
    case 'total':
      assert.ok(first && VIEWS.includes(first), `not a view: ${line}`);
      truth.totals.set(first, { allocations: number(second, line), bytes: number(third, line) });
      break;
    case 'threshold':
      truth.thresholds.push({
        function: first!,
        threshold: number(second, line),
        allocations: number(third, line),
      });
      break;
    case 'threads':
      truth.threads.push({ function: first!, count: number(second, line) });
      break;
    case 'frames':
      truth.frames.push({ leaf: first!, function: second!, count: number(third, line) });
      break;
    case 'loss':
      truth.losses.set(first!, number(second, line));
      break;
    case 'roots':
      truth.roots.push(...words.slice(1));
      break;
    default:
      truth.rows.push(parseRow(words, line));
  }
}

/** The truth that `texts` state for `mode`. Throws on a line it can't read and on totals that aren't the sum of rows. */
export function parseTruth(mode: Mode, ...texts: string[]): Truth {
  const truth = emptyTruth();
  for (const match of texts.join('\n').matchAll(/^[ *]*EXPECT (.*)$/gm)) {
    const words = match[1]!.trim().split(/\s+/);
    const limit = words[0] === 'run' || words[0] === 'trace' ? words.shift() : mode;
    if (limit === mode) parseLine(truth, words, match[0].trim());
  }
  for (const [view, total] of truth.totals) {
    const rows = truth.rows.filter((row) => row.view === view);
    assert.deepEqual(sum(rows), total, `stated rows of ${view} don't add up to the stated total`);
  }
  return truth;
}

/** The truth in a source file, with what the program itself stated on its standard output. */
export function readTruth(mode: Mode, source: string, stdout: string): Truth {
  const truth = parseTruth(mode, readFileSync(source, 'utf8'), stdout);
  assert.ok(truth.rows.length + truth.via.length > 0, `${source} states no rows`);
  return truth;
}

function sum(rows: Iterable<Sums>): Sums {
  const total = { allocations: 0, bytes: 0 };
  for (const row of rows) {
    total.allocations += row.allocations;
    total.bytes += row.bytes;
  }
  return total;
}

/** Whether `name` matches a pattern in which `*` stands for anything. */
export function matches(pattern: string, name: string | null): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return name !== null && new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}

/** A suffix that gcc gives to a part or a copy of a function. */
function plain(name: string | null): string | null {
  return name?.replace(/\.(part|constprop|isra|cold)\.\d+$/, '') ?? null;
}

function compareView(truth: Truth, capture: CaptureFile, view: string, differences: string[]): void {
  const rows = capture.ownRows(view);
  const claimed = new Set<number>();
  for (const stated of truth.rows.filter((row) => row.view === view)) {
    const found = rows.filter(
      (row) => stated.allocator.split('|').includes(row.allocator) && matches(stated.function, plain(row.function)),
    );
    for (const row of found) claimed.add(rows.indexOf(row));
    report(differences, `${view} ${stated.allocator} ${stated.function}`, stated, sum(found));
  }
  const total = truth.totals.get(view);
  if (!total) return;
  report(differences, `${view} total`, total, sum(rows));
  for (const [index, row] of rows.entries()) {
    if (claimed.has(index)) continue;
    differences.push(`${view} ${row.allocator} ${row.function}: not stated, recorded ${row.allocations} ${row.bytes}`);
  }
}

function compareVia(truth: Truth, capture: CaptureFile, differences: string[]): void {
  for (const stated of truth.via) {
    const found = capture
      .rows(stated.view)
      .filter((row) => stated.allocator.split('|').includes(row.allocator))
      .filter((row) => capture.frames(row.stack_id).some((frame) => matches(stated.function, plain(frame.function))));
    report(differences, `via ${stated.view} ${stated.allocator} ${stated.function}`, stated, sum(found));
  }
}

function report(differences: string[], what: string, stated: Sums, recorded: Sums): void {
  if (stated.allocations === recorded.allocations && stated.bytes === recorded.bytes) return;
  differences.push(
    `${what}: stated ${stated.allocations} ${stated.bytes}, recorded ${recorded.allocations} ${recorded.bytes}`,
  );
}

function compareStacks(truth: Truth, capture: CaptureFile, differences: string[]): void {
  const rows = capture.ownRows('allocations');
  for (const { function: name, count } of truth.threads) {
    const threads = new Set(rows.filter((row) => row.function === name).map((row) => row.tid));
    if (threads.size !== count) differences.push(`threads of ${name}: stated ${count}, recorded ${threads.size}`);
  }
  for (const { leaf, function: name, count } of truth.frames) {
    for (const row of rows.filter((candidate) => candidate.function === leaf)) {
      const found = capture.frames(row.stack_id).filter((frame) => frame.function === name).length;
      if (found !== count) differences.push(`frames of ${name} under ${leaf}: stated ${count}, recorded ${found}`);
    }
  }
  for (const row of rows) {
    const names = capture.frames(row.stack_id).map((frame) => plain(frame.function));
    if (names.some((name) => truth.roots.some((root) => matches(root, name)))) continue;
    differences.push(`stack without root (${truth.roots.join(', ')}): ${names.join(' < ')}`);
  }
}

function compareThresholds(truth: Truth, capture: CaptureFile, differences: string[]): void {
  for (const { function: name, threshold, allocations } of truth.thresholds) {
    const found = capture.temporaries(name).filter((row) => row.allocations > 0);
    const recorded = found.map((row) => `${row.threshold}: ${row.allocations}`).join(', ');
    if (recorded !== `${threshold}: ${allocations}`) {
      differences.push(`thresholds of ${name}: stated ${threshold}: ${allocations}, recorded ${recorded}`);
    }
  }
}

function compareLosses(truth: Truth, capture: CaptureFile, differences: string[]): void {
  const losses = capture.losses();
  const stated = new Map<string, number>([...LOSSLESS.map((kind): [string, number] => [kind, 0]), ...truth.losses]);
  for (const [kind, count] of stated) {
    if (losses.get(kind) !== count) {
      differences.push(`loss ${kind}: stated ${count}, recorded ${losses.get(kind) ?? 'no row'}`);
    }
  }
}

/** Every difference between the stated truth and the capture, one line each. */
export function compareTruth(truth: Truth, capture: CaptureFile): string[] {
  const differences: string[] = [];
  for (const view of VIEWS) compareView(truth, capture, view, differences);
  compareVia(truth, capture, differences);
  compareStacks(truth, capture, differences);
  compareThresholds(truth, capture, differences);
  compareLosses(truth, capture, differences);
  return differences;
}
