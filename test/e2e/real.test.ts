/**
 * Real programs: a redis-server that is attached to under load, and two whose numbers heaptrack knows, too: the
 * compiler proper of gcc and a C++ program.
 *
 * heaptrack sees calls of the malloc family only, hence no mmap. It preloads a library that brings the C++ runtime with
 * its emergency pool along: when mp records the program with that runtime preloaded, both see the same program, and
 * their numbers must be equal to the last byte.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import {
  assertNone,
  buildPrograms,
  cannotFind,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';

interface Totals {
  calls: number;
  bytes: number;
}

/** Calls and bytes of a program under heaptrack, from its histogram of sizes (lines of size and count). */
function heaptrackTotals(folder: string, command: string[]): Totals {
  const data = join(folder, 'heaptrack');
  const histogram = join(folder, 'histogram');
  execFileSync('heaptrack', ['-o', data, ...command], { stdio: 'ignore' });
  const file = ['zst', 'gz'].map((extension) => `${data}.${extension}`).find((name) => existsSync(name));
  assert.ok(file, 'heaptrack wrote its data');
  execFileSync('heaptrack_print', [file, '-H', histogram, '-a', '0', '-p', '0', '-T', '0', '-l', '0'], {
    stdio: 'ignore',
  });
  const totals = { calls: 0, bytes: 0 };
  for (const line of readFileSync(histogram, 'utf8').trim().split('\n')) {
    const [size, count] = line.split(/\s+/).map(Number) as [number, number];
    totals.calls += count;
    totals.bytes += size * count;
  }
  return totals;
}

function captureTotals(capture: CaptureFile): Totals {
  return capture.all<Totals>(
    `SELECT sum(allocations) AS calls, sum(bytes) AS bytes FROM allocations WHERE allocator NOT IN ('mmap', 'mremap')`,
  )[0]!;
}

async function recordTotals(t: TestContext, folder: string, command: string[]): Promise<Totals> {
  const path = join(folder, 'capture.db');
  const runtime = execFileSync('gcc', ['-print-file-name=libstdc++.so.6'], { encoding: 'utf8' }).trim();
  const env = { ...process.env, LD_PRELOAD: runtime };
  const finished = await mp(t, ['run', '-q', '-o', path, '--', ...command], { env });
  assert.equal(finished.code, 0, finished.stderr);
  const capture = openCapture(t, path);
  assert.equal(capture.losses().get('ring_dropped'), 0);
  assert.equal(capture.losses().get('stack_incomplete'), 0);
  assert.equal(capture.losses().get('stack_truncated'), 0);
  assertNone(capture.inconsistencies());
  return captureTotals(capture);
}

/** Records a program both ways. */
async function recordBoth(t: TestContext, command: string[]): Promise<{ ours: Totals; theirs: Totals }> {
  const folder = scratchFolder(t);
  const theirs = heaptrackTotals(folder, command);
  const ours = await recordTotals(t, folder, command);
  assert.ok(ours.calls > 100_000, `only ${ours.calls} calls`);
  return { ours, theirs };
}

/** A C file that keeps the compiler busy for about a second. */
function generateSource(): string {
  const functions: string[] = [];
  for (let i = 0; i < 120; i++) {
    functions.push(
      `struct s${i} { int a, b; double c; };`,
      `int f${i}(struct s${i} *p, int n) { int t = ${i}; for (int k = 0; k < n; k++) {`,
      `  t += p[k].a * k - p[k].b; if (t & ${i + 1}) t ^= k << 3; } return t; }`,
    );
  }
  return `${functions.join('\n')}\n`;
}

describe('the same numbers as heaptrack', { skip: cannotRecord() || cannotFind('heaptrack') }, () => {
  before(buildPrograms);

  test('a C++ program', async (t) => {
    const { ours, theirs } = await recordBoth(t, [programPath('cpp_work')]);
    assert.deepEqual(ours, theirs);
  });

  test('the compiler proper of gcc', async (t) => {
    const compiler = execFileSync('gcc', ['-print-prog-name=cc1'], { encoding: 'utf8' }).trim();
    const source = join(scratchFolder(t), 'source.c');
    writeFileSync(source, generateSource());
    const { ours, theirs } = await recordBoth(t, [compiler, '-quiet', '-O2', source, '-o', '/dev/null']);
    // Its garbage collector has a table of 32 KiB for each 4 GiB of addresses with a page of its own: by chance.
    const tables = theirs.calls - ours.calls;
    assert.ok(Math.abs(tables) <= 3, `${tables} calls more`);
    assert.equal(theirs.bytes - ours.bytes, tables * 32768);
  });
});

describe('redis-server under load', { skip: cannotRecord() || cannotFind('redis-server') }, () => {
  test('is recorded without loss, by stacks of its own', async (t) => {
    const folder = scratchFolder(t);
    const path = join(folder, 'capture.db');
    const socket = join(folder, 'redis.sock');
    const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder];
    const server = start(t, 'redis-server', options);
    await until('the socket', () => existsSync(socket));
    const tracer = start(t, MP, ['trace', '-q', '--pid', `${server.pid}`, '-o', path]);
    await untilTraced(path, server.pid, tracer);
    const load = ['-s', socket, '-q', '-n', '20000', '-r', '5000', '-d', '100', '-t', 'set,lpush,hset'];
    execFileSync('redis-benchmark', load, { stdio: 'ignore' });
    tracer.child.kill('SIGINT');
    const ended = await tracer.finished;
    assert.deepEqual([ended.code, ended.stderr], [0, '']);

    const capture = openCapture(t, path);
    const losses = capture.losses();
    assert.equal(losses.get('ring_dropped'), 0);
    assert.equal(losses.get('stack_incomplete'), 0);
    assertNone(capture.inconsistencies());
    const [summary] = capture.all<{ allocations: number; leaked_bytes: number }>('SELECT * FROM process_summary');
    // SET with a new key, LPUSH of an element and HSET of a field keep at least one block each.
    assert.ok(summary!.allocations > 20_000, `${summary!.allocations} allocations`);
    assert.ok(summary!.leaked_bytes > 5000 * 100, `${summary!.leaked_bytes} live bytes`);
    const top = capture.all<{ module: string }>('SELECT module FROM allocations ORDER BY allocations DESC LIMIT 5');
    assert.ok(
      top.some((row) => /redis/.test(row.module)),
      JSON.stringify(top),
    );

    // The server that was traced still answers.
    const answer = execFileSync('redis-cli', ['-s', socket, 'ping'], { encoding: 'utf8' });
    assert.equal(answer, 'PONG\n');
    server.child.kill('SIGTERM');
    assert.equal((await server.finished).code, 0);
  });
});
