import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { register as registerTable } from '../../../src/cli/commands/table.ts';
import {
  cancelTasks,
  DisplayTop,
  DisplayTopTask,
  disable,
  enable,
  Filter,
  getTasks,
  getTracedMemory,
  isEnabled,
  Snapshot,
  TakeSnapshotTask,
  Task,
  UserError,
} from '../../../src/lib/index.ts';
import { CaptureFixture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';
import { AFTER, AFTER_AT, BEFORE, BEFORE_AT, METRICS_BEFORE, makeSnapshot } from '../top/snapshots.ts';

process.env.TZ = 'UTC';

const LIMIT_MS = 30_000;

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!condition()) {
    assert.ok(Date.now() < end, `waited for ${what}`);
    await sleep(5);
  }
}

/** A capture that is being recorded, and enabled; `setBytes` is a commit of the recorder. */
function recording(t: TestContext): { path: string; setBytes(bytes: number): void; end(): void } {
  const path = join(temporaryFolder(t), 'recording.db');
  const capture = new CaptureFixture(path);
  capture.meta({ status: 'recording', tracer_pid: '1', started_at: BEFORE_AT });
  const traced = capture.process({ pid: process.pid, comm: 'app' });
  const thread = capture.thread(traced, process.pid, 'app');
  const stack = capture.stack(capture.frame({ function: 'main', file: '/src/main.c', line: 3 }));
  const site = capture.site({ process: traced, thread, allocator: 'malloc', stack, all: [1, 10], live: [1, 10] });
  enable(path);
  t.after(() => {
    cancelTasks();
    disable();
    capture.close();
  });
  return {
    path,
    setBytes: (bytes) => capture.db.run('UPDATE site SET live_bytes = ? WHERE id = ?', [bytes, site]),
    end: () => capture.db.run("UPDATE meta SET value = 'complete' WHERE key = 'status'"),
  };
}

function fileOf(): { write(text: string): void; text: string } {
  return {
    text: '',
    write(text) {
      this.text += text;
    },
  };
}

test('a snapshot is loaded, filtered, written and read again by every report', async (t) => {
  const folder = temporaryFolder(t);
  const [path, copy] = [join(folder, 'a.db'), join(folder, 'b.db')];
  makeSnapshot(path, AFTER_AT, AFTER, { metrics: METRICS_BEFORE, blocks: [[0x10, 5002, 'B']] });
  const snapshot = Snapshot.load(path);
  snapshot.applyFilters([new Filter(true, '*/view.py')]);
  snapshot.addMetric('own', 0.5, 'percent');
  assert.throws(() => snapshot.addMetric('own', 1, 'int'), /name already present: own/);
  snapshot.write(copy);
  assert.throws(() => snapshot.write(copy), UserError);
  const again = Snapshot.load(copy);
  assert.deepEqual(again.timestamp, new Date(AFTER_AT));
  assert.equal(again.pid, 77);
  assert.deepEqual(
    again.traces?.map(({ address, size }) => [address, size]),
    [[0x10, 5002]],
  );
  assert.deepEqual(
    again.traces?.[0]?.traceback.map(({ line }) => line),
    [7, 1],
  );
  assert.equal(again.getMetric('own'), 0.5);
  assert.equal(again.getMetric('nothing', 'else'), 'else');
  assert.deepEqual(
    [...again.topBy('line').stats.values()],
    [{ key: ['/srv/app/web/view.py', 7], size: 5002, count: 2 }],
  );
  const { out } = await runCommand(registerTable, ['table', '--json', copy]);
  assert.deepEqual(
    JSON.parse(out).rows.map((row: { bytes: number }) => row.bytes),
    [5002],
  );
});

test('groups of a snapshot, compared', (t) => {
  const folder = temporaryFolder(t);
  makeSnapshot(join(folder, 'a.db'), BEFORE_AT, BEFORE);
  makeSnapshot(join(folder, 'b.db'), AFTER_AT, AFTER);
  const [old, now] = ['a.db', 'b.db'].map((name) => Snapshot.load(join(folder, name)).topBy('filename'));
  const diff = now!.compareTo(old);
  diff.sort();
  assert.deepEqual(
    diff.differences.slice(0, 2).map(({ key, sizeDiff, countDiff }) => [key[0], sizeDiff, countDiff]),
    [
      ['/srv/app/util.py', 1048576 - 1572864, -10],
      ['/srv/app/web/view.py', 5002 - 6146, -9],
    ],
  );
  assert.throws(() => Snapshot.load(join(folder, 'a.db')).topBy('address'), /need traces/);
  assert.throws(() => Snapshot.load(join(folder, 'a.db')).topBy('colour' as 'line'), RangeError);
});

