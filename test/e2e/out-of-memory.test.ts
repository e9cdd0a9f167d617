/** A target that takes more memory than there is: the capture outlives it and names what took the memory. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { makeCgroup } from './cgroups.ts';
import {
  assertNone,
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  scratchFolder,
  start,
  until,
} from './helpers.ts';

const LIMIT_BYTES = 64 << 20;
const BLOCK_BYTES = 64 << 10;

/** The files that hold the limit of a cgroup: version 1, or 2. */
const HIERARCHIES = [
  { root: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', file: 'memory.max' },
];

/** A new cgroup of LIMIT_BYTES; null if this machine has none to give. */
function memoryCgroup(t: TestContext): string | null {
  const made = makeCgroup(t, HIERARCHIES, `mp-e2e-${process.pid}`);
  if (made === null) return null;
  writeFileSync(join(made.path, made.hierarchy.file), `${LIMIT_BYTES}`);
  return made.path;
}

function leakOf(capture: CaptureFile) {
  const rows = capture.rows('leaks').filter((row) => row.function === 'leak_block');
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  return { allocations: sum((row) => row.allocations), bytes: sum((row) => row.bytes) };
}

describe('a target that is out of memory', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('is killed: the capture is complete and names the leak', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const tracer = start(t, MP, ['run', '-q', '-o', path, '--', programPath('hungry'), '32']);
    await until('a full program', () => tracer.stdout() === 'full\n');
    const pid = openCapture(t, path).processes()[0]!.pid;
    process.kill(pid, 'SIGKILL');
    assert.equal((await tracer.finished).signal, 'SIGKILL');
    const capture = openCapture(t, path);
    assert.deepEqual(leakOf(capture), { allocations: 512, bytes: 512 * BLOCK_BYTES });
    assert.equal(capture.processes()[0]!.exit_signal, 9);
    assertNone(capture.inconsistencies());
    assert.doesNotMatch((await mp(t, ['info', path])).stdout, /OOM/);
  });

  test('meets the limit of its cgroup: that is in the capture, too, and in every report', async (t) => {
    const cgroup = memoryCgroup(t);
    // Without a cgroup there is no OOM killer to meet, only an allocator that says no.
    const limit = cgroup ? `echo $$ > ${cgroup}/cgroup.procs` : `ulimit -v ${LIMIT_BYTES / 1024}`;
    const path = join(scratchFolder(t), 'capture.db');
    const finished = await mp(t, [
      'run',
      '-q',
      '-o',
      path,
      '--',
      'sh',
      '-c',
      `${limit}; exec ${programPath('hungry')}`,
    ]);
    const capture = openCapture(t, path);
    const { bytes, allocations } = leakOf(capture);
    assert.equal(bytes, allocations * BLOCK_BYTES);
    assert.ok(bytes > LIMIT_BYTES * 0.8 && bytes <= LIMIT_BYTES, `${bytes} bytes`);
    assertNone(capture.inconsistencies());
    if (cgroup === null) return assert.equal(finished.code, 95);
    assert.equal(finished.signal, 'SIGKILL');
    assert.match(finished.stderr, /^mp: ended by the kernel's OOM killer/);
    for (const report of ['summary', 'table', 'stats', 'leaks', 'info'])
      assert.match((await mp(t, [report, path])).stdout, /^warning: ended by the kernel's OOM killer/m, report);
  });
});
