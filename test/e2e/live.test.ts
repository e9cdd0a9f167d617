/** `mp live`, `--live` and `--live-remote`, as people use them, and as strangers might. */
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { openReader } from '../../src/store/db.ts';
import {
  assertNone,
  buildPrograms,
  cannotFind,
  cannotRecord,
  MP,
  openCapture,
  programPath,
  type Started,
  scratchFolder,
  sourcePath,
  start,
  until,
} from './helpers.ts';
import { terminal } from './terminal.ts';
import { compareTruth, readTruth } from './truth.ts';

const PROGRAMS = resolve(import.meta.dirname, '../programs');
const LIMIT_MS = 120_000;
const PATIENCE_MS = 500;

/** A gate that is open when the test has ended, however: the program holds the pipes that are waited for. */
function gated(t: TestContext) {
  let gate = '';
  t.after(async () => {
    if (existsSync(gate)) return;
    writeFileSync(gate, '');
    await sleep(PATIENCE_MS);
  });
  const folder = scratchFolder(t);
  gate = join(folder, 'gate');
  const env = { ...process.env, MP_GATE: gate };
  return { path: join(folder, 'capture.db'), env, gate, open: () => writeFileSync(gate, '') };
}

/** What the recorder says to viewers. */
async function invitation(recorder: Started): Promise<{ command: string; token: string; port: string }> {
  const said = await until(
    'the invitation',
    () => /Run '(MP_TOKEN=([0-9a-f]{32}) mp live (\d+))'/.exec(recorder.stderr()) ?? undefined,
    LIMIT_MS,
  );
  return { command: said[1]!, token: said[2]!, port: said[3]! };
}

interface Look {
  status: string;
  heap_bytes: number;
  allocations: number;
  rows: { function: string; total_bytes: number; own_bytes: number; allocations: number }[];
  processes: { pid: number; heap_bytes: number }[];
}

/** What a viewer with --json has printed so far. */
function looks(viewer: Started): Look[] {
  const lines = viewer.stdout().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Look);
}

const sees = (viewer: Started, name: string) =>
  until(
    `${name} in a look; mp says: ${viewer.stderr()}`,
    () => looks(viewer).some(({ rows }) => rows.some((row) => row.function === name)),
    LIMIT_MS,
  );

interface Sum {
  name: string;
  bytes: number;
  allocations: number;
}

/** What is in use in a capture now, by function, from its public views. */
function sums(path: string): { all: Sum; own: Sum[]; total: Sum[] } {
  const db = openReader(path);
  try {
    return db.transaction(() => ({
      all: db.get<Sum>("SELECT '' AS name, sum(live_bytes) AS bytes, sum(live_allocations) AS allocations FROM site")!,
      own: db.all<Sum>(
        'SELECT function AS name, sum(bytes) AS bytes, 0 AS allocations FROM leaks WHERE function IS NOT NULL GROUP BY 1',
      ),
      total: db.all<Sum>(`SELECT function AS name, sum(live_bytes) AS bytes, sum(live_allocations) AS allocations FROM (
        SELECT DISTINCT s.id, s.live_bytes, s.live_allocations, f.function
        FROM site s JOIN stack_frame f ON f.stack_id = s.stack_id WHERE f.module LIKE '%/live') GROUP BY 1`),
    }));
  } finally {
    db.close();
  }
}

