import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOSS_MEANING } from '../../../src/model/abi.gen.ts';
import { headerLines } from '../../../src/report/header.ts';
import { infoJson } from '../../../src/report/info.ts';
import { lossLine, lossLines, lossSum } from '../../../src/report/losses.ts';
import { type Selection, viewName } from '../../../src/report/selection.ts';
import { emptyCapture, forkCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';

const header = (capture: ReturnType<typeof openCapture>) => headerLines(capture.facts, null, PLAIN).join('\n');

test('the header states target, process, duration, peak and that nothing was lost', (t) => {
  const text = header(openCapture(t, smallCapture));
  assert.match(text, /^mp-app\.100\.db: \.\/app --size 3$/m);
  assert.match(text, /^process: 100 \(app\), exit code 0$/m);
  assert.match(text, /^duration: 2\.50 s, started 2026-01-02T03:04:05\.000Z$/m);
  assert.match(text, /^peak: 3\.005 MiB \(3,151,424 bytes\), in total 3\.006 MiB in 116 allocations$/m);
  assert.match(text, /^losses: none$/m);
  assert.doesNotMatch(text, /status:|warning:|note:/);
});

test('lost events are said to spoil the numbers, unmatched frees are not', (t) => {
  const losses = { ring_dropped: 12, unmatched_free: 3, stack_truncated: 1 };
  const text = header(openCapture(t, (path) => smallCapture(path, { losses })));
  assert.match(text, /^losses: 12 ring_dropped \(events lost .*looks like a leak/m);
  assert.match(text, /^losses: 1 stack_truncated \(.*Sizes and counts are exact/m);
  assert.match(text, /^note: 3 unmatched_free \(.*information, not a loss/m);
  assert.ok(text.indexOf('ring_dropped') < text.indexOf('stack_truncated'), 'the worst comes first');
});

test('only information leaves the losses at none', () => {
  const lines = lossLines({ ring_dropped: 0, unmatched_free: 5 }, 200);
  assert.equal(lines[0], 'losses: none');
  assert.match(lines[1]!, /^note: 5 unmatched_free/);
});

test('every kind of loss of the contract has a meaning and a consequence', () => {
  for (const kind of Object.keys(LOSS_MEANING)) {
    const [line] = lossLines({ [kind]: 1 }, 1000).filter((text) => text.includes(`1 ${kind}`));
    assert.ok(line !== undefined, kind);
    assert.doesNotMatch(line, /this version of mp does not know|may not be exact/, kind);
  }
  assert.match(lossLines({ new_kind: 2 }, 1000).join(), /losses: 2 new_kind \(a kind of loss .* may not be exact/);
  assert.deepEqual(lossLines({}, 80), ['losses: not counted yet']);
});

test('a capture that is not complete says why', (t) => {
  assert.match(header(openCapture(t, smallCapture, { status: 'cut off' })), /^status: recording was cut off/m);
  assert.match(header(openCapture(t, smallCapture, { status: 'recording' })), /^status: still recording/m);
});

test('what could not be probed is in the header', (t) => {
  const warning = 'no allocator found in /usr/bin/app';
  const text = header(openCapture(t, (path) => smallCapture(path, { warning })));
  assert.match(text, /^warning: no allocator found in \/usr\/bin\/app \(process 100\)$/m);
});

test('several processes: the peak is said to be a sum', (t) => {
  const text = header(openCapture(t, forkCapture));
  assert.match(text, /^processes: 2: 200 \(server\), 201 \(server\)$/m);
  assert.match(text, /^peak: 1\.465 KiB \(1,500 bytes\), summed over 2 processes \(not one moment\)/m);
});

test('control characters of a target do not reach the terminal', (t) => {
  const text = header(openCapture(t, (path) => smallCapture(path, { meta: { command_line: './a\x1b]0;x\x07\nb' } })));
  assert.match(text, /\.\/a\\x1b\]0;x\\x07\\x0ab/);
});

test('without an end of recording the duration reaches to the last point', (t) => {
  const capture = openCapture(t, (path) => smallCapture(path, { meta: { ended_at: '' } }));
  assert.equal(capture.facts.duration_ns, 2_500_000_000);
  assert.equal(openCapture(t, emptyCapture).facts.duration_ns, 1_000_000);
});

test('info as JSON carries the stored facts and the meaning of losses', (t) => {
  const info = JSON.parse(infoJson(openCapture(t, (path) => smallCapture(path, { losses: { ring_dropped: 2 } }))));
  assert.equal(info.meta.command_line, './app --size 3');
  assert.equal(info.metadata.processes[0].peak_bytes, 3151424);
  assert.equal(info.metadata.losses.ring_dropped, 2);
  const dropped = info.losses.find((row: { kind: string }) => row.kind === 'ring_dropped');
  assert.deepEqual(dropped, { kind: 'ring_dropped', count: 2, meaning: LOSS_MEANING.ring_dropped, effect: 'numbers' });
});

test('parts of a loss are not added to it', () => {
  const losses = { ring_dropped: 12, allocations_dropped: 5, frees_dropped: 4, stack_truncated: 3 };
  assert.equal(lossSum(losses, 'numbers'), 12);
  assert.equal(lossSum(losses, 'stacks'), 3);
});

test('losses in a few words', () => {
  assert.equal(lossLine({}), 'losses: not counted yet');
  assert.equal(lossLine({ ring_dropped: 0, unmatched_free: 9 }), 'losses: none');
  assert.equal(lossLine({ stack_truncated: 1200 }), 'losses: 1,200 of stacks or names');
  const both = { ring_dropped: 3, allocations_dropped: 2, stack_missing: 1 };
  assert.equal(lossLine(both), 'losses: 3 that spoil numbers, 1 of stacks or names');
});

test('a view in a few words', () => {
  const selection: Selection = { ...HIGH_WATERMARK, view: 'leaks', pid: 3 };
  assert.equal(viewName(selection), 'leaks, only process 3');
  assert.equal(viewName({ ...selection, pid: null, view: 'temporary_allocations' }), 'temporary allocations');
});
