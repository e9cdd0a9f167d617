import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type CgroupMount, cgroupMounts, findCgroup } from '../../../../src/cli/recording/cgroup.ts';

const folder = mkdtempSync(join(tmpdir(), 'mp-cgroup-'));
after(() => rmSync(folder, { recursive: true }));

const ID = '4f1c0ffee'.padEnd(64, '0');
const unified: CgroupMount = { directory: join(folder, 'unified'), root: '/', hierarchy: 0 };
const memory: CgroupMount = { directory: join(folder, 'memory'), root: '/', hierarchy: 7 };
const mounts = [unified, memory];
for (const path of [
  `unified/system.slice/docker-${ID}.scope/inner-${ID}`,
  'unified/system.slice/ssh.service',
  'memory/docker/4f2abcdef',
  'memory/docker/4f2abc999',
  'memory/only',
])
  mkdirSync(join(folder, path), { recursive: true });

function inode(path: string): number {
  return statSync(join(folder, path)).ino;
}

describe('cgroupMounts', () => {
  test('version 2 comes first; those of version 1 have the number of their controllers', () => {
    const info = [
      '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
      '33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
      '34 31 0:31 /docker/1 /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw,nsdelegate',
      '35 31 0:32 / /proc rw - proc proc rw',
      '',
    ].join('\n');
    assert.deepEqual(cgroupMounts(info, '9:name=systemd:/\n4:cpu,cpuacct:/a\n0::/\n'), [
      { directory: '/sys/fs/cgroup/unified', root: '/docker/1', hierarchy: 0 },
      { directory: '/sys/fs/cgroup/cpu,cpuacct', root: '/', hierarchy: 4 },
      { directory: '/sys/fs/cgroup/systemd', root: '/', hierarchy: 9 },
    ]);
  });
});

describe('findCgroup', () => {
  test('by its directory', () => {
    const path = '/system.slice/ssh.service';
    assert.deepEqual(findCgroup(`${unified.directory}${path}/`, mounts), {
      hierarchy: 0,
      inode: inode(`unified${path}`),
      path,
    });
  });

  test('by its path in a hierarchy, version 2 first', () => {
    assert.equal(findCgroup('/system.slice', mounts).inode, inode('unified/system.slice'));
    assert.deepEqual(findCgroup('/only', mounts), { hierarchy: 7, inode: inode('memory/only'), path: '/only' });
    assert.equal(findCgroup('/', mounts).inode, inode('unified'));
  });

  test('by its path where only a part of the hierarchy is mounted', () => {
    const part = { ...unified, root: '/outer' };
    assert.deepEqual(findCgroup('/outer/system.slice', [part]), {
      hierarchy: 0,
      inode: inode('unified/system.slice'),
      path: '/outer/system.slice',
    });
    assert.throws(() => findCgroup('/other/system.slice', [part]), /no cgroup/);
  });

  test('by the beginning of the id of a container: not what lies inside of it', () => {
    const path = `/system.slice/docker-${ID}.scope`;
    assert.deepEqual(findCgroup('4f1c0ffee', mounts), { hierarchy: 0, inode: inode(`unified${path}`), path });
    assert.equal(findCgroup('4f2abcd', mounts).path, '/docker/4f2abcdef');
  });

  test('says what to do', () => {
    assert.throws(
      () => findCgroup('4f2abc', mounts),
      /^UserError: 4f2abc is the beginning of several containers' ids \(/,
    );
    assert.throws(() => findCgroup('/none', mounts), /^UserError: no cgroup \/none; give its directory below /);
    assert.throws(() => findCgroup('abcdef012', mounts), /no cgroup abcdef012/);
    assert.throws(() => findCgroup('/x', []), /no cgroups mounted/);
  });
});
