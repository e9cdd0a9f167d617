import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { register as dump } from '../../../src/cli/commands/dump.ts';
import { Recording } from '../helpers/recording.ts';
import { runCommand } from '../report/command.ts';

test('one event to a line, as text or JSON', async (context) => {
  const recording = new Recording(context, undefined, { withEvents: true });
  const { builder } = recording;
  const thread = builder.thread(builder.process(), { tid: 7 });
  builder.at(100).allocate(thread, 4096, 10).free(thread, 4096);
  recording.finish();
  const lines = ['allocate\tmalloc\t4096\t10\t-', 'free\tfree\t4096\t-\t-'].map((line) => `100\t1\t1000\t7\t${line}`);
  const titles = 'time_ns\tprocess_id\tpid\ttid\toperation\tallocator\taddress\tsize\tstack_id';
  assert.equal((await runCommand(dump, ['dump', recording.path])).out, `${[titles, ...lines].join('\n')}\n`);
  const { out } = await runCommand(dump, ['dump', '--json', recording.path]);
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).operation),
    ['allocate', 'free'],
  );
  await assert.rejects(runCommand(dump, ['dump', recording.path], 80, true), {
    name: 'UserError',
    message: /^A terminal is no place for every event/,
  });
});

test('into a file, which is not there if there are no events', async (context) => {
  const recording = new Recording(context, undefined, { withEvents: true });
  recording.builder.allocate(recording.builder.thread(recording.builder.process()), 4096, 10);
  recording.finish();
  const file = `${recording.path}.txt`;
  const { out } = await runCommand(dump, ['dump', recording.path]);
  await runCommand(dump, ['dump', '-o', file, recording.path], 80, true);
  assert.equal(readFileSync(file, 'utf8'), out);
  await assert.rejects(runCommand(dump, ['dump', '-o', file, recording.path]), /File already exists/);
  const without = new Recording(context);
  without.finish();
  await assert.rejects(runCommand(dump, ['dump', '-o', `${file}.2`, without.path]), /record with --events/);
  assert.equal(existsSync(`${file}.2`), false);
});

test('of one process or one thread', async (context) => {
  const recording = new Recording(context, undefined, { withEvents: true });
  const { builder } = recording;
  const [first, second] = [builder.process(), builder.process()];
  const threads = [builder.thread(first, { tid: 7 }), builder.thread(first, { tid: 8 }), builder.thread(second)];
  for (const thread of threads) builder.allocate(thread, 4096 * (thread + 1), 10);
  recording.finish();
  const addresses = async (...args: string[]) =>
    (await runCommand(dump, ['dump', '--json', ...args, recording.path])).out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).address);
  assert.deepEqual(await addresses('--pid', '1000'), [4096, 8192]);
  assert.deepEqual(await addresses('--pid', '1001'), [12288]);
  assert.deepEqual(await addresses('--thread', '8'), [8192]);
  await assert.rejects(addresses('--pid', '5'), {
    message: /^The capture has no process 5\. It has: 1000/,
  });
});

test('a capture without events says so', async (context) => {
  const recording = new Recording(context);
  recording.finish();
  await assert.rejects(runCommand(dump, ['dump', recording.path]), { message: /record with --events/ });
});