test('a top of what is being recorded', (t) => {
  const { setBytes } = recording(t);
  const file = fileOf();
  const display = new DisplayTop();
  display.metrics = false;
  display.display(5, { file, callback: (snapshot) => snapshot.addMetric('own', 1, 'int') });
  assert.match(file.text, /^\S+ \S+: Top 1 allocations per filename and line number\n#1: \/src\/main.c:3: size=10 B/m);
  setBytes(30);
  display.display(5, { file });
  assert.match(file.text, /\(compared to .*\)\n#1: \/src\/main.c:3: size=30 B \(\+20 B\), count=1 \(\+0\)\n/);
  file.text = '';
  const snapshot = display.display(5, { groupBy: 'filename', file });
  assert.match(file.text, /: Top 1 allocations per filename\n/);
  assert.equal(snapshot.stats[0]!.size, 30);
  assert.deepEqual(getTracedMemory(), { size: 30, maxSize: 30 });
});

test('nothing is enabled', () => {
  assert.equal(isEnabled(), false);
  assert.throws(() => Snapshot.create(), /tracing must be enabled to take a snapshot/);
  assert.throws(() => getTracedMemory(), /tracing must be enabled/);
  const task = new Task(() => 1);
  task.setDelay(1);
  assert.throws(() => task.schedule(), /tracing must be enabled to schedule a task/);
  assert.throws(() => enable('/no/such.db'), UserError);
  assert.equal(isEnabled(), false);
});

test('what a task refuses', (t) => {
  recording(t);
  const task = new Task((a: number, b: number) => a + b, 1, 2);
  assert.equal(task.call(), 3);
  assert.throws(() => task.schedule(), /needs a memory threshold or a delay/);
  for (const value of [0, -1, Number.NaN]) {
    assert.throws(() => task.setDelay(value), RangeError);
    assert.throws(() => task.setMemoryThreshold(value), RangeError);
  }
  task.setDelay(1);
  for (const repeat of [0, -1, 1.5]) assert.throws(() => task.schedule(repeat), RangeError);
  assert.equal(task.isScheduled(), false);
  task.cancel();
});

test('a delay fires though nothing is allocated; repeat 3 gives three', async (t) => {
  recording(t);
  let calls = 0;
  const task = new Task(() => calls++);
  task.setDelay(0.01);
  task.schedule(3);
  assert.deepEqual(getTasks(), [task]);
  await until('three calls', () => !task.isScheduled());
  assert.equal(calls, 3);
  assert.deepEqual(getTasks(), []);
});

test('a threshold fires for an allocation and for its release', async (t) => {
  const { setBytes } = recording(t);
  const seen: number[] = [];
  const task = new Task(() => seen.push(getTracedMemory().size));
  task.setMemoryThreshold(0.75 * 2 ** 20);
  assert.equal(task.getMemoryThreshold(), 786432);
  task.schedule();
  for (const [i, bytes] of [10 + 2 ** 20, 10].entries()) {
    setBytes(bytes);
    await until('a call', () => seen.length === i + 1);
  }
  assert.deepEqual(seen, [10 + 2 ** 20, 10]);
  task.setMemoryThreshold(null);
  assert.equal(task.isScheduled(), false);
});

test('a task that throws is cancelled, and one whose promise is rejected', async (t) => {
  recording(t);
  const lines: string[] = [];
  t.mock.method(process.stderr, 'write', (line: string) => lines.push(line));
  for (const func of [
    () => {
      throw new Error('no luck');
    },
    () => Promise.reject(new Error('no luck')),
  ]) {
    const task = new Task(func);
    task.setDelay(0.01);
    task.schedule();
    await until('the end', () => !task.isScheduled());
  }
  assert.deepEqual(lines, Array(2).fill('mp: a task failed and is cancelled: no luck\n'));
});

test('tasks end with the recording', async (t) => {
  const { end } = recording(t);
  const task = new DisplayTopTask(25, { groupBy: 'filename', file: fileOf() });
  task.setDelay(3600);
  task.schedule();
  end();
  await until('the end', () => !task.isScheduled());
});

test('the tasks of tops and snapshots', async (t) => {
  recording(t);
  const folder = temporaryFolder(t);
  const file = fileOf();
  const top = new DisplayTopTask(1, { file });
  assert.equal(top.display().stats.length, 1);
  assert.match(file.text, /Top 1 allocations/);
  const callback = (snapshot: Snapshot) => void snapshot.addMetric('own', 7, 'int');
  const task = new TakeSnapshotTask(join(folder, '$pid-$counter.db'), { callback });
  task.setDelay(0.01);
  task.schedule(2);
  await until('two snapshots', () => !task.isScheduled() && readdirSync(folder).length === 2);
  assert.deepEqual(readdirSync(folder), [`${process.pid}-0001.db`, `${process.pid}-0002.db`]);
  const { metrics, stats } = Snapshot.load(join(folder, `${process.pid}-0002.db`));
  assert.equal(metrics.get('own')?.value, 7);
  assert.ok(metrics.get('process_memory.rss')!.value > 0);
  assert.equal(stats[0]!.size, 10);
  assert.throws(() => new TakeSnapshotTask('x.db', { traces: true }).takeSnapshot(), /does not know its single blocks/);
});

test('it is imported as mp', () => {
  const names = 'Snapshot, DisplayTop, DisplayTopTask, TakeSnapshotTask, Task, getTasks, cancelTasks, Filter';
  const code = `import { ${names} } from 'mp'; console.log([${names}].every((each) => typeof each === 'function'))`;
  const options = { cwd: resolve(import.meta.dirname, '../../..'), encoding: 'utf8' } as const;
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', code], options), 'true\n');
});
