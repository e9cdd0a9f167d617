import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLeaks, leaksJson, leaksText } from '../../../src/report/leaks.ts';
import type { Selection } from '../../../src/report/selection.ts';
import { CaptureFixture, forkCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, PLAIN } from './command.ts';

const LEAKS: Selection = { ...HIGH_WATERMARK, view: 'leaks' };
const OPTIONS = { maxRows: 10, maxFrames: 20 };

test('leaks by stack, biggest first, with the whole stack', (t) => {
  const leaks = findLeaks(openCapture(t, smallCapture), LEAKS);
  const brief = leaks.map((leak) => [leak.bytes, leak.allocations, leak.allocator, leak.stack.map((f) => f.function)]);
  assert.deepEqual(brief, [
    [400, 4, 'malloc', ['load', 'main']],
    [96, 6, 'malloc', ['strdup', 'load', 'main']],
    [64, 2, 'malloc', ['handler', 'main']],
  ]);
});

test('threads of one stack are added up, allocators are not', (t) => {
  const capture = openCapture(t, (path) => {
    const fixture = new CaptureFixture(path);
    const process = fixture.process({ pid: 1, ended_ns: 1, exit_code: 0 });
    const stack = fixture.stack(fixture.frame({ function: 'f' }));
    const once = (tid: number, allocator: string, bytes: number) => {
      const thread = fixture.thread(process, tid, 't');
      fixture.site({ process, thread, allocator, stack, all: [1, bytes], live: [1, bytes] });
    };
    once(1, 'malloc', 10);
    once(2, 'malloc', 20);
    once(1, 'calloc', 5);
    fixture.close();
  });
  const leaks = findLeaks(capture, LEAKS).map((leak) => [leak.allocator, leak.bytes, leak.allocations]);
  assert.deepEqual(leaks, [
    ['malloc', 30, 2],
    ['calloc', 5, 1],
  ]);
});

test('what is left out is added up', (t) => {
  const text = leaksText(openCapture(t, smallCapture), LEAKS, { maxRows: 1, maxFrames: 1 }, PLAIN);
  assert.match(text, /^560 B in 12 allocations never freed, from 3 stacks$/m);
  assert.match(text, /^#1 {2}400 B {2}71\.43% {2}4 × malloc$/m);
  assert.match(text, /… 1 more frame$/m);
  assert.match(text, /^2 more stacks: 160 B;/m);
  assert.doesNotMatch(text, /#2|strdup/);
});

test('memory of a process that had not ended need not be leaked', (t) => {
  const ended = leaksText(openCapture(t, smallCapture), LEAKS, OPTIONS, PLAIN);
  assert.doesNotMatch(ended, /Not necessarily leaked/);
  const running = openCapture(t, (path) => smallCapture(path, { running: true }));
  assert.match(leaksText(running, LEAKS, OPTIONS, PLAIN), /^Not necessarily leaked: 100 \(app\) had not ended when/m);
  const attached = leaksText(openCapture(t, forkCapture), LEAKS, OPTIONS, PLAIN);
  assert.match(attached, /Not necessarily leaked: 200 \(server\), 201 \(server\)/);
  assert.match(attached, /before the tracer attached/);
  assert.match(attached, /1 × malloc, process 201$/m);
});

test('lost frees are said to look like leaks', (t) => {
  const capture = openCapture(t, (path) => smallCapture(path, { losses: { ring_dropped: 1 } }));
  assert.match(leaksText(capture, LEAKS, OPTIONS, PLAIN), /^Events were lost: a block whose free was lost is listed/m);
});

test('JSON carries full frames', (t) => {
  const document = JSON.parse(leaksJson(openCapture(t, smallCapture), LEAKS, { maxRows: 1 }));
  assert.equal(document.leaks.length, 1);
  assert.deepEqual(document.leaks[0].stack[0], {
    function: 'load',
    file: '/src/app/load.c',
    line: 20,
    language: 'native',
    module: '/usr/bin/app',
    inlined: false,
  });
  assert.equal(document.metadata.leaked_bytes, 560);
});

test('nothing leaked says so after the fixed sentence', (t) => {
  const capture = openCapture(t, smallCapture);
  const none = leaksText(capture, { ...LEAKS, tid: 101 }, OPTIONS, PLAIN);
  assert.match(none, /^#1 {2}96 B/m);
  const empty = leaksText(capture, { ...LEAKS, pid: 5 }, OPTIONS, PLAIN);
  assert.match(empty, /^No allocations were recorded\.\nThe selection has none of the capture's 116 allocations\.$/m);
});
