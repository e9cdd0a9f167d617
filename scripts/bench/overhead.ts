/**
 * The pieces of the overhead benchmark: the target, the tracers that are put on it one after the other, and what can
 * be read about a tracer's own use of the machine.
 *
 *   untraced    nothing
 *   floor       empty BPF programs at malloc and free: what the kernel takes for two hits
 *   mp          mp trace --pid
 *   other       mp trace --comm with another name
 *   bpftrace    stacks.bt: what people write who look for a leak with bpftrace
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';

const ROOT = resolve(import.meta.dirname, '../..');
export const MP = join(ROOT, 'bin/mp');
export const SOURCES = join(ROOT, 'scripts/bench');
const BUILT = join(ROOT, 'build/bench');
const LIMIT_MS = 120_000;

export const TRACERS = ['untraced', 'other', 'floor', 'mp', 'bpftrace'] as const;
export type TracerName = (typeof TRACERS)[number];

/** Compiles the target and the floor. Throws with the compiler's words. */
export function build(): void {
  mkdirSync(BUILT, { recursive: true });
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 2] });
  run('gcc', '-O2', '-g', '-pthread', '-o', join(BUILT, 'overhead_target'), join(SOURCES, 'overhead_target.c'));
  run('gcc', '-O2', '-o', join(BUILT, 'floor'), join(SOURCES, 'floor.c'), '-lbpf');
  const machine = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const flags = ['-O2', '-g', '-target', 'bpf', `-I/usr/include/${machine}`];
  run('clang-14', ...flags, '-c', join(SOURCES, 'floor.bpf.c'), '-o', join(BUILT, 'floor.bpf.o'));
}

/** A child process whose standard output is read by lines. */
export class LineProcess {
  readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly closed: Promise<void>;
  private complaints = '';

  constructor(command: string, args: string[], env = process.env) {
    this.child = spawn(command, args, { stdio: 'pipe', env });
    this.closed = new Promise((done) => this.child.once('close', () => done()));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.complaints += text;
    });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async readLine(): Promise<string> {
    const limit = setTimeout(() => this.child.kill('SIGKILL'), LIMIT_MS);
    const line = await this.lines.next();
    clearTimeout(limit);
    if (line.done) throw new Error(`${this.child.spawnfile} ended early: ${this.complaints}`);
    return line.value;
  }

  async readUntil(text: string): Promise<void> {
    while (!(await this.readLine()).includes(text));
  }

  /** Ends its input, or sends `signal`, and waits until it is gone. */
  async end(signal?: NodeJS.Signals): Promise<void> {
    if (signal) this.child.kill(signal);
    else this.child.stdin!.end();
    this.child.stdout!.resume();
    await this.closed;
  }
}

/** The measured program; see overhead_target.c for its commands. */
export class Target {
  private readonly process = new LineProcess(join(BUILT, 'overhead_target'), []);

  get pid(): number {
    return this.process.child.pid!;
  }

  /** Path of the libc that it has mapped. */
  get libc(): string {
    const path = /\s(\/\S*\/libc\.so\.6)$/m.exec(readFileSync(`/proc/${this.pid}/maps`, 'latin1'))?.[1];
    if (!path) throw new Error('the target has no libc.so.6');
    return path;
  }

  /** CPU time of the command in nanoseconds. */
  async command(line: string): Promise<number> {
    this.process.child.stdin!.write(`${line}\n`);
    const spentNs = Number(await this.process.readLine());
    if (!(spentNs >= 0)) throw new Error(`the target did not understand: ${line}`);
    return spentNs;
  }

  end(): Promise<void> {
    return this.process.end();
  }
}

export interface Tracer {
  pid: number;
  /** Detaches and waits until the tracer is gone. */
  stop(): Promise<void>;
}

export interface MpTracer extends Tracer {
  /** What it has written so far. */
  said(): string;
  /** Ends the recording and gives what `read` takes out of the capture. */
  finish<T>(read: (capture: Database.Database) => T): Promise<T>;
}

/** Opens a capture, gives what `read` takes out of it. */
export function readCapture<T>(path: string, read: (capture: Database.Database) => T): T {
  const capture = new Database(path, { readonly: true });
  try {
    return read(capture);
  } finally {
    capture.close();
  }
}

/** Events that the ring could not take. Throws if the capture doesn't say. */
export function droppedEvents(capture: Database.Database): number {
  const count = capture.prepare("SELECT count FROM loss WHERE kind = 'ring_dropped'").pluck().get();
  if (typeof count !== 'number') throw new Error('the capture has no count of dropped events');
  return count;
}

/** Attaches mp to all of `targets`, in one capture; without any it waits for processes of another name. */
export function startMp(...targets: { pid: number }[]): Promise<MpTracer> {
  return startMpWith([], ...targets);
}

/** The same with further options; what they write without a path is removed with the capture. */
export async function startMpWith(options: string[], ...targets: { pid: number }[]): Promise<MpTracer> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
  const path = join(folder, 'capture.db');
  const pids = targets.map((target) => target.pid).join();
  const args = ['trace', ...(pids ? ['--pid', pids] : ['--comm', 'mp-nobody']), '-o', path, ...options];
  const child = spawn(MP, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = new Promise<void>((done) => child.once('close', () => done()));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (let waited = 0; !said.includes('Tracing'); waited += 5) {
    if (child.exitCode !== null || waited > LIMIT_MS) throw new Error(`mp did not attach: ${said}`);
    await sleep(5);
  }
  const end = async () => {
    child.kill('SIGINT');
    await closed;
    if (child.exitCode !== 0) throw new Error(`mp ended with ${child.exitCode}: ${said}`);
  };
  return {
    pid: child.pid!,
    said: () => said,
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true });
    },
    finish: async (read) => {
      await end();
      const found = readCapture(path, read);
      rmSync(folder, { recursive: true });
      return found;
    },
  };
}

async function startFloor(target: Target): Promise<Tracer> {
  const floor = new LineProcess(join(BUILT, 'floor'), [join(BUILT, 'floor.bpf.o'), target.libc, `${target.pid}`]);
  await floor.readUntil('ready');
  return { pid: floor.child.pid!, stop: () => floor.end() };
}

async function startBpftrace(target: Target): Promise<Tracer> {
  const script = readFileSync(join(SOURCES, 'stacks.bt'), 'utf8').replaceAll('LIBRARY', target.libc);
  const bpftrace = new LineProcess('bpftrace', ['-p', `${target.pid}`, '-e', script]);
  await bpftrace.readUntil('ready');
  // BEGIN may run before the last probe is attached.
  await sleep(200);
  return { pid: bpftrace.child.pid!, stop: () => bpftrace.end('SIGINT') };
}

export async function startTracer(name: TracerName, target: Target): Promise<Tracer> {
  switch (name) {
    case 'untraced':
      return { pid: target.pid, stop: async () => undefined };
    case 'other':
      return startMp();
    case 'floor':
      return startFloor(target);
    case 'mp':
      return startMp(target);
    case 'bpftrace':
      return startBpftrace(target);
  }
}

/** CPU time that the living threads of a process have used, in nanoseconds (first field of schedstat). */
export function cpuTimeNs(pid: number): number {
  let sum = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]);
  }
  return sum;
}

/** Resident set of a process in bytes. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}
