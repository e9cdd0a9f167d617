import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveJson, liveText } from '../../../src/tui/live-text.ts';
import { assertGolden } from '../report/golden.ts';
import { CONTEXT, followed } from './live-capture.ts';

test('a block for each look', (t) => {
  const { capture, model, look } = followed(t);
  const first = liveText(model, 120, 3, CONTEXT);
  capture.set('A', 1, 1);
  capture.end();
  look(4);
  assertGolden('live-text', first + liveText(model, 80, 20, CONTEXT));
});

test('a line of JSON for each look', (t) => {
  const { model } = followed(t);
  const text = liveJson(model, 1, '2026-01-02T03:04:07.500Z');
  assert.ok(text.endsWith('}\n') && !text.slice(0, -1).includes('\n'));
  assert.deepEqual(JSON.parse(text), {
    ...{ time: '2026-01-02T03:04:07.500Z', capture: 'mp-server.100.db', command_line: './server --port 80' },
    ...{ status: 'recording', samples: 1, duration_ns: 2.5e9, allocations: 15 },
    ...{ heap_bytes: 7 * 2 ** 20 + 4096, max_heap_bytes: 10 * 2 ** 20 },
    losses: { frame_unsymbolized: 0, ring_dropped: 0 },
    processes: [
      {
        ...{ pid: 100, command_line: './server --port 80', ended: false, allocations: 10, allocations_per_second: 0 },
        ...{ heap_bytes: 5 * 2 ** 20 + 4096, rss_bytes: 20 * 2 ** 20 },
      },
      {
        ...{ pid: 102, command_line: '', ended: false, allocations: 9, allocations_per_second: 0 },
        ...{ heap_bytes: 2 * 2 ** 20, rss_bytes: 3 * 2 ** 20 },
      },
    ],
    rows: [{ function: 'main', file: '/src/server/main.c', total_bytes: 7 * 2 ** 20, own_bytes: 0, allocations: 14 }],
  });
});
