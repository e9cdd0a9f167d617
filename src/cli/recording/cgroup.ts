/** Finds the cgroup that a user names by a path or by the beginning of a container's id. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { CgroupTarget } from '../../native/binding.ts';
import { UserError } from '../../util/errors.ts';

/** A mounted hierarchy of cgroups. */
export interface CgroupMount {
  /** Where it is mounted. */
  directory: string;
  /** What of the hierarchy is mounted there, `/` unless in a container. */
  root: string;
  /** As in /proc/PID/cgroup; 0: version 2. */
  hierarchy: number;
}

/** Container engines call the directory of a container `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope` … */
const CONTAINER_ID = /^[0-9a-f]{4,64}$/;
const MAX_DEPTH = 32;

/** Version 2 first. `mountInfo` and `cgroups` are the texts of /proc/self/mountinfo and /proc/self/cgroup. */
export function cgroupMounts(mountInfo: string, cgroups: string): CgroupMount[] {
  const hierarchies = new Map(cgroups.split('\n').map((line) => [line.split(':')[1]!, Number(line.split(':')[0])]));
  const mounts = mountInfo.split('\n').flatMap((line) => {
    // 34 31 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory: Documentation/filesystems/proc.rst, 3.5
    const [before, after] = line.split(' - ').map((part) => part.split(' '));
    const [type, , options] = after ?? [];
    const [root, directory] = [before![3], before![4]];
    if (root === undefined || directory === undefined) return [];
    if (type === 'cgroup2') return [{ root, directory, hierarchy: 0 }];
    if (type !== 'cgroup') return [];
    const names = (options ?? '').split(',');
    const found = [...hierarchies].find(([controllers]) => controllers.split(',').some((name) => names.includes(name)));
    return found ? [{ root, directory, hierarchy: found[1] }] : [];
  });
  return mounts.sort((a, b) => Number(a.hierarchy !== 0) - Number(b.hierarchy !== 0));
}

/** @throws UserError if there is none, or several. */
export function findCgroup(name: string, mounts = currentMounts()): CgroupTarget {
  if (mounts.length === 0) throw new UserError('this machine has no cgroups mounted; use --comm or --pid instead');
  const direct = atPath(name, mounts);
  if (direct) return direct;
  const found = CONTAINER_ID.test(name) ? withContainerId(name, mounts) : [];
  const [only] = found;
  if (only === undefined)
    throw new UserError(
      `no cgroup ${name}; give its directory below ${mounts[0]!.directory}, its path as in /proc/PID/cgroup, or the ` +
        `beginning of a container's id`,
    );
  if (found.length > 1) {
    const paths = found.map(({ path }) => path).join(', ');
    throw new UserError(`${name} is the beginning of several containers' ids (${paths}); give more of it`);
  }
  return only;
}

function currentMounts(): CgroupMount[] {
  return cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
}

/** A directory anywhere below a mount, or a path inside of a hierarchy. */
function atPath(name: string, mounts: CgroupMount[]): CgroupTarget | null {
  if (!name.startsWith('/')) return null;
  const normal = posix.normalize(name).replace(/(.)\/$/, '$1');
  // the innermost mount, as /sys/fs/cgroup may hold others
  const byLength = mounts.toSorted((a, b) => b.directory.length - a.directory.length);
  const places = [
    ...byLength.map((mount) => ({ mount, below: pathBelow(normal, mount.directory) })),
    ...mounts.map((mount) => ({ mount, below: pathBelow(normal, mount.root) })),
  ];
  for (const { mount, below } of places) {
    const target = below === null ? null : targetOf(mount, below);
    if (target) return target;
  }
  return null;
}

function pathBelow(path: string, directory: string): string | null {
  if (directory === '/') return path;
  return path === directory || path.startsWith(`${directory}/`) ? path.slice(directory.length) : null;
}

/** In the first hierarchy that has any: an engine makes the same directory in each. */
function withContainerId(id: string, mounts: CgroupMount[]): CgroupTarget[] {
  const isContainer = new RegExp(`^(.*-)?${id}[0-9a-f]*(\\.scope)?$`);
  for (const mount of mounts) {
    const found = directoriesBelow(mount.directory, '', 0).filter((path) => isContainer.test(posix.basename(path)));
    // what a container makes inside belongs to it
    const outermost = found.filter((path) => !found.some((other) => path.startsWith(`${other}/`)));
    const targets = outermost.flatMap((path) => targetOf(mount, path) ?? []);
    if (targets.length > 0) return targets;
  }
  return [];
}

function directoriesBelow(directory: string, path: string, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  try {
    const entries = readdirSync(join(directory, path), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${path}/${entry.name}`)
      .flatMap((child) => [child, ...directoriesBelow(directory, child, depth + 1)]);
  } catch {
    return []; // removed a moment ago
  }
}

function targetOf({ directory, root, hierarchy }: CgroupMount, below: string): CgroupTarget | null {
  const status = statSync(join(directory, below), { throwIfNoEntry: false });
  if (!status?.isDirectory()) return null;
  return { hierarchy, inode: status.ino, path: posix.join(root, below) };
}
