import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { buildPages } from '../../../scripts/build-page.ts';
import { flamegraphPage } from '../../../src/report/flamegraph.ts';
import type { Grouping } from '../../../src/report/grouping.ts';
import { type Columns, decodeColumns } from '../../../src/report/page/decode.ts';
import { type FlamegraphData, KINDS, UNITS, VIEWS } from '../../../src/report/page/format.ts';
import { Tree } from '../../../src/report/page/tree.ts';
import type { Capture } from '../../../src/report/report.ts';
import type { Selection } from '../../../src/report/selection.ts';
import { type Db, openReader } from '../../../src/store/db.ts';
import { Reader } from '../../../src/store/reader.ts';
import { CaptureFixture, forkCapture, LONG_NAME, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, temporaryFolder } from './command.ts';

const ASSETS = { style: 'p{}', script: 'void 0' };

interface Decoded {
  page: string;
  data: FlamegraphData;
  columns: Columns;
  tree: Tree;
}

async function render(
  capture: Capture,
  selection: Partial<Selection> = {},
  by: Grouping | null = null,
): Promise<Decoded> {
  const page = flamegraphPage(capture, { ...HIGH_WATERMARK, ...selection }, { by }, ASSETS);
  assert.ok(page !== null);
  const data = JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(page)![1]!) as FlamegraphData;
  const columns = await decodeColumns(data);
  return { page, data, columns, tree: new Tree(columns.node_depth as Uint32Array) };
}

function totals({ columns, tree }: Decoded, name: string, isShown = (_thread: number) => true): Float64Array {
  const entries = {
    node: columns.leaf_node as Uint32Array,
    thread: columns.leaf_thread as Uint32Array,
    value: columns[name as keyof Columns] as Float64Array,
  };
  return tree.totals(entries, isShown);
}

function nodeName({ columns }: Decoded, node: number): string {
  return columns.texts[columns.frame_function[columns.node_frame[node]!]!]!;
}

/** Function names from the root to a node. */
function pathOf(decoded: Decoded, node: number): string {
  return node === 0 ? '' : `${pathOf(decoded, decoded.tree.parent[node]!)}/${nodeName(decoded, node)}`;
}

