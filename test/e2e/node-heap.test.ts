/** Samples of what JavaScript allocates in V8's heap: close to the truth, and no part of anything else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptureFile } from './capture-file.ts';
import { cannotRecord } from './helpers.ts';
import { findNodes, recordNode } from './node.ts';
import { Stacks } from './stated-stacks.ts';

/** Bytes by function; see heap.cjs. */
const TRUTH = { makeArrays: 104_000_000, makePoints: 48_000_000, makeLarge: 167_773_120 };
/** A sample stands for as much as a page of V8, 256 KiB; some go to the function before or after. */
const TOLERANCE = 0.05;
/** Of a function's bytes: names can't always be read while collections move them. */
const NAMED_SHARE = 0.8;
/** MP_V8_SAMPLE_BYTES of bpf/mp.h. */
const SAMPLE_BYTES = 32_768;
/** Of the program there are fewer; V8 has to start, too. */
const MOST_SAMPLES = 1500;

interface Samples {
  bytes: Map<string, number>;
  /** Of all functions, also where none is known. */
  total: number;
  count: number;
  tids: Set<number>;
}

function samplesOf(capture: CaptureFile): Samples {
  const stacks = new Stacks(capture);
  const samples: Samples = { bytes: new Map(), total: 0, count: 0, tids: new Set() };
  for (const row of capture.rows('v8_samples')) {
    const made = stacks.frames(row.stack_id).find(({ function: name }) => name !== null && name in TRUTH)?.function;
    samples.total += row.bytes;
    samples.count += row.allocations;
    if (!made) continue;
    samples.bytes.set(made, (samples.bytes.get(made) ?? 0) + row.bytes);
    samples.tids.add(row.tid);
  }
  return samples;
}

function compareTruth({ bytes, total, count }: Samples): void {
  for (const [name, truth] of Object.entries(TRUTH)) {
    const ratio = (bytes.get(name) ?? 0) / truth;
    assert.ok(ratio > NAMED_SHARE && ratio < 1 + TOLERANCE, `${name}: ${ratio} of the truth`);
  }
  const ratio = total / Object.values(TRUTH).reduce((sum, part) => sum + part, 0);
  assert.ok(Math.abs(ratio - 1) < TOLERANCE, `${ratio} of the truth in all`);
  assert.ok(count < MOST_SAMPLES, `${count} samples`);
  assert.ok(total / count >= SAMPLE_BYTES, `${total} bytes in ${count} samples`);
}

function compareSums(capture: CaptureFile): void {
  assert.deepEqual(capture.inconsistencies(), []);
  const exact = capture.rows('allocations').filter((row) => row.allocator === 'v8_sample');
  assert.deepEqual(exact, []);
}

describe("samples of V8's heap", { skip: cannotRecord() }, () => {
  for (const node of findNodes()) {
    test(`the first thread, run, ${node.version}`, async (t) => {
      const capture = await recordNode(t, 'run', node, 'heap.cjs');
      compareTruth(samplesOf(capture));
      compareSums(capture);
    });

    test(`a worker, trace, ${node.version}`, async (t) => {
      const capture = await recordNode(t, 'trace', node, 'heap.cjs', { programArgs: ['worker'] });
      const samples = samplesOf(capture);
      compareTruth(samples);
      compareSums(capture);
      const [worker] = samples.tids;
      assert.equal(samples.tids.size, 1);
      assert.notEqual(worker, capture.processes()[0]!.pid);
    });
  }
});
