/** How much of its memory limit the cgroup of a process uses. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type CgroupMount, cgroupMounts } from './cgroup.ts';

/** Version 1 says "no limit" with the largest page-aligned number. */
const NO_LIMIT_BYTES = 2 ** 60;

/** Files that say how much is used and how much may be. */
export interface LimitFiles {
  used: string;
  limit: string;
}

/** Those of the innermost cgroup with a limit around the process, null if there is none. */
export function limitFilesOf(pid: number): LimitFiles | null {
  const cgroups = textOf(`/proc/${pid}/cgroup`);
  const mountInfo = textOf('/proc/self/mountinfo');
  if (cgroups === null || mountInfo === null) return null;
  const mounts = cgroupMounts(mountInfo, textOf('/proc/self/cgroup') ?? '');
  for (const line of cgroups.split('\n')) {
    // 4:memory:/path (version 1), 0::/path (version 2): cgroups(7)
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    const mount = mounts.find((each) => each.hierarchy === Number(hierarchy));
    if (path === undefined || mount === undefined) continue;
    if (controllers !== '' && !controllers!.split(',').includes('memory')) continue;
    const files = innermostLimit(mount, path);
    if (files !== null) return files;
  }
  return null;
}

function innermostLimit({ directory, root, hierarchy }: CgroupMount, path: string): LimitFiles | null {
  const names = hierarchy === 0 ? ['memory.current', 'memory.max'] : ['memory.usage_in_bytes', 'memory.limit_in_bytes'];
  let below = root !== '/' && path.startsWith(root) ? path.slice(root.length) || '/' : path;
  for (;;) {
    const [used, limit] = names.map((name) => posix.join(directory, below, name));
    const files = { used: used!, limit: limit! };
    if (usedShare(files) !== null) return files;
    if (below === '/') return null;
    below = posix.dirname(below);
  }
}

/** From 0 to 1; null: there is no limit. */
export function usedShare({ used, limit }: LimitFiles): number | null {
  const limitBytes = Number(textOf(limit) ?? Number.NaN);
  const usedBytes = Number(textOf(used) ?? Number.NaN);
  if (!(limitBytes > 0 && limitBytes < NO_LIMIT_BYTES) || Number.isNaN(usedBytes)) return null;
  return usedBytes / limitBytes;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
