import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventProgress } from '../../../../src/cli/reports/event-progress.ts';

function terminal(isTTY: boolean) {
  const lines: string[] = [];
  const write = (text: unknown) => lines.push(String(text)) > 0;
  return { lines, stream: { isTTY, write } as Parameters<typeof eventProgress>[0] };
}

test('a look that takes long says how far it is, and takes that back', () => {
  const { lines, stream } = terminal(true);
  let nowMs = 0;
  const progress = eventProgress(stream, () => nowMs)!;
  progress(0, 200);
  nowMs = 2000;
  progress(50, 200);
  progress(51, 200);
  nowMs = 2300;
  progress(99, 200);
  progress(200, 200);
  assert.deepEqual(lines, ['\r\x1b[Kmp: reading events: 25%', '\r\x1b[Kmp: reading events: 49%', '\r\x1b[K']);
});

test('a short one says nothing, nor is anything said where there is no terminal', () => {
  const { lines, stream } = terminal(true);
  const progress = eventProgress(stream, () => 0)!;
  progress(0, 1);
  progress(1, 1);
  assert.deepEqual(lines, []);
  assert.equal(eventProgress(terminal(false).stream), undefined);
});
