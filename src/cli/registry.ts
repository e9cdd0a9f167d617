/**
 * Who traces whom: /run/mp/<pid> names the tracer while it records and its capture, as `<pid> <start time> "<path>"`, for
 * `mp detach` and `mp snapshot`. One that selects its targets by name or cgroup stands there under its own pid. The start
 * time (/proc/PID/stat, field 22) tells a tracer from another program that was given its pid after it was killed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DIRECTORY = '/run/mp';

/** Enters the processes; the result takes them out again. A registry that can't be written only disables detach. */
export function register(pids: number[], capture: string, directory = DIRECTORY): () => void {
  const own = `${process.pid} ${startTimeOf(process.pid)} ${JSON.stringify(resolve(capture))}`;
  const paths = pids.map((pid) => join(directory, `${pid}`));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    removeLeftovers(directory);
    for (const path of paths) writeFileSync(path, `${own}\n`);
  } catch {
    return () => {};
  }
  return () => {
    for (const path of paths) {
      if (textOf(path)?.trim() === own) rmSync(path, { force: true });
    }
  };
}

/** The pid of the running tracer of a process, null if there is none. */
export function tracerOf(pid: number, directory = DIRECTORY): number | null {
  return tracerIn(join(directory, `${pid}`));
}

/** The capture that is being recorded of a process, null if there is none. */
export function captureOf(pid: number, directory = DIRECTORY): string | null {
  return captureIn(join(directory, `${pid}`));
}

function captureIn(path: string): string | null {
  const [, text] = /^\d+ \d+ (".*")$/.exec((textOf(path) ?? '').trim()) ?? [];
  return text !== undefined && tracerIn(path) !== null ? (JSON.parse(text) as string) : null;
}

/** The pids of all running tracers. */
export function tracers(directory = DIRECTORY): number[] {
  return [...new Set(namesIn(directory).flatMap((name) => tracerIn(join(directory, name)) ?? []))];
}

/** The pid of the running tracer that records into a file, null if there is none. */
export function recorderOf(capture: string, directory = DIRECTORY): number | null {
  const path = realPath(capture);
  const isOurs = (file: string | null) => file !== null && realPath(file) === path;
  const name = namesIn(directory).find((one) => isOurs(captureIn(join(directory, one))));
  return name === undefined ? null : tracerIn(join(directory, name));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Entries of tracers that were killed. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (tracerIn(path) === null) rmSync(path, { force: true });
  }
}

function tracerIn(path: string): number | null {
  const [pid, startTime] = (textOf(path) ?? '').trim().split(' ');
  const tracer = Number(pid);
  return startTime && startTimeOf(tracer) === startTime ? tracer : null;
}

/** In clock ticks since the machine was started; null if there is no such process. */
export function startTimeOf(pid: number): string | null {
  // pid (comm) state …: the name may contain anything, so fields are counted from behind it
  return (
    textOf(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ')[19] ?? null
  );
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
