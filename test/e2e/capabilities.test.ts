/** What mp may do while it reads what others have written, and what its target may do. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { buildPrograms, cannotRecord, MP, mp, scratchFolder, start, startGated, untilTraced } from './helpers.ts';

/** Numbers of linux/capability.h. */
const KEPT = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  KILL: 5,
  SYS_PTRACE: 19,
  SYS_NICE: 23,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
};
const MASK = Object.values(KEPT).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

/** A line of /proc/PID/status that holds a set of capabilities. */
function capabilities(status: string, name: string): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)![1]}`);
}

describe('capabilities', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('every thread of mp trace has those that tracing needs, and can get no others', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const target = startGated(t, 'endings', { programArgs: ['exit', '0'] });
    const tracer = start(t, MP, ['trace', '-q', '-o', path, '--pid', `${target.pid}`]);
    await untilTraced(path, target.pid, tracer);
    const tasks = `/proc/${tracer.pid}/task`;
    for (const tid of readdirSync(tasks)) {
      const status = readFileSync(join(tasks, tid, 'status'), 'latin1');
      for (const name of ['CapPrm', 'CapEff', 'CapBnd']) assert.equal(capabilities(status, name) & ~MASK, 0n, name);
    }
    target.open();
    assert.equal((await target.finished).code, 0);
    assert.equal((await tracer.finished).code, 0);
  });

  test('a target of mp run has those of its caller', async (t) => {
    const path = join(scratchFolder(t), 'capture.db');
    const command = ['grep', '^Cap', '/proc/self/status'];
    const plain = await start(t, command[0]!, command.slice(1)).finished;
    const traced = await mp(t, ['run', '-q', '-o', path, '--', ...command]);
    assert.equal(traced.stdout, plain.stdout);
  });
});
