/**
 * Who traces whom: /run/mp/<pid> holds the pid of the tracer while it records. `mp detach` reads it.
 */
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';

const DIRECTORY = '/run/mp';

/** Enters the processes; the result takes them out again. A registry that can't be written only disables detach. */
export function register(pids: number[]): () => void {
  const paths = pids.map((pid) => `${DIRECTORY}/${pid}`);
  try {
    mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 });
    for (const path of paths) writeFileSync(path, `${process.pid}\n`);
  } catch {
    return () => {};
  }
  return () => {
    for (const path of paths) {
      if (tracerIn(path) === process.pid) unlinkSync(path);
    }
  };
}

/** The pid of the running tracer of a process, null if there is none. */
export function tracerOf(pid: number): number | null {
  const tracer = tracerIn(`${DIRECTORY}/${pid}`);
  return tracer !== null && isTracer(tracer) ? tracer : null;
}

function tracerIn(path: string): number | null {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || null;
  } catch {
    return null;
  }
}

/** Guards against the pid of a killed tracer having been given to another program. */
function isTracer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/cli/main.js');
  } catch {
    return false;
  }
}
