import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { liveJson, liveText } from '../../../src/tui/live-text.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { assertGolden } from '../report/golden.ts';
import { at, CONTEXT, LiveCapture, newModel } from './live-capture.ts';

function start(t: TestContext) {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  const model = newModel();
  const reader = capture.reader();
  const look = (seconds: number) => model.apply({ ...reader.poll(at(seconds)), capture: 'mp-server.100.db' });
  look(2.5);
  return { capture, model, look };
}

test('a block for each look', (t) => {
  const { capture, model, look } = start(t);
  const first = liveText(model, 120, 3, CONTEXT);
  capture.set('A', 1, 1);
  capture.end();
  look(4);
  assertGolden('live-text', first + liveText(model, 80, 20, CONTEXT));
});

test('a line of JSON for each look', (t) => {
  const { model } = start(t);
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
