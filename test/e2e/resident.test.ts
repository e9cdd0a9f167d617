/** Where the resident memory of programs is that state where they have it: C, Python, and every Node. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { CaptureFile } from './capture-file.ts';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  programPath,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { findNodes } from './node.ts';
import { findPythons } from './python.ts';
import type { Mode } from './truth.ts';

const PROGRAMS = resolve(import.meta.dirname, '../programs');
const MIB = 2 ** 20;
/** What libc, the program's own data and the like come to. */
const SLACK_MIB = 2;
const RSS_SHARE = 0.05;

type Row = Record<string, number>;

interface Recorded {
  path: string;
  /** By time. */
  rows: Row[];
  /** The first that was taken after the program was ready. */
  row: Row;
  /** What the program said before. */
  said: Row;
  /** Resident bytes right after the row was taken. */
  rssBytes: number;
}

function rowsOf(path: string): Row[] {
  const capture = new CaptureFile(path, '');
  try {
    return capture.all<Row>('SELECT * FROM resident ORDER BY time_ns');
  } finally {
    capture.close();
  }
}

/** Of the process that is recorded, by the kernel's own count (proc_pid_statm(5)). */
function rssOf(path: string): number {
  const capture = new CaptureFile(path, '');
  try {
    const { pid } = capture.processes()[0]!;
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  } finally {
    capture.close();
  }
}

/** When the recording began, or a little before. */
function startedMs(path: string): number {
  const capture = new CaptureFile(path, '');
  try {
    return Date.parse(capture.meta('started_at')!);
  } finally {
    capture.close();
  }
}

/** Records a program that says when it is ready, and lets it end when it was looked at in that state. */
async function recordReady(t: TestContext, mode: Mode, command: string[]): Promise<Recorded> {
  const folder = scratchFolder(t);
  const [path, gate] = [join(folder, 'capture.db'), join(folder, 'gate')];
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, NODE_V8_COVERAGE, ...inherited } = process.env;
  const env = { ...inherited, MP_GATE: gate };
  if (mode === 'run') writeFileSync(gate, '');
  const program =
    mode === 'run'
      ? start(t, MP, ['run', '-q', '-o', path, '--', ...command], { env })
      : start(t, command[0]!, command.slice(1), { env });
  const tracer = mode === 'run' ? program : start(t, MP, ['trace', '-q', '--pid', `${program.pid}`, '-o', path]);
  await untilTraced(path, mode === 'run' ? null : program.pid, tracer);
  writeFileSync(gate, '');
  const said = await until('"ready"', () => /^ready (.*)\n/m.exec(program.stdout())?.[1], 50_000);
  // rows come late: which of them were taken since then only their times tell
  const readyNs = (Date.now() - startedMs(path)) * 1e6;
  const row = await until('a look at the memory', () => rowsOf(path).find((one) => one.time_ns! > readyNs));
  const rssBytes = rssOf(path);
  rmSync(gate);
  const [ended, traced] = await Promise.all([program.finished, tracer.finished]);
  assert.deepEqual([ended.code, ended.stderr, traced.code, traced.stderr], [0, '', 0, '']);
  return { path, rows: rowsOf(path), row, said: JSON.parse(said), rssBytes };
}

function assertNear(what: string, bytes: number, expectedBytes: number, slackBytes = SLACK_MIB * MIB): void {
  const text = `${what}: ${(bytes / MIB).toFixed(1)} MiB, not ${(expectedBytes / MIB).toFixed(1)} MiB`;
  assert.ok(Math.abs(bytes - expectedBytes) <= slackBytes, text);
}

function assertSums({ rows, row, rssBytes }: Recorded): void {
  for (const one of rows) {
    const parts = ['v8_heap', 'jit_code', 'brk', 'anonymous', 'stack', 'file', 'shared'];
    assert.equal(
      parts.reduce((sum, part) => sum + (one[`${part}_bytes`] ?? 0), 0),
      one.rss_bytes,
    );
  }
  assertNear('RSS', row.rss_bytes!, rssBytes, RSS_SHARE * rssBytes);
}

