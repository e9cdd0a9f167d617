/**
 * Runs `mp` and target programs for the end-to-end tests. They need root, BPF and a built bin/mp: where one is missing
 * the tests are skipped with the reason, except with CI=true in the environment, where they fail.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CaptureFile } from './capture-file.ts';
import { compareTruth, type Mode, readTruth } from './truth.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const MP = join(ROOT, 'bin/mp');
const SOURCES = join(ROOT, 'test/programs');
const PROGRAMS = join(ROOT, 'build/programs');

/** Administrators' tools are not on everybody's path. */
export const TOOL_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

export type Level = 'O0' | 'O2';
export const LEVELS: Level[] = ['O0', 'O2'];

function missing(): string | false {
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'no BTF of the kernel';
  if (!existsSync(join(ROOT, 'build/js/src/cli/main.js'))) return 'mp is not built';
  return false;
}

/** Why recording can't be tested here, for the `skip` option of a test; always false with CI=true. */
export function cannotRecord(): string | false {
  return process.env.CI === 'true' ? false : missing();
}

/** Why `tool` can't be used, for the `skip` option of a test; always false with CI=true. */
export function cannotFind(tool: string): string | false {
  return process.env.CI === 'true' || isInstalled(tool) ? false : `${tool} is not installed`;
}

/** Reason to skip where a tool that no test run installs is missing, also in CI. */
export function lacks(tool: string): string | false {
  return isInstalled(tool) ? false : `${tool} is not installed`;
}

function isInstalled(tool: string): boolean {
  return TOOL_PATH.split(':').some((folder) => existsSync(join(folder, tool)));
}

/** Compiles the target programs; quick when nothing changed. Throws with the compiler's words. */
export function buildPrograms(): void {
  execFileSync('make', ['-s', '-C', SOURCES, `OUT=${PROGRAMS}`], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export function programPath(name: string, level: Level = 'O2'): string {
  return join(PROGRAMS, level, name);
}

export function sourcePath(name: string): string {
  const file = readdirSync(SOURCES).find(
    (entry) => /\.(c|cpp|rs)$/.test(entry) && entry.replace(/\..*/, '') === name.replace(/\..*/, ''),
  );
  assert.ok(file, `no source of ${name}`);
  return join(SOURCES, file);
}

/** A new empty folder, removed when the test has ended. */
export function scratchFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mp-e2e-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  pid: number;
  child: ChildProcess;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  finished: Promise<Finished>;
}

const LIMIT_MS = 60_000;

/** Starts a program and collects its output; SIGKILLs it after a minute or when the test has ended. */
export function start(t: TestContext, command: string, args: string[], options: SpawnOptions = {}): Started {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const finished = new Promise<Finished>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      done({ code, signal, ...output });
    });
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await finished.catch(() => undefined);
  });
  return { pid: child.pid!, child, stdout: () => output.stdout, stderr: () => output.stderr, finished };
}

/** Runs bin/mp to its end. */
export function mp(t: TestContext, args: string[], options: SpawnOptions = {}): Promise<Finished> {
  return start(t, MP, args, options).finished;
}

/** Polls until `condition` gives something other than undefined or false. Throws after `limitMs`, saying `what`. */
export async function until<T>(what: string, condition: () => T | undefined | false, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(5);
  }
}

/** Waits until the capture has the row of `pid` (null: any row), which says that its probes are in place. */
export async function untilTraced(path: string, pid: number | null, tracer: Started): Promise<void> {
  await until(`the process row of ${pid ?? 'the target'}; mp says: ${tracer.stderr()}`, () => {
    assert.equal(tracer.child.exitCode, null, `mp ended early: ${tracer.stderr()}`);
    return hasProcessRow(path, pid);
  });
}

function hasProcessRow(path: string, pid: number | null): boolean {
  if (!existsSync(path)) return false;
  try {
    const capture = new CaptureFile(path, '');
    try {
      return capture.processes().some((row) => pid === null || row.pid === pid);
    } finally {
      capture.close();
    }
  } catch (error) {
    // A capture that is just being created has no tables yet, or is locked for the moment.
    assert.match(String(error), /no such table|database is locked|not a database/);
    return false;
  }
}

