/** Whose memory it is: two copies of one program, in cgroups of their own. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { buildPrograms, cannotRecord, mp, programPath, scratchFolder } from './helpers.ts';

const PROGRAM = 'leaks';
/** EXPECT leaks malloc leak_in_main 1 101 */
const [SITE, LEAKED] = ['leak_in_main', 101];

/** Two new cgroups, as folders and as their processes see them; none if this machine has none to give. */
function twoCgroups(t: TestContext): { folder: string; name: string }[] {
  const mounted = readFileSync('/proc/mounts', 'utf8').split('\n');
  const root = mounted.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (root === undefined) return [];
  return ['a', 'b'].flatMap((suffix) => {
    const name = `/mp-e2e-${process.pid}-${suffix}`;
    try {
      mkdirSync(root + name);
    } catch {
      return []; // read-only
    }
    t.after(() => rmdirSync(root + name));
    return [{ folder: root + name, name }];
  });
}

interface Row {
  group: string;
  pid?: number;
  function?: string;
  bytes: number;
  processes: number;
}

describe('groups', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  test('two copies of a program are told apart by cgroup and process, and are one command', async (t) => {
    const cgroups = twoCgroups(t);
    const path = join(scratchFolder(t), 'capture.db');
    const enter = (i: number) => (cgroups[i] ? `echo 0 > ${cgroups[i].folder}/cgroup.procs; ` : '');
    const copies = [0, 1].map((i) => `(${enter(i)}exec ${programPath(PROGRAM)}) &`);
    const recorded = await mp(t, [
      'run',
      '-q',
      '--follow-fork',
      '-o',
      path,
      '--',
      'sh',
      '-c',
      `${copies.join(' ')} wait`,
    ]);
    assert.equal(recorded.code, 0, recorded.stderr);
    const rows = async (command: string, by: string): Promise<Row[]> => {
      const { stdout } = await mp(t, [command, '--leaks', '--json', '--by', by, path]);
      const document = JSON.parse(stdout);
      return document.rows?.filter((row: Row) => row.function === SITE) ?? document.groups;
    };
    const leaked = async (by: string) => (await rows('table', by)).map(({ group, bytes }) => [group, bytes]).sort();
    const byCgroup = await leaked('cgroup');
    if (cgroups.length === 2)
      assert.deepEqual(
        byCgroup,
        cgroups.map(({ name }) => [name, LEAKED]),
      );
    else
      assert.deepEqual(
        byCgroup.map(([, bytes]) => bytes),
        [2 * LEAKED],
      );
    assert.deepEqual(await leaked('comm'), [[PROGRAM, 2 * LEAKED]]);
    assert.deepEqual(
      (await rows('table', 'process')).map(({ bytes }) => bytes),
      [LEAKED, LEAKED],
    );
    assert.equal(new Set((await rows('table', 'process')).map(({ pid }) => pid)).size, 2);
    const [command] = (await rows('summary', 'comm')).filter(({ group }) => group === PROGRAM);
    assert.equal(command!.processes, 2);
  });
});