/** What `mp summary` says of growth. */
async function summary(t: TestContext, path: string): Promise<string> {
  const { stdout, code } = await mp(t, ['summary', '-r', '1', path]);
  assert.equal(code, 0);
  return /RSS grew[^\n]*\n[^\n]*/.exec(stdout)?.[0].replaceAll('\n', ' ') ?? stdout;
}

describe('resident memory', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  for (const mode of ['run', 'trace'] as const) {
    test(`of a C program, ${mode}`, async (t) => {
      const recorded = await recordReady(t, mode, [programPath('resident')]);
      assertSums(recorded);
      const kinds = { brk: 10, anonymous: 60, jit_code: 3, stack: 2, shared: 15, untouched: 500 };
      for (const [kind, expected] of Object.entries(kinds))
        assertNear(kind, recorded.row[`${kind}_bytes`]!, expected * MIB, kind === 'untouched' ? 16 * MIB : undefined);
      assertNear('file', recorded.row.file_bytes!, 25 * MIB, 4 * MIB);
      assert.deepEqual([recorded.row.v8_heap_bytes, recorded.row.live_buffer_bytes], [null, null]);
      const text = await summary(t, recorded.path);
      assert.match(
        text,
        /RSS grew by 1\d\d\.\d+ MiB: other anonymous memory by (5[89]|6[0-2])\.\d+ MiB, mapped files by/,
      );
    });

    test(`of a Python program, ${mode}`, async (t) => {
      const [python] = findPythons();
      const program = join(PROGRAMS, 'python/resident.py');
      const recorded = await recordReady(t, mode, [python!.path, program]);
      assertSums(recorded);
      assertNear('shared', recorded.row.shared_bytes!, 15 * MIB);
      assertNear('native', recorded.row.anonymous_bytes! + recorded.row.brk_bytes!, 40 * MIB, 8 * MIB);
    });

    for (const node of findNodes()) {
      const command = [node.path, join(PROGRAMS, 'node/resident.cjs')];

      test(`Buffers grow and the heap does not, ${mode}, ${node.version}`, async (t) => {
        const recorded = await recordReady(t, mode, [...command, 'buffers']);
        const { row, said, rows } = recorded;
        assertSums(recorded);
        assertNear('Buffers', row.live_buffer_bytes!, 100 * MIB);
        assertNear('brk and anonymous', row.brk_bytes! + row.anonymous_bytes!, 105 * MIB, 10 * MIB);
        assert.ok(row.v8_heap_bytes! > 0 && row.v8_heap_bytes! <= said.heapTotal! + MIB, `${row.v8_heap_bytes}`);
        assert.ok(rows.at(-1)!.v8_heap_bytes! > 0, 'V8 has its heap at the last moment');
        const text = await summary(t, recorded.path);
        assert.match(text, /RSS grew by 1\d\d\.\d+ MiB: Buffers by 100\.\d+ MiB[.,]/);
        assert.match(text, /V8's heap did not: it grew by ([\d.]+ [KM]iB|0 B)/);
      });

      test(`the heap grows and Buffers do not, ${mode}, ${node.version}`, async (t) => {
        const recorded = await recordReady(t, mode, [...command, 'heap']);
        const { row, said } = recorded;
        assertSums(recorded);
        assert.ok(row.v8_heap_bytes! > 40 * MIB && row.v8_heap_bytes! >= 0.9 * said.heapUsed!, `${row.v8_heap_bytes}`);
        assert.ok(row.v8_heap_bytes! <= said.heapTotal! + MIB, `${row.v8_heap_bytes} of ${said.heapTotal}`);
        assertNear('Buffers', row.live_buffer_bytes!, 0);
        assert.match(await summary(t, recorded.path), /RSS grew by \d+\.\d+ MiB: V8's heap by \d\d\.\d+ MiB/);
      });
    }
  }
});