describe('watching a recording', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('three viewers, two of which are killed, one of which comes back; strangers; the capture is as without them', async (t) => {
    const { path, env, open } = gated(t);
    const args = ['run', '--live-remote', '-o', path, '--', programPath('live')];
    const recorder = start(t, MP, args, { env });
    const { port, token } = await invitation(recorder);
    const strangers = Array.from({ length: 60 }, (_, i) => stranger(t, Number(port), i, token));
    assert.equal(recorder.stdout(), '', 'the program waits');
    const view = () => start(t, MP, ['live', '--json', port], { env: { ...env, MP_TOKEN: token } });
    const viewers = [view(), view(), view()];
    for (const viewer of viewers) await sees(viewer, 'keep');
    for (const viewer of viewers.slice(0, 2)) viewer.child.kill('SIGKILL');
    viewers[0] = view();
    const byFile = start(t, MP, ['live', '--json', '--interval', '0.05', path]);
    for (const viewer of [viewers[0], byFile]) await sees(viewer, 'keep');
    await Promise.all(strangers);
    open();

    const ended = await recorder.finished;
    assert.deepEqual([ended.code, ended.stdout], [0, 'kept\nok\n']);
    const capture = openCapture(t, path);
    assertNone(compareTruth(readTruth('run', sourcePath('live'), ended.stdout), capture));
    assertNone(capture.inconsistencies());
    assert.ok(!existsSync(`${path}-wal`), 'one plain file');
    for (const viewer of [viewers[0], viewers[2]!, byFile]) {
      const { code, stderr } = await viewer.finished;
      assert.deepEqual([code, stderr], [0, '']);
      const last = looks(viewer).at(-1)!;
      assert.equal(last.status, 'disconnected');
      assert.deepEqual(
        last.rows
          .filter((row) => ['store', 'keep'].includes(row.function))
          .map((row) => [row.total_bytes, row.own_bytes, row.allocations]),
        [
          [1_000_000, 1_000_000, 100],
          [1_000_000, 0, 100],
        ],
      );
    }
  });

  test('the numbers are those of SQL at the same moment', async (t) => {
    const { path, env, open } = gated(t);
    const recorder = start(t, MP, ['run', '-q', '-o', path, '--', programPath('live')], { env });
    await until('the blocks', () => recorder.stdout() === 'kept\n', LIMIT_MS);
    for (let isEqual = false; !isEqual; ) {
      const before = sums(path);
      const viewer = await start(t, MP, ['live', '--json', '--count', '1', '-n', '1000', path]).finished;
      const after = sums(path);
      const look = JSON.parse(viewer.stdout) as Look;
      // Names may still have been looked up in between.
      isEqual = isDeepStrictEqual(before, after) && after.total.length > 2;
      if (!isEqual) continue;
      assert.deepEqual([look.heap_bytes, look.allocations], [after.all.bytes, after.all.allocations]);
      const shown = new Map(look.rows.map((row) => [row.function, row]));
      for (const { name, bytes } of after.own) assert.equal(shown.get(name)?.own_bytes, bytes, name);
      for (const { name, bytes, allocations } of after.total) {
        const row = shown.get(name);
        assert.deepEqual([row?.total_bytes, row?.allocations], [bytes, allocations], name);
      }
    }
    open();
    assert.equal((await recorder.finished).code, 0);
  });

  test('what can not be done is said', async (t) => {
    const say = async (...args: string[]) => {
      const { code, stderr } = await start(t, MP, args).finished;
      return `${code} ${stderr}`;
    };
    assert.match(await say('run', '--live', '--', 'true'), /^1 mp: --live needs a terminal; use --live-remote/);
    assert.match(await say('run', '--no-wait', '--', 'true'), /^2 mp: --no-wait is for --live-remote/);
    assert.match(await say('live', '1'), /^2 mp: say the token that was printed with the port/);
    assert.match(await say('live', '--token', 'x', '1'), /^1 mp: nothing listens on port 1 of 127\.0\.0\.1/);
    assert.match(await say('live', 'none.db'), /^1 mp: No such file: none\.db/);
  });
});

/** Connects and says nothing, garbage, half a greeting, a wrong token, or a right one and more; ends when it is cut off. */
function stranger(t: TestContext, port: number, kind: number, token: string): Promise<void> {
  const words = ['', 'x'.repeat(100_000), 'mp-live', `mp-live 1 ${'0'.repeat(32)}\n`, `mp-live 1 ${token}\nmore`];
  return new Promise((done) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(words[kind % words.length]!));
    t.after(() => socket.destroy());
    socket
      .resume()
      .on('error', () => undefined)
      .on('close', () => done());
  });
}

