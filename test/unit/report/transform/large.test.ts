import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capture } from '../../../../src/report/report.ts';
import type { FrameRow, Rows, SiteRow, Source } from '../../../../src/report/source.ts';
import { FORMATS } from '../../../../src/report/transform/formats.ts';
import { columnsOf, HIGH_WATERMARK } from '../command.ts';

const SITES = 100_000;
const FRAMES = 3_000;
const DEPTH = 20;

/** A tree of stacks of twenty frames, of which each site has its own innermost one. Nothing is read from a file. */
function largeCapture(): Capture {
  const frames = Array.from(
    { length: FRAMES },
    (_, id): FrameRow => ({
      ...{ id, function: `ns::Class${id}::method(int, char const*)`, file: `/src/dir${id % 50}/file${id % 500}.cc` },
      ...{ line: id, language: 'native', module: '/usr/bin/big', inlined: 0 },
    }),
  );
  const stacks: Rows['stacks'][] = [];
  const node = (parent_id: number | null, frame_id: number, depth: number) =>
    stacks.push({ id: stacks.length + 1, parent_id, frame_id, depth });
  const sites: SiteRow[] = [];
  for (let i = 0; i < SITES; i++) {
    // trunks of all but the innermost frame are shared by a hundred sites
    if (i % 100 === 0) for (let d = 1; d < DEPTH; d++) node(d === 1 ? null : stacks.length, (i / 100 + d) % FRAMES, d);
    const trunk = stacks.length - (i % 100);
    const stack_id = node(trunk, (i * 7) % FRAMES, DEPTH);
    sites.push({ process_id: 1, thread_id: 1, allocator: 'malloc', stack_id, allocations: 1, bytes: i });
  }
  const process = { id: 1, pid: 1, comm: 'big', started_ns: 0, ended_ns: 1e9, peak_bytes: 1, allocations: SITES };
  const rows: Partial<Record<keyof Rows, object[]>> = {
    ...{ frames, stacks, sites_high_watermark: sites, sites_leaks: sites },
    threads: [{ id: 1, process_id: 1, tid: 1, name: 'big' }],
    memory: [],
  };
  const all = (query: keyof Rows) => (rows[query] ?? []) as never[];
  const source: Source = { all, iterate: all, columns: (query, fields) => [columnsOf(all(query), fields)] };
  const facts = {
    capture: 'big.db',
    command_line: './big',
    started_at: null,
    processes: [process],
    losses: {},
    warnings: [],
  };
  return { source, facts } as unknown as Capture;
}

for (const [name, format] of Object.entries(FORMATS)) {
  test(`${name} of ${SITES} sites is written in small pieces`, async () => {
    const exporter = await format.load();
    let length = 0;
    let longest = 0;
    for (const piece of exporter(largeCapture(), HIGH_WATERMARK, { splitThreads: false, count: 'bytes' })) {
      length += piece.length;
      if (typeof piece === 'string') longest = Math.max(longest, piece.length);
    }
    assert.ok(length > 500);
    if (name !== 'speedscope') assert.ok(longest < 10_000, `a piece of ${longest} characters`);
  });
}
