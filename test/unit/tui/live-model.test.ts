import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FRAME_RULES } from '../../../src/cli/live/live-view.ts';
import { selectedSites } from '../../../src/report/selection.ts';
import { summarize } from '../../../src/report/summary.ts';
import { openReader } from '../../../src/store/db.ts';
import { LiveReader } from '../../../src/store/live-reader.ts';
import { Reader } from '../../../src/store/reader.ts';
import { callersTree } from '../../../src/tui/live-callers.ts';
import { LiveModel } from '../../../src/tui/live-model.ts';
import { smallCapture } from '../helpers/capture-fixture.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { pythonCapture } from '../report/python-capture.ts';
import { followed } from './live-capture.ts';

const MIB = 2 ** 20;

/** `name total own allocations` of each row, bytes in MiB. */
function rows(model: LiveModel): string[] {
  return model.rows.map(
    (row) =>
      `${model.locationOf(row.location).function} ${row.totalBytes / MIB} ${row.ownBytes / MIB} ${row.allocations}`,
  );
}

test('total, own and allocations; a location has a stack once', (t) => {
  const { model } = followed(t);
  assert.deepEqual(rows(model), [
    'main 7 0 14',
    'load 5 5 6',
    'serve 2 2 8',
    'walk 1 0 2',
    '<stack trace unavailable> 0.00390625 0.00390625 1',
  ]);
  assert.deepEqual([model.heapBytes, model.timeline.highestBytes], [7 * MIB + 4096, 10 * MIB]);
  model.sort = 'ownBytes';
  model.arrange();
  assert.deepEqual(rows(model).slice(0, 2), ['load 5 5 6', 'serve 2 2 8']);
  model.sort = 'allocations';
  model.arrange();
  assert.deepEqual(rows(model).slice(0, 2), ['main 7 0 14', 'serve 2 2 8']);
});

for (const [name, make] of [
  ['native', smallCapture],
  ['Python', pythonCapture],
] as const) {
  test(`the table of a ${name} capture is what mp summary --leaks says`, (t) => {
    const path = join(temporaryFolder(t), 'capture.db');
    make(path);
    const model = new LiveModel(FRAME_RULES);
    model.apply(new LiveReader(path, () => 'recording').poll());
    // All processes, as in the report.
    for (const process of model.data.processes.values()) process.endedNs = null;
    const db = openReader(path);
    t.after(() => db.close());
    for (const native of [true, false]) {
      if (!native) model.toggleNative();
      else model.refresh();
      const source = new Reader(db);
      const selection = { view: 'leaks', threshold: 1, pid: null, tid: null } as const;
      const expected = summarize({ source, facts: {} as never }, selection, { native });
      const actual = model.rows.map((row) => ({
        ...model.locationOf(row.location),
        ...{ total: row.totalBytes, own: row.ownBytes, allocations: row.allocations },
      }));
      const byText = (texts: object[]) => texts.map((row) => JSON.stringify(row)).sort();
      const wanted = expected.map((row) => ({
        ...{ function: row.function, file: row.file },
        ...{ total: row.total_bytes, own: row.own_bytes, allocations: row.allocations },
      }));
      assert.ok(wanted.length > 2);
      assert.deepEqual(byText(actual), byText(wanted));
      const bytes = [...selectedSites(source, selection)].reduce((sum, site) => sum + site.bytes, 0);
      assert.deepEqual([model.table.bytes, model.heapBytes], [bytes, bytes]);
    }
  });
}

test('threads one by one, around the ends', (t) => {
  const { model } = followed(t);
  model.turnThread(1);
  assert.equal(model.thread, null, 'only when they are not merged');
  model.toggleMerged();
  assert.deepEqual(rows(model), ['load 4 4 4', 'main 4 0 4']);
  model.turnThread(1);
  assert.deepEqual(rows(model), [
    'load 1 1 2',
    'main 1 0 2',
    'walk 1 0 2',
    '<stack trace unavailable> 0.00390625 0.00390625 1',
  ]);
  model.turnThread(-2);
  assert.deepEqual(rows(model), ['serve 2 2 8', 'main 2 0 8']);
  model.turnThread(1);
  assert.deepEqual(rows(model), ['load 4 4 4', 'main 4 0 4']);
  model.toggleMerged();
  assert.equal(model.rows.length, 5);
});

test('one process, one with its children, or all that run', (t) => {
  const { capture, model, look } = followed(t);
  const [server, worker] = model.processes.map(({ process }) => process.id);
  assert.deepEqual(
    model.processes.map(({ depth }) => depth),
    [0, 1],
  );
  model.selectProcess({ id: worker!, withChildren: true });
  assert.deepEqual(rows(model), ['serve 2 2 8', 'main 2 0 8']);
  assert.equal(model.timeline.highestBytes, 2 * MIB);
  model.selectProcess({ id: server!, withChildren: false });
  assert.deepEqual([model.heapBytes, model.timeline.highestBytes], [5 * MIB + 4096, 8 * MIB]);
  model.selectProcess({ id: server!, withChildren: true });
  assert.deepEqual([model.heapBytes, model.timeline.highestBytes], [7 * MIB + 4096, 10 * MIB]);
  model.selectProcess(null);
  capture.end();
  look(4);
  assert.equal(model.heapBytes, 5 * MIB + 4096, 'the one that ended last');
  assert.equal(model.timeline.highestBytes, 10 * MIB);
});

