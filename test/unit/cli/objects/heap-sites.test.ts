/** `--sites` with made captures of a process that does not run. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { capturedSites, isWritten } from '../../../../src/cli/objects/heap-sites.ts';
import { ALLOCATOR } from '../../../../src/model/abi.gen.ts';
import { UserError } from '../../../../src/util/errors.ts';
import { makeHeap } from '../../heap/made-heap.ts';
import { Recording } from '../../helpers/recording.ts';

const CLOCK_START_NS = 5_000_000_000_000n;
const PID = 1001;

const { heap } = makeHeap([{ type: 'dict' }, { type: 'dict' }, { type: 'dict' }, { type: 'dict' }]);
heap.addresses.set([0x1010, 0x2010, 0x3010, 0x4010]);

/**
 * Two images of one pid; of the second, a dict at 1000 ns, one that is freed at 3000 ns, one that is allocated at 4000 ns.
 */
function record(t: TestContext, { withEvents = true, allocator = 'PYMALLOC_MALLOC' } = {}): string {
  const recording = new Recording(t, undefined, { withEvents });
  const { builder } = recording;
  recording.writer.meta('clock_start_ns', String(CLOCK_START_NS));
  const stack = builder.bareStack('complete', 'main', 'load', 'malloc');
  builder.symbolize('main', { function: '<module>', file: '/srv/app.py', line: 30, language: 'python' });
  builder.symbolize('load', { function: 'load', file: '/srv/app.py', line: 12, language: 'python' });
  builder.symbolize('malloc', { function: 'PyObject_Malloc' });
  const options = { stack, allocator: ALLOCATOR[allocator as keyof typeof ALLOCATOR] };
  const first = builder.thread(builder.process({ pid: PID }));
  builder.at(500).allocate(first, 0x4000, 64, options);
  const second = builder.thread(builder.process({ pid: PID, origin: 'exec' }));
  builder.at(1000).allocate(second, 0x1000, 64, options);
  builder.at(2000).allocate(second, 0x2000, 64, options).at(3000).free(second, 0x2000);
  builder.at(4000).allocate(second, 0x3000, 64, options);
  return recording.finish().path;
}

async function linesAt(capture: string, ns: number, pid = PID) {
  const err: string[] = [];
  const output = { out: () => {}, err: (text: string) => void err.push(text), isTTY: false, columns: 80, color: false };
  const sites = await capturedSites(pid, heap, CLOCK_START_NS + BigInt(ns), { sites: true, capture }, output);
  return { lines: Array.from(sites.siteOf, (site) => sites.lines[site]), err: err.join(''), sites };
}

const LINE = '/srv/app.py:12 (load)';
const NONE = '(before or after the capture)';

test('the lines are those of the moment at which the objects were read, of the image that runs now', async (t) => {
  const capture = record(t);
  const { lines, err, sites } = await linesAt(capture, 2500);
  assert.deepEqual(lines, [LINE, LINE, NONE, NONE]);
  assert.deepEqual(sites.stackLines(0), [LINE, '/srv/app.py:30 (<module>)']);
  assert.deepEqual(sites.stackLines(3), []);
  assert.match(err, /^\S+ is of an earlier moment: .*\n$/);
  assert.deepEqual((await linesAt(capture, 3500)).lines, [LINE, NONE, NONE, NONE]);
  assert.deepEqual((await linesAt(capture, 5000)).lines, [LINE, NONE, LINE, NONE]);
});

test('a capture without objects says so', async (t) => {
  const { lines, err } = await linesAt(record(t, { allocator: 'MALLOC' }), 5000);
  assert.deepEqual(lines, [LINE, '(not recorded)', LINE, '(not recorded)']);
  assert.match(err, /without --trace-python-allocators/);
});

test('a capture that does not know the blocks, or not the process', async (t) => {
  const message = (pattern: RegExp) => (error: unknown) => error instanceof UserError && pattern.test(error.message);
  await assert.rejects(linesAt(record(t, { withEvents: false }), 1), message(/record with --events/));
  await assert.rejects(linesAt(record(t), 1, 7), message(/process 7 is not in /));
  await assert.rejects(linesAt('/nonexistent.db', 1), message(/No such file/));
});

test('a stack whose names are still looked up is waited for', async (t) => {
  const recording = new Recording(t, undefined, { withEvents: true, withIntervals: true });
  const { builder, writer } = recording;
  writer.meta('clock_start_ns', String(CLOCK_START_NS));
  const thread = builder.thread(builder.process({ pid: PID }));
  const stack = builder.bareStack('complete', 'load');
  builder.at(1000).allocate(thread, 0x1000, 64, { stack }).at(1_000_000_000).free(thread, 0x9000);
  recording.commit();
  const isKnown = (ns: number) => isWritten(recording.path, PID, CLOCK_START_NS + BigInt(ns), 0);
  assert.equal(await isKnown(5000), false, 'without names');
  builder.symbolize('load');
  recording.commit();
  assert.deepEqual([await isKnown(5000), await isKnown(2_000_000_000)], [true, false]);
  recording.finish();
});
