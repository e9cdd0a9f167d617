/** JavaScript frames: function, file and exact line of every kind of frame, between the native ones, on every Node. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile, ViewRow } from './capture-file.ts';
import { assertNone, cannotRecord } from './helpers.ts';
import {
  compareHealth,
  compareHotSites,
  compareSites,
  findNodes,
  JAVASCRIPT,
  recordNode,
  statedSites,
} from './node.ts';
import { describeFrame, type StackFrame, Stacks, type StatedFrame, type StatedSite } from './stated-stacks.ts';

/** See dropped.cjs. */
const FIRST_BYTES = 100_001;
/** Of the functions after which dropped.cjs pauses: those that must have their names. None may have another one. */
const NAMED_SHARE = 0.8;
/** Room for all young objects: what collections do to names is the business of dropped.cjs. */
const NOT_COLLECTING = ['--min-semi-space-size=64', '--max-semi-space-size=64'];
const COLLECTING = ['--expose-gc', '--stress-compaction', '--gc-interval=500'];

/** The one stack in which blocks of a size were allocated. */
function framesOfSize(capture: CaptureFile, stacks: Stacks, bytes: number): StackFrame[] {
  const rows = capture.rows('allocations').filter((row) => row.bytes === bytes);
  assert.deepEqual(
    rows.map((row) => row.allocations),
    [1],
    `one allocation of ${bytes} bytes`,
  );
  return stacks.frames(rows[0]!.stack_id);
}

/** Whether it is the stated frame as far as it is known: not every line is, while objects are moved. */
function isStatedOrUnknown(stated: StatedFrame, frame: StackFrame): boolean {
  return JAVASCRIPT.isSame(stated, { ...frame, line: frame.line ?? stated[2] });
}

/** The first recorded frame that is none of the stated ones, or not in their order. Frames may be absent. */
function findStale(site: StatedSite, frames: StackFrame[]): StackFrame | undefined {
  let next = 0;
  return frames.find((frame) => {
    const at = site.frames.findIndex((stated, index) => index >= next && isStatedOrUnknown(stated, frame));
    next = at + 1;
    return at === -1;
  });
}

/** Without the functions of node's that Buffers are made in. */
function withoutBuffer(frames: StackFrame[]): StackFrame[] {
  return frames.filter(
    (frame) =>
      frame.language === 'javascript' &&
      (frame.file ?? frame.line) !== null &&
      !['node:buffer', 'node:internal/buffer'].includes(frame.file ?? ''),
  );
}

/** Rows with a frame of one of the functions that dropped.cjs makes, with the innermost one's name. */
function madeRows(capture: CaptureFile): { name: string; row: ViewRow; frames: StackFrame[] }[] {
  const stacks = new Stacks(capture);
  return capture.rows('allocations').flatMap((row) => {
    const frames = withoutBuffer(stacks.frames(row.stack_id));
    const name = frames.find((frame) => /^(made|caller)_\d+$/.test(frame.function ?? ''))?.function;
    // a function that is being made is compiled, and V8 allocates for itself
    return name && row.allocator === 'calloc' && row.bytes >= FIRST_BYTES ? [{ name, row, frames }] : [];
  });
}

describe('JavaScript frames', { skip: cannotRecord() }, () => {
  for (const node of findNodes()) {
    test(`every kind of frame, run, ${node.version}`, async (t) => {
      const sites = statedSites(node, 'shapes.mjs');
      assertNone(compareSites(sites, await recordNode(t, 'run', node, 'shapes.mjs', { flags: NOT_COLLECTING })));
    });

    test(`every kind of frame, trace, code of the baseline compiler, ${node.version}`, async (t) => {
      const sites = statedSites(node, 'shapes.mjs');
      const flags = ['--always-sparkplug', '--no-opt', ...NOT_COLLECTING];
      assertNone(compareSites(sites, await recordNode(t, 'trace', node, 'shapes.mjs', { flags })));
    });

    test(`optimized and inlined functions, and process.exit, ${node.version}`, async (t) => {
      const sites = statedSites(node, 'hot.cjs');
      const capture = await recordNode(t, 'run', node, 'hot.cjs', { flags: NOT_COLLECTING });
      const stacks = new Stacks(capture);
      const isInlined = (name: string) => {
        const site = sites.find(({ frames }) => frames[0]![0] === name)!;
        const frames = framesOfSize(capture, stacks, site.bytes!);
        return frames.some(
          (frame) => frame.function === name && frame.language === 'javascript' && frame.inlined === 1,
        );
      };
      assertNone(compareHotSites(sites, capture));
      assert.deepEqual([isInlined('leaf'), isInlined('Hot.scaled')], [true, true]);
    });

    test(`functions that are collected, ${node.version}`, async (t) => {
      const sites = statedSites(node, 'dropped.cjs');
      const capture = await recordNode(t, 'trace', node, 'dropped.cjs', { flags: COLLECTING });
      const named = new Set<string>();
      const problems = madeRows(capture).flatMap(({ name, row, frames }) => {
        const site = sites.find(
          (one) => one.frames[0]![0].replace('made', 'caller') === name.replace('made', 'caller'),
        )!;
        if (frames.some((frame) => frame.function === site.frames[0]![0])) named.add(name);
        if (row.bytes !== site.bytes || row.allocations !== 1) return [`${name}: ${row.allocations} × ${row.bytes}`];
        const stale = findStale(site, frames);
        return stale ? [`${name}: ${describeFrame(stale)}`] : [];
      });
      const paused = sites.filter((_, index) => index % 2 === 0).map((site) => site.frames[0]![0]);
      const found = paused.filter((name) => named.has(name)).length;
      const text = `${found} of ${paused.length} functions have their names, ${named.size} of all ${sites.length}`;
      t.diagnostic(`${node.version}: ${text}`);
      assertNone([...problems, ...compareHealth(capture)]);
      assert.ok(found > NAMED_SHARE * paused.length, text);
    });

    test(`C++ of node below JavaScript, and an uncaught exception, ${node.version}`, async (t) => {
      const sites = statedSites(node, 'native.cjs');
      const ending = {
        flags: NOT_COLLECTING,
        code: 1,
        stdout: '',
        stderr: /^\/.*native\.cjs:\d+\n.*\n.*\n\nError: expected\n/,
      };
      assertNone(compareSites(sites, await recordNode(t, 'run', node, 'native.cjs', ending)));
    });
  }
});
