/** Many deep JavaScript stacks, no two of them the same: none gets lost in a small ring, and every name is right. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { assertNone, cannotRecord } from './helpers.ts';
import { compareHealth, findNodes, nodeProgram, recordNode } from './node.ts';
import { Stacks } from './stated-stacks.ts';

/** See deep.cjs. */
const STACKS = 2100;
const DEPTH = 40;
const BITS = 12;
const FIRST_BYTES = 1001;
/** Room for all stacks at once, if each place in them is sent once; not for what led to it, frame by frame. */
const RING = ['--ring-size', '4M'];
/** Of the stacks between forced collections: those just before one may be read too late, and have no names then. */
const NAMED_SHARE = 0.7;
const FLAGS = ['--no-opt', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** Innermost first. */
function statedNames(number: number): string[] {
  return Array.from({ length: DEPTH + 1 }, (_, level) =>
    level < DEPTH && (number >> ((level + 1) % BITS)) & 1 ? 'odd' : 'even',
  );
}

/** The names of the frames in deep.cjs, without the module's own, by number of the stack. */
function recordedNames(capture: CaptureFile): Map<number, string[]> {
  const stacks = new Stacks(capture);
  const rows = capture.rows('allocations').filter((row) => row.allocator === 'calloc');
  const names = new Map<number, string[]>();
  for (const row of rows) {
    const number = row.bytes - FIRST_BYTES;
    const frames = stacks.frames(row.stack_id).filter((frame) => frame.file === nodeProgram('deep.cjs'));
    const isStated = frames.some((frame) => frame.function === 'even' || frame.function === 'odd');
    if (!isStated || row.allocations !== 1 || number < 0 || number >= STACKS) continue;
    names.set(
      number,
      frames.map((frame) => frame.function ?? '').filter((name) => name !== '(anonymous)'),
    );
  }
  return names;
}

function difference(number: number, names: string[] | undefined): string[] {
  const stated = statedNames(number);
  if (names?.join() === stated.join()) return [];
  return [`stack ${number}: ${names?.join(' ') ?? 'no names'}, not ${stated.join(' ')}`];
}

describe('deep JavaScript stacks', { skip: cannotRecord() }, () => {
  for (const node of findNodes()) {
    test(`all in a small ring, ${node.version}`, async (t) => {
      const capture = await recordNode(t, 'trace', node, 'deep.cjs', { flags: FLAGS, options: RING });
      const names = recordedNames(capture);
      const numbers = Array.from({ length: STACKS }, (_, number) => number);
      assertNone([...compareHealth(capture), ...numbers.flatMap((number) => difference(number, names.get(number)))]);
    });

    test(`with collections in between, ${node.version}`, async (t) => {
      const flags = ['--expose-gc', '--stress-compaction', ...FLAGS];
      const capture = await recordNode(t, 'trace', node, 'deep.cjs', { flags, options: RING });
      const names = recordedNames(capture);
      const text = `${names.size} of ${STACKS} stacks have names`;
      t.diagnostic(`${node.version}: ${text}`);
      assertNone([...compareHealth(capture), ...[...names].flatMap(([number, found]) => difference(number, found))]);
      assert.ok(names.size > NAMED_SHARE * STACKS, text);
    });
  }
});
