/** A Python web server under load is attached to and left again: every request in between is there, and none notices. */
import assert from 'node:assert/strict';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { CaptureFile, ViewRow } from './capture-file.ts';
import {
  assertNone,
  cannotFind,
  cannotRecord,
  MP,
  mp,
  openCapture,
  type Started,
  scratchFolder,
  start,
  until,
  untilTraced,
} from './helpers.ts';
import { changedCodeBytes, linksLeft, linksOf } from './probes-left.ts';
import {
  compareHealth,
  compareNativeFrames,
  comparePythonFrames,
  ENVIRONMENT,
  findPythons,
  type Python,
  pythonProgram,
  statedSites,
} from './python.ts';
import { Stacks, type StatedSite } from './stated-stacks.ts';
import { type Kind, WebClient } from './web-client.ts';

const COUNTED_REQUESTS = 300;
const ROUNDS = 4;
const ROUND_MS = 100;
/** Bounds of what noise does. That no probe is left, however cheap, is what the target's code in memory says. */
const SLOWEST = 0.5;
const DEAREST = 1.5;
const ATTEMPTS = 5;

/** The distribution's build and the newest one: there is more to it than the layouts, which other tests go through. */
function chosenPythons(): Python[] {
  const pythons = findPythons();
  const distributions = pythons.filter(({ path }) => realpathSync(path).startsWith('/usr/bin/'));
  return [...new Set([...distributions.slice(-1), pythons.at(-1)!])];
}

interface Server extends Started {
  port: number;
  client: WebClient;
}

async function startServer(t: TestContext, python: Python): Promise<Server> {
  const started = start(t, python.path, [pythonProgram('server.py')], { env: ENVIRONMENT });
  const line = await until(`the port; ${started.stderr()}`, () => /^\d+\n/.exec(started.stdout())?.[0]);
  const port = Number(line);
  const client = new WebClient(port);
  t.after(() => client.stop());
  await client.measure(ROUND_MS); // what runs for the first time is slow
  return { ...started, port, client };
}

/** CPU time of a process so far, in clock ticks (proc_pid_stat(5)). */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** One server as a multiple of another. */
interface Speed {
  /** Answers per second. */
  rate: number;
  /** CPU time per answer, which does not depend on what else the machine does. */
  cost: number;
}

/** Measured in rounds that alternate. */
async function compareSpeed(server: Server, other: Server): Promise<Speed> {
  const began = [server, other].map(({ pid, client }) => ({ ticks: cpuTicks(pid), answers: client.total() }));
  const rates = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    rates[0]! += await server.client.measure(ROUND_MS);
    rates[1]! += await other.client.measure(ROUND_MS);
  }
  const costs = [server, other].map(
    ({ pid, client }, index) => (cpuTicks(pid) - began[index]!.ticks) / (client.total() - began[index]!.answers),
  );
  return { rate: rates[0]! / rates[1]!, cost: costs[0]! / costs[1]! };
}

/** The same, again while it is not as fast as before: noise passes, what was left behind in a server does not. */
async function compareSpeedAgain(server: Server, other: Server, before: Speed): Promise<Speed> {
  for (let attempt = 1; ; attempt++) {
    const after = await compareSpeed(server, other);
    if (isAsFast(before, after) || attempt === ATTEMPTS) return after;
  }
}

function isAsFast(before: Speed, after: Speed): boolean {
  return after.rate >= SLOWEST * before.rate && after.cost <= DEAREST * before.cost;
}

function describeSpeed({ rate, cost }: Speed): string {
  return `${rate.toFixed(2)} × the answers per second, ${cost.toFixed(2)} × the CPU time per answer`;
}

interface Recording {
  path: string;
  counted: number;
  /** Some of these requests were served while probes were being attached or detached. */
  uncounted: { least: number; most: number };
  /** Answers per second while traced. */
  speed: number;
}

/**
 * Attaches to a server under load, and detaches. Counted requests are sent once tracing has begun, and are all answered
 * before it ends; at either edge others keep up the load.
 */
