import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addHeapOptions, type GivenPid, type HeapOptions } from '../../../../src/cli/objects/heap-options.ts';
import { readObjects } from '../../../../src/cli/objects/heap-target.ts';
import { UserError } from '../../../../src/util/errors.ts';

/** What a command gets of these arguments. */
function parse(...args: string[]): { pid: GivenPid; options: HeapOptions } {
  let pid: GivenPid;
  const command = addHeapOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.action((given: GivenPid) => {
    pid = given;
  });
  command.parse(args, { from: 'user' });
  return { pid, options: command.opts() };
}

async function read(...args: string[]): Promise<void> {
  const { pid, options } = parse(...args);
  const refuse = () => assert.fail('nothing is to be read');
  await readObjects(pid, options, { out: refuse, err: refuse, isTTY: false, columns: 80, color: false }, refuse);
}

test('a process id is a number, and nothing else', () => {
  assert.equal(parse('1234').pid, 1234);
  assert.throws(() => parse('core'), /Give a process id/);
});

test('with --core the argument is that of the command, and --exe can be repeated', () => {
  const { pid, options } = parse('--exe', 'a', '--core', 'core.1', '--exe', 'b', 'app.cache');
  assert.deepEqual([pid, options.core, options.exe], ['app.cache', 'core.1', ['a', 'b']]);
});

test('either a process or a file is read', async () => {
  const isUsage = (expected: RegExp) => (error: unknown) =>
    error instanceof UserError && error.exitCode === 2 && expected.test(error.message);
  await assert.rejects(read(), isUsage(/^give a process id, --core FILE or --snapshot FILE$/));
  await assert.rejects(read('--core', 'core.1', '1234'), isUsage(/not both$/));
  await assert.rejects(read('--snapshot', 'a.heapsnapshot', '1234'), isUsage(/not both$/));
  await assert.rejects(read('--core', 'core.1', '--keep', 'a.heapsnapshot'), isUsage(/^--keep is of a running Node$/));
  assert.throws(() => parse('--core', 'core.1', '--snapshot', 'a.heapsnapshot'), /cannot be used with/);
});
