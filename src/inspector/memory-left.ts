/** How much memory a process can still get before it, or another, is killed for it. */
import { posix } from 'node:path';
import { textOf } from './node-process.ts';

/** Bytes: of the machine, or of one of the groups that the process is in (cgroup version 2). */
export function memoryLeft(pid: number): number {
  const kilobytes = /^MemAvailable:\s*(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1];
  let left = kilobytes === undefined ? Number.POSITIVE_INFINITY : Number(kilobytes) * 1024;
  const group = /^0::(\/.*)$/m.exec(textOf(`/proc/${pid}/cgroup`))?.[1];
  for (let path = group; path !== undefined && path !== '/'; path = posix.dirname(path)) {
    const most = textOf(`/sys/fs/cgroup${path}/memory.max`).trim();
    const used = textOf(`/sys/fs/cgroup${path}/memory.current`).trim();
    if (/^\d+$/.test(most) && /^\d+$/.test(used)) left = Math.min(left, Number(most) - Number(used));
  }
  return left;
}