async function traceUnderLoad(t: TestContext, { pid, client }: Server): Promise<Recording> {
  const path = join(scratchFolder(t), 'capture.db');
  const { sent, answered } = client;
  client.start();
  await until('requests before tracing', () => answered.uncounted > 0);
  const before = { ...answered };

  const tracer = start(t, MP, ['trace', '-q', '--pid', `${pid}`, '-o', path]);
  await untilTraced(path, pid, tracer);
  const [attached, began] = [{ ...sent }, performance.now()];
  assert.ok(answered.uncounted > before.uncounted, 'answers while probes are attached');
  client.kind = 'counted';
  await until('counted requests', () => answered.counted >= COUNTED_REQUESTS || client.failures.length > 0);
  const speed = answered.counted / ((performance.now() - began) / 1000);
  client.kind = 'uncounted';
  await until('their last answers', () => answered.counted === sent.counted || client.failures.length > 0);
  const links = linksOf(tracer.pid);
  assert.ok(links.length > 0, 'the tracer holds links');
  assert.ok(changedCodeBytes(pid) > 0, 'the server has breakpoints');

  const detaching = { ...answered };
  const detach = await mp(t, ['detach', `${pid}`]);
  assert.deepEqual([detach.code, detach.stderr], [0, '']);
  assert.deepEqual(await tracer.finished, { code: 0, signal: null, stdout: '', stderr: '' });
  assert.ok(answered.uncounted > detaching.uncounted, 'answers while probes are detached');
  await until('the links to go', () => linksLeft(links).length === 0, 5000);
  await until('the breakpoints to go', () => changedCodeBytes(pid) === 0, 5000);
  const uncounted = {
    least: detaching.uncounted - attached.uncounted,
    most: sent.uncounted - before.uncounted,
  };
  await client.stop();
  return { path, counted: answered.counted, uncounted, speed };
}

/** Rows with blocks of the size of a site, whatever their stacks say. */
function rowsOf(site: StatedSite, view: string, capture: CaptureFile): ViewRow[] {
  const isOf = (row: ViewRow) => row.allocator === site.allocator && row.bytes === site.bytes! * row.allocations;
  return capture.rows(view).filter(isOf);
}

/** Every difference between the stacks of rows and the stated one, each once: they are likely to have the same. */
function compareStacks(site: StatedSite, rows: ViewRow[], stacks: Stacks): string[] {
  const problems = rows.map((row) => {
    const frames = stacks.frames(row.stack_id);
    return comparePythonFrames(site.frames, frames) ?? compareNativeFrames(site, frames);
  });
  const found = new Set(problems.filter((problem) => problem !== null));
  return [...found].map((text) => `${problems.filter((problem) => problem === text).length} × ${text}`);
}

/** Every difference between what was served while traced, what the server states, and the capture. */
function compareRequests(sites: Record<Kind, StatedSite>, recording: Recording, capture: CaptureFile): string[] {
  const stacks = new Stacks(capture);
  const { least, most } = recording.uncounted;
  const differences = ['allocations', 'leaks'].flatMap((view) => {
    const [counted, uncounted] = [rowsOf(sites.counted, view, capture), rowsOf(sites.uncounted, view, capture)];
    const [requests, others] = [blocks(counted), blocks(uncounted)];
    return [
      ...(requests === recording.counted ? [] : [`${requests} requests, ${recording.counted} were served`]),
      ...(others >= least && others <= most ? [] : [`${others} other requests, ${least} to ${most} were served`]),
      ...compareStacks(sites.counted, counted, stacks),
      ...compareStacks(sites.uncounted, uncounted, stacks),
    ].map((difference) => `${view}: ${difference}`);
  });
  return [...differences, ...compareHealth(capture)];
}

function blocks(rows: ViewRow[]): number {
  return rows.reduce((total, row) => total + row.allocations, 0);
}

describe('a Python web server under load', { skip: cannotRecord() || cannotFind('bpftool') }, () => {
  for (const python of chosenPythons()) {
    test(`${python.version} (${python.path})`, async (t) => {
      const [counted, uncounted] = statedSites(python, 'server.py') as [StatedSite, StatedSite];
      const functions = counted.frames.map(([name]) => name.replace(/^.*\./, ''));
      assert.deepEqual(functions.slice(0, 2), ['do_GET', 'handle_one_request']);
      assert.ok(functions.includes('process_request_thread'));

      const [server, untouched] = await Promise.all([startServer(t, python), startServer(t, python)]);
      assert.equal(changedCodeBytes(server.pid), 0);
      const before = await compareSpeed(server, untouched);
      const recording = await traceUnderLoad(t, server);
      const after = await compareSpeedAgain(server, untouched, before);
      const speeds = `before: ${describeSpeed(before)}; after: ${describeSpeed(after)}`;
      t.diagnostic(`${python.version} compared with an untouched server, ${speeds}`);
      const slowest = `${Math.round(server.client.slowestMs)} ms, untouched ${Math.round(untouched.client.slowestMs)} ms`;
      t.diagnostic(
        `${Math.round(recording.speed)} answers per second while traced; the slowest of all took ${slowest}`,
      );

      for (const { child, finished, client, port } of [server, untouched]) {
        assertNone(client.failures);
        child.kill('SIGTERM');
        const stdout = `${port}\nserved ${client.total()}\n`;
        assert.deepEqual(await finished, { code: 0, signal: null, stdout, stderr: '' });
      }
      assert.ok(isAsFast(before, after), `slower than it was; ${speeds}`);
      assertNone(compareRequests({ counted, uncounted }, recording, openCapture(t, recording.path)));
    });
  }
});