export interface Recorded {
  capture: CaptureFile;
  path: string;
  target: Finished;
  /** In `run` mode the same as `target`. */
  tracer: Finished;
  targetPid: number;
}

export interface RecordOptions {
  level?: Level;
  programArgs?: string[];
  mpArgs?: string[];
  /** Of the target alone; a launched one gets it by env(1). */
  env?: Record<string, string>;
}

export function openCapture(t: TestContext, path: string, level: Level = 'O2'): CaptureFile {
  const capture = new CaptureFile(path, join(PROGRAMS, level));
  t.after(() => capture.close());
  return capture;
}

/** Records a program from its start. */
export async function recordRun(t: TestContext, name: string, options: RecordOptions = {}): Promise<Recorded> {
  const path = join(scratchFolder(t), 'capture.db');
  const program = programPath(name, options.level);
  const env = options.env ? ['env', ...Object.entries(options.env).map(([name, value]) => `${name}=${value}`)] : [];
  const target = [...env, program, ...(options.programArgs ?? [])];
  const args = ['run', '-q', ...(options.mpArgs ?? []), '-o', path, '--', ...target];
  const finished = await mp(t, args);
  assert.ok(existsSync(path), `no capture; mp ended with ${finished.code} ${finished.signal}: ${finished.stderr}`);
  const capture = openCapture(t, path, options.level);
  const targetPid = capture.processes()[0]?.pid ?? 0;
  return { capture, path, target: finished, tracer: finished, targetPid };
}

/** Starts a program that waits behind its gate. */
export function startGated(
  t: TestContext,
  name: string,
  options: Omit<RecordOptions, 'env'> & { env?: NodeJS.ProcessEnv } = {},
): Started & { open(): void } {
  const gate = join(scratchFolder(t), 'gate');
  const target = start(t, programPath(name, options.level), options.programArgs ?? [], {
    env: { ...process.env, ...options.env, MP_GATE: gate },
  });
  return { ...target, open: () => writeFileSync(gate, '') };
}

/** Attaches to a program that waits behind its gate, opens it, and records until it ends. */
export async function recordTrace(t: TestContext, name: string, options: RecordOptions = {}): Promise<Recorded> {
  const path = join(scratchFolder(t), 'capture.db');
  const target = startGated(t, name, options);
  const tracer = start(t, MP, ['trace', '-q', ...(options.mpArgs ?? []), '--pid', `${target.pid}`, '-o', path]);
  await untilTraced(path, target.pid, tracer);
  target.open();
  const [targetEnd, tracerEnd] = await Promise.all([target.finished, tracer.finished]);
  return {
    capture: openCapture(t, path, options.level),
    path,
    target: targetEnd,
    tracer: tracerEnd,
    targetPid: target.pid,
  };
}

export function record(t: TestContext, mode: Mode, name: string, options: RecordOptions = {}): Promise<Recorded> {
  return mode === 'run' ? recordRun(t, name, options) : recordTrace(t, name, options);
}

/** Records a program and compares everything that it states; it must end well and say "ok". */
export async function recordAndCompare(
  t: TestContext,
  mode: Mode,
  name: string,
  options: RecordOptions = {},
): Promise<Recorded> {
  const recorded = await record(t, mode, name, options);
  assert.equal(recorded.target.stderr, '');
  assert.match(recorded.target.stdout, /^ok$/m);
  assert.equal(recorded.target.code, 0);
  assert.equal(recorded.tracer.code, 0, recorded.tracer.stderr);
  const truth = readTruth(mode, sourcePath(name), recorded.target.stdout);
  assertNone(compareTruth(truth, recorded.capture));
  assertNone(recorded.capture.inconsistencies());
  return recorded;
}

/** Fails with the differences as lines, if there are any. */
export function assertNone(differences: string[]): void {
  assert.ok(differences.length === 0, `\n${differences.join('\n')}\n`);
}

/** The state letter of a process (proc_pid_stat(5)), or undefined if it has gone. */
export function processState(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')[0];
  } catch {
    return undefined;
  }
}
