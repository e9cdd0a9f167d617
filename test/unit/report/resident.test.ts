import assert from 'node:assert/strict';
import { test } from 'node:test';
import { register } from '../../../src/cli/commands/summary.ts';
import { growthSentence, residentLines, residentProcesses } from '../../../src/report/resident.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN, runCommand, temporaryFolder } from './command.ts';
import { assertGolden } from './golden.ts';

type Build = (capture: CaptureFixture, process: number) => void;

const RESERVED = 700 * 2 ** 20;

/** A node (pid 100) that a site has 700 MiB of, at the peak. */
function nodeCapture(build: Build): (path: string) => void {
  return (path) => {
    const capture = new CaptureFixture(path);
    capture.meta({ mode: 'trace', status: 'complete', command_line: 'node server.js' });
    capture.losses({ ring_dropped: 0 });
    const process = capture.process({
      pid: 100,
      comm: 'node',
      runtime: 'v8 11.3.244.8',
      command_line: 'node server.js',
    });
    const thread = capture.thread(process, 100, 'node');
    const stack = capture.stack(capture.frame({ function: 'v8::base::OS::Allocate' }));
    capture.site({ process, thread, allocator: 'mmap', stack, all: [1, RESERVED], peak: [1, RESERVED] });
    build(capture, process);
    capture.close();
  };
}

/** Buffers grow, V8's heap does not; in the end some are freed. */
const growingBuffers: Build = (capture, process) => {
  const rest = { jit_code: 1, brk: 4, stack: 0.5, file: 30, untouched: 600 };
  capture.resident(process, 100, { ...rest, v8_heap: 20, anonymous: 8, live_buffer: 0 });
  capture.resident(process, 2000, { ...rest, v8_heap: 24.5, anonymous: 100 });
  capture.resident(process, 12_300, { ...rest, v8_heap: 25, anonymous: 290, live_buffer: 280 });
  capture.resident(process, 20_000, { ...rest, v8_heap: 24, anonymous: 190, live_buffer: 180 });
};

const sentenceOf = (t: Parameters<typeof openCapture>[0], build: Build) =>
  growthSentence(residentProcesses(openCapture(t, nodeCapture(build)), HIGH_WATERMARK)[0]!);

test('where the memory was, and what grew', (t) => {
  const capture = openCapture(t, nodeCapture(growingBuffers));
  for (const columns of [120, 80])
    assertGolden(
      `resident-${columns}`,
      `${residentLines(capture, HIGH_WATERMARK, { ...PLAIN, columns }).join('\n')}\n`,
    );
});

test('what grew', (t) => {
  assert.equal(
    sentenceOf(t, growingBuffers),
    "RSS grew by 287.000 MiB: Buffers by 280.000 MiB. V8's heap did not: it grew by 5.000 MiB and has been flat since 2.00 s.",
  );
  const heap: Build = (capture, process) => {
    capture.resident(process, 100, { v8_heap: 20, anonymous: 10, live_buffer: 0 });
    capture.resident(process, 900, { v8_heap: 120, anonymous: 10, live_buffer: 2 });
  };
  assert.equal(sentenceOf(t, heap), "RSS grew by 100.000 MiB: V8's heap by 100.000 MiB.");
  const nothing: Build = (capture, process) => {
    capture.resident(process, 100, { v8_heap: 20, anonymous: 10, live_buffer: 0 });
    capture.resident(process, 900, { v8_heap: 20, anonymous: 10.5, live_buffer: 0 });
  };
  assert.equal(sentenceOf(t, nothing), 'RSS did not grow.');
  assert.equal(
    sentenceOf(t, (capture, process) => capture.resident(process, 100, { v8_heap: 20 })),
    '',
    'one moment',
  );
});

