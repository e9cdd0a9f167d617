/** How much memory a process can still get before it, or another, is killed for it. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { limitFilesOf } from '../recording/cgroup-share.ts';

/** Bytes: of the machine, or of the cgroup that limits the process. */
export function memoryLeft(pid: number): number {
  const ofMachine = /^MemAvailable:\s*(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1];
  const left = ofMachine === undefined ? Number.POSITIVE_INFINITY : Number(ofMachine) * 1024;
  const files = limitFilesOf(pid);
  if (files === null) return left;
  const statistics = textOf(posix.join(posix.dirname(files.used), 'memory.stat'));
  return Math.min(left, leftInCgroup(textOf(files.limit), textOf(files.used), statistics));
}

/** From the texts of its files. What the kernel only keeps of files it has read makes way: `total_` is version 1's. */
export function leftInCgroup(limit: string, used: string, statistics: string): number {
  const kept = /^total_inactive_file (\d+)$/m.exec(statistics) ?? /^inactive_file (\d+)$/m.exec(statistics);
  return Math.max(0, Number(limit) - Number(used) + Number(kept?.[1] ?? 0));
}

/** Empty if it can't be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