describe('watching on a terminal', { skip: cannotRecord() || cannotFind('tmux') }, () => {
  before(buildPrograms);

  test('mp run --live of a Python program with threads, at 80x24', async (t) => {
    const { path, gate, open } = gated(t);
    const { press, click, shows, title } = terminal(t, 80, 24);
    const script = join(PROGRAMS, 'python/live.py');
    press(
      `MP_GATE=${gate} ${MP} run --live -o ${path} --python /usr/bin/python3 ${script}; echo ended with $?`,
      'Enter',
    );
    await shows(/keeper-0 keeps/);
    assert.equal(title(), `mp live ${path}`);
    press('o');
    await shows(/^Keeper\.run +1\.9\d\d MiB/m);
    press('s');
    await shows(/Status wrote .*capture\.db@1|Status wrote .*…/);
    assert.match(await shows('Q Quit'), /TID \* {2}All threads {2}Samples \d+ {2}Duration \d+\.\d seconds/);
    click('M Unmerge');
    await shows(/Thread 1 of 3 \(/);
    press('>');
    await shows(/TID \d+ {2}Thread 2 of 3 \(/);
    click('< Prev');
    await shows(/Thread 1 of 3 \(/);
    press('m', 'Space');
    await shows('Table updates paused');
    press('Space', '/');
    await shows('Filter (function or file');
    press('keeper', 'Enter');
    await shows('filter: keeper');
    press('Enter');
    await shows(/▾ Keeper\.run.*called by/s);
    press('q', 'C-z');
    assert.doesNotMatch(await shows(/[Ss]topped/), /Q Quit/);
    press('fg; echo ended with $?', 'Enter');
    await shows('filter: keeper');
    open();
    await shows('Remote has disconnected');
    press('r');
    await shows(/Duration 0\.\d\d of .*replay at 1×/s);
    press(']');
    await shows(/Duration [1-9]\.\d\d of|Duration 0\.[1-9]\d of/);
    press('q');
    const last = await shows('ended with 7');
    assert.match(last, /Capture: .*capture\.db/);
    assert.doesNotMatch(last, /Q Quit/, 'the terminal is as it was');
  });

  test('mp live CAPTURE of a Node program that forks, at 200x50', async (t) => {
    const { path, gate, open } = gated(t);
    const script = join(PROGRAMS, 'node/live.cjs');
    const other = terminal(t, 80, 24);
    other.press(`MP_GATE=${gate} ${MP} run -q --follow-fork -o ${path} ${script}; echo ended with $?`, 'Enter');
    await until('the capture', () => existsSync(path) && statSync(path).size > 0, LIMIT_MS);
    const { press, click, shows } = terminal(t, 200, 50);
    press(`${MP} live ${path}`, 'Enter');
    await shows('Quit');
    click('Own Bytes');
    await shows(/^keepInChild +2\.0\d\d MiB/m);
    const both = await shows(/^keepInParent +3\.0\d\d MiB/m);
    assert.match(both, /PID \d+ and 1 more/);
    const child = /^ +(\d+) .* {3}\S*node .*live\.cjs child/m.exec(await shows('live.cjs child'))![1]!;
    click(` ${child} `);
    assert.doesNotMatch(await shows(new RegExp(`PID ${child} {2}CMD`)), /keepInParent/);
    press('p', 'x');
    await shows(/PID \d+ and 1 more/);
    click('D Difference');
    await shows('difference since');
    open();
    await shows('Remote has disconnected');
    press('Escape');
    await other.shows('ended with 0');
  });

  test('mp run --live-remote of a C program, at 60x20', async (t) => {
    const { path, env, open } = gated(t);
    const args = ['run', '--live-remote', '--live-port', '47831', '-o', path, '--', programPath('live')];
    const recorder = start(t, MP, args, { env });
    const { command } = await invitation(recorder);
    assert.match(command, / 47831$/);
    const { press, shows } = terminal(t, 60, 20);
    assert.equal(recorder.stdout(), '', 'the program waits');
    press(command.replace(/ mp /, ` ${MP} `), 'Enter');
    await shows(/^keep +976\.563 KiB +976\.563 KiB +100/m);
    assert.equal(recorder.stdout(), 'kept\n', 'its output is on its own terminal');
    press('?');
    await shows('any key: more');
    press('x');
    await shows('ctrl+z');
    press('x', 'o');
    open();
    await shows('Remote has disconnected');
    await shows(/^keep +976\.563 KiB +976\.563 KiB +100/m);
    press('q');
    assert.equal((await recorder.finished).code, 0);
  });
});