test('a pause keeps the table, and the rest goes on', (t) => {
  const { capture, model, look } = followed(t);
  model.togglePaused();
  capture.set('A', 1, MIB);
  look(3);
  assert.equal(rows(model)[0], 'main 7 0 14');
  assert.deepEqual([model.heapBytes, model.samples], [4 * MIB + 4096, 2]);
  model.sort = 'ownBytes';
  model.arrange();
  assert.equal(rows(model)[0], 'load 5 5 6');
  model.togglePaused();
  assert.equal(rows(model)[1], 'load 2 2 3');
  capture.end();
  look(4);
  model.togglePaused();
  assert.equal(model.paused, null, 'nothing to pause any more');
});

test('the difference since a mark, largest first whatever its sign', (t) => {
  const { capture, model, look } = followed(t);
  model.toggleDifference();
  assert.deepEqual(rows(model), []);
  capture.set('A', 1, MIB);
  capture.set('C', 9, 3 * MIB);
  look(3);
  assert.deepEqual(rows(model), ['load -3 -3 -3', 'main -2 0 -2', 'serve 1 1 1']);
  model.setMark();
  assert.deepEqual(rows(model), []);
  model.toggleDifference();
  assert.equal(rows(model)[0], 'main 5 0 12');
});

test('leak candidates are what never goes back', (t) => {
  const { capture, model, look } = followed(t);
  model.toggleLeaks();
  assert.deepEqual(rows(model), []);
  for (let second = 3; second <= 18; second++) {
    capture.set('A', second, second * MIB);
    capture.set('B', second, (second % 4) * MIB);
    look(second);
  }
  assert.deepEqual(rows(model), ['load 18 18 18', 'main 18 0 18']);
  for (let second = 19; second <= 24; second++) look(second);
  assert.deepEqual(rows(model), [], 'it no longer grows');
});

test('filters by function, by file and by process', (t) => {
  const { model } = followed(t);
  model.setFilter('WALK');
  assert.deepEqual(rows(model), ['walk 1 0 2']);
  model.setFilter('server/serve.c');
  assert.deepEqual(rows(model), ['serve 2 2 8']);
  model.setFilter('p:worker');
  assert.deepEqual(rows(model), ['serve 2 2 8', 'main 2 0 8']);
  model.setFilter('p: 100');
  assert.equal(rows(model)[0], 'load 5 5 6');
  model.setFilter('');
  assert.equal(model.rows.length, 5);
});

test('the cursor stays on its row, except on the first', (t) => {
  const { capture, model, look } = followed(t);
  capture.set('C', 20, 20 * MIB);
  look(3);
  assert.equal(model.cursor, 0);
  assert.deepEqual(rows(model).slice(0, 3), ['main 25 0 26', 'serve 20 20 20', 'load 5 5 6']);
  model.move(1);
  capture.set('C', 1, 1);
  look(4);
  assert.equal(model.locationOf(model.selected!.location).function, 'serve');
  assert.equal(model.cursor, 4);
  assert.equal(model.scrolled(3), 2);
  model.move(-99);
  assert.deepEqual([model.cursor, model.scrolled(3)], [0, 0]);
});

test('callers and callees of a location', (t) => {
  const { model } = followed(t);
  const walk = model.rows.find(({ location }) => model.locationOf(location).function === 'walk')!;
  const { root } = callersTree(model, walk.location);
  assert.deepEqual([root.function, root.line, root.bytes, root.allocations], ['walk', 30, MIB, 2]);
  const names = (name: string) => {
    const found: string[] = [];
    let node = root.children.find((child) => child.function === name)?.children[0];
    for (; node !== undefined; node = node.children[0]) found.push(`${node.function} ${node.bytes / MIB}`);
    return found;
  };
  assert.deepEqual(names('called by'), ['walk 1', 'main 1']);
  assert.deepEqual(names('calls'), ['load 1']);
});

test('a time line of many hours keeps its highest moment', (t) => {
  const { capture, model, look } = followed(t);
  for (let minute = 1; minute < 600; minute++) {
    capture.fixture.memory(1, minute * 60_000, minute === 77 ? 99 * MIB : MIB, 1, null);
  }
  look(36_000);
  assert.equal(model.timeline.highestBytes, 101 * MIB, 'with the 2 MiB of the child');
  const columns = model.timeline.columns(60, model.data.durationNs);
  assert.equal(columns.length, 60);
  assert.deepEqual([Math.max(...columns), columns.indexOf(101 * MIB), columns[59]], [101 * MIB, 7, 3 * MIB]);
});