/** A capture file with random stacks, and the same file for SQL. */
function randomCapture(t: TestContext): { capture: Capture; db: Db } {
  const path = join(temporaryFolder(t), 'mp-random.1.db');
  const fixture = new CaptureFixture(path);
  let seed = 11;
  const random = (n: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  const some = (): [number, number] => {
    const allocations = random(3);
    return [allocations, allocations * random(300)];
  };
  fixture.db.exec('BEGIN');
  const frames = Array.from({ length: 40 }, (_, i) =>
    fixture.frame({ function: `f${i}`, file: `f${i}.c`, line: i + 1 }),
  );
  const processes = [fixture.process({ pid: 10 }), fixture.process({ pid: 20, started_ns: 5 })];
  const threads = processes.flatMap((process) =>
    [0, 1, 2].map((i) => [process, fixture.thread(process, process * 10 + i, `t${i}`)]),
  );
  for (let i = 0; i < 800; i++) {
    const [process, thread] = threads[random(threads.length)]!;
    const length = random(10);
    const stack = length === 0 ? null : fixture.stack(...Array.from({ length }, (_, k) => frames[random(3 + k * 4)]!));
    const count = 1 + random(50);
    const live = random(count);
    if (i % 8 === 0) {
      fixture.site({ process: process!, thread: thread!, allocator: 'v8_sample', stack, all: [count, count * 40_000] });
      continue;
    }
    fixture.site({
      process: process!,
      thread: thread!,
      allocator: ['malloc', 'calloc'][random(2)]!,
      stack,
      all: [count, count * 1000 + random(1000)],
      peak: [live, live * 1001],
      live: [live >> 1, (live >> 1) * 7],
      temporary: { 0: some(), 1: some(), 9: some() },
    });
  }
  fixture.db.exec('COMMIT');
  fixture.close();
  const db = openReader(path);
  t.after(() => db.close());
  const source = new Reader(db);
  const processRows = source.all('processes') as Capture['facts']['processes'];
  const base = openCapture(t, smallCapture).facts;
  return {
    db,
    capture: { source, facts: { ...base, processes: processRows.map((row) => ({ ...row, allocations: 1 })) } },
  };
}

test('the embedded data sums up to what SQL says, in every view, unit, process and thread', async (t) => {
  const { capture, db } = randomCapture(t);
  const decoded = await render(capture);
  for (const view of VIEWS) {
    for (const unit of UNITS) {
      const sql = (where: string) =>
        db.get<{ sum: number }>(`SELECT coalesce(sum(${unit}), 0) AS sum FROM ${view} ${where}`)!.sum;
      const name = `leaf_${view}_${unit}`;
      assert.equal(totals(decoded, name)[0], sql(''), name);
      for (const [i, { pid }] of decoded.data.processes.entries()) {
        const ofProcess = totals(decoded, name, (thread) => decoded.data.threads[thread]!.process === i);
        assert.equal(ofProcess[0], sql(`WHERE pid = ${pid}`), `${name} of process ${pid}`);
      }
      for (const { tid } of decoded.data.threads) {
        const ofThread = totals(decoded, name, (thread) => decoded.data.threads[thread]!.tid === tid);
        assert.equal(ofThread[0], sql(`WHERE tid = ${tid}`), `${name} of thread ${tid}`);
      }
    }
  }
});

test('every frame has what SQL gives for all stacks that go through it', async (t) => {
  const { capture, db } = randomCapture(t);
  const decoded = await render(capture);
  const total = totals(decoded, 'leaf_allocations_bytes');
  const byPath = new Map<string, number>();
  for (let node = 1; node < decoded.tree.size; node++) {
    const path = pathOf(decoded, node);
    assert.ok(!byPath.has(path), `${path} stands there twice`);
    byPath.set(path, total[node]!);
  }
  const expected = new Map<string, number>();
  const owner = new Map(decoded.data.processes.map((process) => [process.pid, `/process ${process.pid}`]));
  const sites = 'SELECT pid, stack_id, bytes FROM allocations UNION ALL SELECT pid, stack_id, 0 FROM v8_samples';
  for (const site of db.all<{ pid: number; stack_id: number | null; bytes: number }>(sites)) {
    const frames = db.all<{ function: string }>(
      'SELECT function FROM stack_frame WHERE stack_id = ? ORDER BY position DESC',
      [site.stack_id],
    );
    const names = frames.length > 0 ? frames.map((frame) => frame.function) : ['<stack trace unavailable>'];
    let path = owner.get(site.pid)!;
    for (const name of ['', ...names]) {
      if (name !== '') path += `/${name}`;
      expected.set(path, (expected.get(path) ?? 0) + site.bytes);
    }
  }
  assert.deepEqual(new Map([...byPath].sort()), new Map([...expected].sort()));
});

test('a threshold changes only temporary allocations', async (t) => {
  const { capture, db } = randomCapture(t);
  const decoded = await render(capture, { view: 'temporary_allocations', threshold: 9 });
  const sum = db.get<{ sum: number }>('SELECT sum(bytes) AS sum FROM temporary')!.sum;
  assert.equal(totals(decoded, 'leaf_temporary_allocations_bytes')[0], sum);
  assert.equal(decoded.data.view, 'temporary_allocations');
});

test('frames of the small capture with their places, languages and order', async (t) => {
  const decoded = await render(openCapture(t, smallCapture));
  const { columns, tree } = decoded;
  const peak = totals(decoded, 'leaf_high_watermark_bytes');
  const lines = Array.from(
    peak,
    (bytes, node) => `${'  '.repeat(tree.depth[node]!)}${nodeName(decoded, node)} ${bytes}`,
  );
  assert.deepEqual(lines, [
    'all 3151424',
    '  main 3147328',
    '    walk 3145728',
    '      walk 3145728',
    `        ${LONG_NAME} 3145728`,
    '    load 1600',
    '      strdup 800',
    '    handler 0',
    '  <stack trace unavailable> 4096',
  ]);
  const frameOf = (node: number) => {
    const frame = columns.node_frame[node]!;
    const text = (column: 'frame_file' | 'frame_module') => columns.texts[columns[column][frame]!];
    return [text('frame_file'), columns.frame_line[frame], text('frame_module'), KINDS[columns.frame_kind[frame]!]];
  };
  assert.deepEqual(frameOf(5), ['/src/app/load.c', 20, '/usr/bin/app', 'native']);
  assert.deepEqual(frameOf(6), ['', 0, '/usr/lib/x86_64-linux-gnu/libc.so.6', 'native']);
  assert.deepEqual(frameOf(7), ['/src/app/handler.py', 5, '', 'python']);
  assert.deepEqual([...columns.memory_heap], [0, 1_500_000, 3_151_424, 560]);
  assert.deepEqual([...columns.memory_ms], [0, 500, 1200, 2500]);
});

test('processes, and threads if split, stand above the frames', async (t) => {
  const capture = openCapture(t, forkCapture);
  const names = (decoded: Decoded) => Array.from(decoded.columns.node_frame, (_, node) => nodeName(decoded, node));
  assert.deepEqual(names(await render(capture)), [
    'all (2 processes)',
    'process 200 server -d',
    'serve',
    'process 201 server',
    'serve',
  ]);
  const split = await render(openCapture(t, smallCapture), {}, 'thread');
  const top = split.tree
    .children(0)
    .map((node) => [nodeName(split, node), totals(split, 'leaf_high_watermark_bytes')[node]]);
  assert.deepEqual(top, [
    ['thread 101 worker', 3146528],
    ['thread 100 app', 4896],
  ]);
});

test('nothing in the selected view is no page', (t) => {
  const capture = openCapture(t, smallCapture);
  assert.equal(flamegraphPage(capture, { ...HIGH_WATERMARK, pid: 3 }, { by: null }, ASSETS), null);
  const none: Selection = { ...HIGH_WATERMARK, view: 'leaks', tid: 555 };
  assert.equal(flamegraphPage(capture, none, { by: null }, ASSETS), null);
});

test('a very deep stack does not overflow the stack of JavaScript', async (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    fixture.db.exec('BEGIN');
    const process = fixture.process({ pid: 1 });
    const frames = Array.from({ length: 20_000 }, (_, i) => fixture.frame({ function: `level ${i % 7}`, line: i }));
    const stack = fixture.stack(...frames);
    const thread = fixture.thread(process, 1, 't');
    fixture.site({ process, thread, allocator: 'malloc', stack, all: [1, 5], peak: [1, 5] });
    fixture.db.exec('COMMIT');
    fixture.close();
  });
  const decoded = await render(capture);
  assert.equal(decoded.tree.size, 20_001);
  assert.equal(totals(decoded, 'leaf_high_watermark_bytes')[20_000], 5);
});

