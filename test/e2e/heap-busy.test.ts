/** `mp heap` of Pythons that do not wait for it: none is harmed, and none is left stopped. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { Partition } from '../../src/heap/partition.ts';
import { cannotRecord, MP, mp, type Started, start, until } from './helpers.ts';
import { ENVIRONMENT, findPythons, type Python, pythonProgram } from './python.ts';

const PATIENCE_MS = 60_000;

async function startReady(t: TestContext, python: Python, program: string): Promise<Started> {
  const target = start(t, python.path, [pythonProgram(program)], { env: ENVIRONMENT });
  await until('the first line', () => target.stdout().includes('\n'), PATIENCE_MS);
  return target;
}

/** Of the main thread: `T` if a signal has stopped it. */
function stateOf(pid: number): string {
  return /^.*\) (.)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]!;
}

async function endsWell(target: Started): Promise<void> {
  process.kill(target.pid, 'SIGUSR1');
  const { code, stdout, stderr } = await target.finished;
  assert.deepEqual([code, stdout, stderr], [0, '{}\nok\n', '']);
}

const pythons = findPythons();

describe('heap of a busy process', { skip: cannotRecord() }, () => {
  for (const python of [pythons[0]!, pythons.at(-1)!]) {
    it(`is read while ${python.version} stands still, and while it runs`, async (t) => {
      const target = await startReady(t, python, 'busy.py');
      for (const option of ['--max-pause=5s', '--max-pause=20ms', '--no-pause']) {
        const { code, stdout, stderr } = await mp(t, ['heap', '--json', option, `${target.pid}`]);
        assert.equal(code, 0, stderr);
        const { count, size, rows } = JSON.parse(stdout) as Partition;
        assert.ok(count > 5000 && size > 100_000, stdout.slice(0, 1000));
        assert.equal(
          rows.reduce((sum, row) => sum + row.count, 0),
          count,
        );
        const pause = /stood still for ([\d.]+) ms/.exec(stderr);
        if (option === '--no-pause') assert.match(stderr, /was read while it ran/);
        else assert.ok(Number(pause![1]) <= (option.endsWith('20ms') ? 20 : 5000), stderr);
        assert.notEqual(stateOf(target.pid), 'T');
      }
      await endsWell(target);
    });
  }

  it('does not stay stopped when mp is killed', async (t) => {
    const target = await startReady(t, pythons.at(-1)!, 'busy.py');
    const isStopped = () => stateOf(target.pid) === 'T';
    let wasStopped = false;
    // it can have gone on before anybody looked
    for (let attempt = 0; attempt < 50 && !wasStopped; attempt++) {
      const reader = start(t, MP, ['heap', `${target.pid}`]);
      await until('a stop, or the end of mp', () => isStopped() || reader.child.exitCode !== null, PATIENCE_MS);
      wasStopped = isStopped();
      reader.child.kill('SIGKILL');
      await reader.finished;
    }
    assert.ok(wasStopped);
    await until('the process to go on', () => !isStopped(), PATIENCE_MS);
    await endsWell(target);
  });
});
