/** What a temporal page computes, against what the store says of the same range of time. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { narrowed } from '../../../src/cli/reports/narrow.ts';
import { temporalOf } from '../../../src/cli/reports/temporal.ts';
import { readFacts } from '../../../src/report/facts.ts';
import { flamegraphData } from '../../../src/report/flamegraph-data.ts';
import { decodeColumns } from '../../../src/report/page/decode.ts';
import type { FlamegraphData } from '../../../src/report/page/format.ts';
import { pageWindow, type TimeWindow } from '../../../src/report/page/window.ts';
import { type Selection, selectedSites } from '../../../src/report/selection.ts';
import { openReader } from '../../../src/store/db.ts';
import type { IntervalLimits } from '../../../src/store/interval-writer.ts';
import { Reader } from '../../../src/store/reader.ts';
import { RandomOperations } from '../helpers/random-operations.ts';
import { Recording } from '../helpers/recording.ts';
import { HIGH_WATERMARK } from './command.ts';

const WINDOWS = 50;

function record(context: TestContext, seed: number, intervals: IntervalLimits = {}): string {
  const operations = new RandomOperations(seed);
  const recording = new Recording(context, operations.builder, { intervals });
  for (let step = 1; step <= 8000; step++) {
    operations.step();
    if (step % 400 === 0) operations.builder.sample(step % 3, step * 100);
    if (step % 61 === 0) recording.apply();
    if (step === 4000) operations.symbolize();
    if (step % 509 === 0) recording.commit();
  }
  recording.finish();
  return recording.path;
}

interface Page {
  data: FlamegraphData;
  window: TimeWindow;
  /** What the entries of leaves are called in the sums. */
  names: string[];
}

async function pageOf(path: string, options: { maxMemoryRecords?: number } = {}): Promise<Page> {
  const db = openReader(path);
  try {
    const source = new Reader(db);
    const capture = { source, facts: readFacts(source, path, 'complete') };
    const temporal = temporalOf(capture, HIGH_WATERMARK);
    const data = flamegraphData(capture, HIGH_WATERMARK, { by: null, temporal, name: '', ...options })!;
    const columns = await decodeColumns(data);
    const threads = data.threads.map(({ process, tid, name }) => `${process} ${tid} ${name}`);
    const names = Array.from(columns.leaf_node, (node, i) => {
      const frame = columns.node_frame[node]!;
      return `${threads[columns.leaf_thread[i]!]} ${columns.texts[columns.frame_function[frame]!]}`;
    });
    return { data, names, window: await pageWindow(data, columns) };
  } finally {
    db.close();
  }
}

const VIEWS = ['high_watermark', 'leaks', 'allocations', 'v8_samples'] as const;

/** `view thread function: allocations, bytes`, without what is nothing. */
type Sums = Record<string, [allocations: number, bytes: number]>;

function addTo(sums: Sums, key: string, allocations: number, bytes: number): void {
  const [a, b] = sums[key] ?? [0, 0];
  sums[key] = [a + allocations, b + bytes];
}

const sorted = (sums: Sums) =>
  Object.entries(sums)
    .filter(([, [a, b]]) => a !== 0 || b !== 0)
    .sort();

function inPage({ window, names }: Page, from: number, to: number): Sums {
  const values = window.values({ from, to });
  const sums: Sums = {};
  for (const view of VIEWS) {
    for (const [i, name] of names.entries()) {
      const [allocations, bytes] = [values[`leaf_${view}_allocations`][i]!, values[`leaf_${view}_bytes`][i]!];
      addTo(sums, `${view} ${name}`, allocations, bytes);
    }
  }
  return sums;
}

/** By a narrowed capture: what `mp table --from --to` and its like read. */
function inStore(path: string, from: string, to: string): Sums {
  const db = openReader(path);
  try {
    const whole = new Reader(db);
    const facts = readFacts(whole, path, 'complete');
    const capture = narrowed({ range: { from, to } }, db, facts);
    const functions = new Map(
      db
        .all<{ id: number; name: string }>(
          'SELECT k.id, f.function AS name FROM stack k JOIN frame f ON f.id = k.frame_id',
        )
        .map(({ id, name }) => [id, name]),
    );
    const processes = new Map(facts.processes.map(({ id }, i) => [id, i]));
    const threads = new Map(
      whole.all<{ id: number; process_id: number; tid: number; name: string }>('threads').map((row) => [row.id, row]),
    );
    const sums: Sums = {};
    for (const view of VIEWS) {
      for (const site of selectedSites(capture.source, { ...HIGH_WATERMARK, view } as Selection)) {
        const { process_id, tid, name } = threads.get(site.thread_id)!;
        const place = site.stack_id === null ? '<stack trace unavailable>' : functions.get(site.stack_id);
        addTo(sums, `${view} ${processes.get(process_id)} ${tid} ${name ?? ''} ${place}`, site.allocations, site.bytes);
      }
    }
    return sums;
  } finally {
    db.close();
  }
}

async function compare(path: string, page: Page): Promise<void> {
  const { intervals, interval_ms } = page.data.temporal!;
  let seed = 7;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  for (let n = 0; n < WINDOWS; n++) {
    const from = below(intervals);
    const to = from + 1 + below(intervals - from);
    const [fromMs, toMs] = [`${from * interval_ms}ms`, `${to * interval_ms}ms`];
    assert.deepEqual(sorted(inPage(page, from, to)), sorted(inStore(path, fromMs, toMs)), `${fromMs} to ${toMs}`);
  }
}

for (const [what, seed, intervals] of [
  ['', 3, {}],
  [', in intervals that had become wider', 99, { maxRows: 1500, minRowsPerPart: 1, mergedRows: 2000 }],
] as const) {
  test(`${WINDOWS} random windows of the page are to the byte what the store says${what}`, async (context) => {
    const path = record(context, seed, intervals);
    await compare(path, await pageOf(path));
  });
}

test('the same in wider intervals than those of the capture, of which a page can be given fewer', async (context) => {
  const path = record(context, 5);
  const [all, few] = [await pageOf(path), await pageOf(path, { maxMemoryRecords: 100 })];
  assert.ok(all.data.temporal!.intervals > 150, `${all.data.temporal!.intervals}`);
  assert.ok(few.data.temporal!.intervals <= 100 && few.data.temporal!.intervals > 25);
  assert.ok((await decodeColumns(few.data)).memory_ms.length <= 100);
  await compare(path, few);
});