test('Buffers are no more than the memory in which they lie', (t) => {
  const [process] = residentProcesses(
    openCapture(
      t,
      nodeCapture((capture, id) => {
        capture.resident(id, 100, { v8_heap: 20, anonymous: 10, live_buffer: 0 });
        capture.resident(id, 200, { v8_heap: 20, anonymous: 60, live_buffer: 500 });
      }),
    ),
    HIGH_WATERMARK,
  );
  assert.match(growthSentence(process!), /^RSS grew by 50\.000 MiB: Buffers by 60\.000 MiB\./);
});

test('a larger moment that was not looked at is told', (t) => {
  const unseen = (largest: number) => {
    const capture = openCapture(
      t,
      nodeCapture((fixture, process) => {
        growingBuffers(fixture, process);
        fixture.memory(process, 1, 0, 0, largest * 2 ** 20);
      }),
    );
    return residentLines(capture, HIGH_WATERMARK, PLAIN).find((line) => line.includes('another moment'));
  };
  const sentence = 'RSS was 400.000 MiB at another moment; what it was used for then was not looked at.';
  assert.deepEqual([unseen(360), unseen(400)], [undefined, sentence]);
});

test('of a process that was over when it was looked at again, nothing is said', (t) => {
  const lines = (facts: object) =>
    residentLines(
      openCapture(t, (path) => {
        const fixture = new CaptureFixture(path);
        fixture.resident(fixture.process({ pid: 1, comm: 'short', ...facts }), 5, { brk: 1 });
        fixture.close();
      }),
      HIGH_WATERMARK,
      PLAIN,
    );
  assert.deepEqual(lines({ ended_ns: 9e6 }), []);
  assert.match(lines({})[0]!, /^Resident memory of 1 \(short\) +at 5 ms$/);
});

test('of many processes the three with most; with --pid the one', (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    for (let i = 1; i <= 5; i++) {
      const process = fixture.process({ pid: i, comm: `worker${i}` });
      fixture.resident(process, i, { brk: 10, file: 1 });
      fixture.resident(process, 1000, { brk: 10 * i, file: 1 });
    }
    fixture.close();
  });
  const lines = residentLines(capture, HIGH_WATERMARK, PLAIN);
  const shown = lines.flatMap((line) => /^Resident memory of (\d)/.exec(line)?.[1] ?? []);
  assert.deepEqual([shown, lines.at(-2)], [['5', '4', '3'], '2 more processes not shown; --pid shows one']);
  const one = residentLines(capture, { ...HIGH_WATERMARK, pid: 2 }, PLAIN);
  assert.match(
    one.join('\n'),
    /^Resident memory of 2 \(worker2\)[\s\S]*\nmalloc's heap \(brk\) +10\.000 MiB +20\.000 MiB\n/,
  );
  assert.ok(one.every((line) => !line.includes('not shown')));
});

test('in the report beside the high watermark only, and in its JSON', async (t) => {
  const path = `${temporaryFolder(t)}/mp-node.100.db`;
  nodeCapture(growingBuffers)(path);
  const isShown = async (...args: string[]) =>
    (await runCommand(register, ['summary', path, ...args])).out.includes('Resident');
  assert.deepEqual(await Promise.all([isShown(), isShown('--leaks'), isShown('--thread', '100')]), [
    true,
    false,
    false,
  ]);
  const { resident } = JSON.parse((await runCommand(register, ['summary', path, '--json'])).out);
  assert.equal(resident.length, 1);
  assert.equal(resident[0].most.live_buffer_bytes, 280 * 2 ** 20);
  assert.deepEqual([resident[0].pid, resident[0].v8_heap_flat_since_ns], [100, 2e9]);
});

test('captures without such rows, or without the table, have no such lines', (t) => {
  assert.deepEqual(residentLines(openCapture(t, smallCapture), HIGH_WATERMARK, PLAIN), []);
  const older = openCapture(t, (path) => {
    const capture = new CaptureFixture(path);
    capture.process({ pid: 1 });
    capture.db.exec('DROP TABLE resident');
    capture.close();
  });
  assert.deepEqual(residentLines(older, HIGH_WATERMARK, PLAIN), []);
});
