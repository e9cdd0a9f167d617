import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { register } from '../../../../src/cli/commands/live.ts';
import { runCommand, temporaryFolder } from '../../report/command.ts';
import { LiveCapture } from '../../tui/live-capture.ts';

const MIB = 2 ** 20;

function made(t: TestContext): { capture: LiveCapture; path: string } {
  const path = join(temporaryFolder(t), 'capture.db');
  const capture = new LiveCapture(path);
  t.after(() => capture.close());
  return { capture, path };
}

const live = (...args: string[]) => runCommand(register, ['live', ...args]);

test('a replay as JSON, a line for each step of the recording and one for its end', async (t) => {
  const { capture, path } = made(t);
  capture.addIntervals();
  capture.end();
  const { out } = await live('--replay', '--json', '--interval', '0.9', path);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ duration_ns, heap_bytes }) => [duration_ns / 1e9, heap_bytes]),
    [
      [0.5, 4 * MIB + 16],
      [1.5, 5 * MIB + 4096 + 32],
      [2.5, 7 * MIB + 4096],
      [3.5, 5 * MIB + 4096],
    ],
  );
  assert.deepEqual(
    lines.map(({ time, samples }) => [time.slice(17, -1), samples]),
    [
      ['05.500', 1],
      ['06.500', 2],
      ['07.500', 3],
      ['08.500', 4],
    ],
  );
  const last = JSON.parse((await live('--json', path)).out);
  assert.deepEqual(lines.at(-1).rows, last.rows, 'as the capture ends');
  const { out: text } = await live('--replay', '--text', '--count', '1', '--interval', '2', path);
  assert.match(text, /Samples 1 {2}Duration 2\.00 of 3\.50 seconds {2}Status replay at 1×/);
  assert.equal(text.match(/^Samples/gm)?.length, 1);
});

test('what can not be replayed', async (t) => {
  const { capture, path } = made(t);
  capture.fixture.db.run("INSERT INTO meta VALUES ('tracer_pid', ?)", [String(process.pid)]);
  await assert.rejects(live('--replay', '--text', path), /can be replayed once its recording has ended/);
  capture.end();
  await assert.rejects(live('--speed', '2', path), /does not know what happened when/);
  await assert.rejects(live('--replay', '--token', 'x', '40000'), /from a capture file: mp live --replay CAPTURE/);
  await assert.rejects(live('--speed', '0', path), /Give a number above 0/);
});