test('the page states facts and losses, and what a target chose stays text', async (t) => {
  const evil = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>';
  const build = (path: string) =>
    smallCapture(path, {
      losses: { ring_dropped: 4 },
      warning: `no allocator found in ${evil}`,
      meta: { command_line: evil },
    });
  const { page } = await render(openCapture(t, build));
  assert.doesNotMatch(page, /<img|<script>alert/);
  assert.match(page, /<dt>Peak<\/dt><dd>3\.005 MiB<\/dd>/);
  assert.match(page, /<dt>Losses<\/dt><dd>4<\/dd>/);
  assert.match(page, /4 ring_dropped: events lost/);
  assert.match(page, /No allocator found in/);
});

let built: { style: string; script: string };

before(async (context) => {
  const folder = temporaryFolder(context as TestContext);
  mkdirSync(folder, { recursive: true });
  await buildPages(folder);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  built = { style: read('page.bundle.css'), script: read('flamegraph.bundle.js') };
});

test('one file without network: everything inside, and a policy that allows nothing else', (t) => {
  const page = flamegraphPage(openCapture(t, smallCapture), HIGH_WATERMARK, { by: null }, built)!;
  assert.doesNotMatch(page, /(?:src|href)\s*=\s*["']?(?:https?:)?\/\//);
  assert.doesNotMatch(page, /@import|url\(/);
  assert.match(page, /content="default-src 'none';/);
  const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map((match) => match[1]!);
  assert.equal(scripts.length, 1);
  const hash = createHash('sha256').update(scripts[0]!).digest('base64');
  assert.ok(page.includes(`script-src 'sha256-${hash}'`), 'the policy allows the script of the page');
  const style = /<style>(.*?)<\/style>/s.exec(page)![1]!;
  assert.ok(page.includes(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`));
  const ids = new Set([...page.matchAll(/ id="([\w-]+)"/g)].map((match) => match[1]));
  const wanted = [...built.script.matchAll(/getElementById\("([\w-]+)"\)/g)].map((match) => match[1]);
  for (const id of wanted) assert.ok(ids.has(id), `#${id}`);
});
