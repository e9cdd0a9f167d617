/**
 * The time that the BPF programs of a tracer take, as the kernel counts it while kernel.bpf_stats_enabled is 1: for
 * each program the nanoseconds and the number of its runs (Documentation/admin-guide/sysctl/kernel.rst). The programs of
 * a process are found by the descriptors that it holds, so that other tracers on the machine don't count.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';
/** Administrators' tools are not on everybody's path. */
const TOOL_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

export interface RunTime {
  runs: number;
  timeNs: number;
}

/** Runs `work` while the kernel counts, and restores the switch, also when the work fails or Ctrl-C ends it. */
export async function withBpfStatistics<T>(work: () => Promise<T>): Promise<T> {
  const before = readFileSync(SWITCH, 'latin1');
  const restore = () => writeFileSync(SWITCH, before);
  const interrupt = () => process.exit(130);
  process.once('exit', restore);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, interrupt);
  try {
    writeFileSync(SWITCH, '1');
    return await work();
  } finally {
    restore();
    process.off('exit', restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, interrupt);
  }
}

/** Ids of the BPF programs that a process holds (proc_pid_fdinfo(5)). */
export function programIds(pid: number): Set<number> {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = new Set<number>();
  for (const entry of readdirSync(folder)) {
    const id = /^prog_id:\s*(\d+)$/m.exec(readIfThere(`${folder}/${entry}`))?.[1];
    if (id) ids.add(Number(id));
  }
  return ids;
}

/** A working process opens and closes files while its descriptors are being listed. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/**
 * Sum over those of `ids` whose name begins with `prefix`, from the output of `bpftool -j prog show`, which leaves the
 * counts out while they are zero. Throws if no program matches.
 */
export function sumRunTime(listing: string, ids: ReadonlySet<number>, prefix: string): RunTime {
  const all = JSON.parse(listing) as { id: number; name?: string; run_time_ns?: number; run_cnt?: number }[];
  const wanted = all.filter((program) => ids.has(program.id) && program.name?.startsWith(prefix));
  if (wanted.length === 0) throw new Error(`no BPF program ${prefix}… among ${[...ids].join(', ') || 'none'}`);
  return {
    runs: wanted.reduce((sum, program) => sum + (program.run_cnt ?? 0), 0),
    timeNs: wanted.reduce((sum, program) => sum + (program.run_time_ns ?? 0), 0),
  };
}

export function readRunTime(ids: ReadonlySet<number>, prefix: string): RunTime {
  const env = { ...process.env, PATH: TOOL_PATH };
  return sumRunTime(execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8', env }), ids, prefix);
}

/**
 * Nanoseconds per allocation of what ran between two readings, entry and return together. Throws unless there were two
 * runs for each of `count` allocations and hardly more: then something else was measured.
 */
export function nsPerAllocation(before: RunTime, after: RunTime, count: number): number {
  const runs = after.runs - before.runs;
  if (runs < 2 * count || runs > 2.02 * count) throw new Error(`${runs} runs of BPF for ${count} allocations`);
  return (after.timeNs - before.timeNs) / count;
}
