/** Figures of Python processes as metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PythonFigures } from '../../../src/model/heap.ts';
import { pythonMetrics } from '../../../src/top/python-figures.ts';

const ONE: PythonFigures = {
  pymallocBytes: 1000,
  pymallocMaxBytes: 3000,
  pymallocBlocks: 20,
  pymallocAllocatedBytes: 600,
  pymallocFreeBytes: 300,
  trackedObjects: 7,
  internedStrings: 5,
  internedBytes: 200,
};

function valuesOf(processes: PythonFigures[]): Record<string, number> {
  return Object.fromEntries(pythonMetrics(processes).map(({ name, value }) => [name, value]));
}

test('sums of all processes', () => {
  assert.deepEqual(valuesOf([ONE, { ...ONE, pymallocFreeBytes: 700 }]), {
    'gc.objects': 14,
    'pymalloc.allocated': 1200,
    'pymalloc.blocks': 40,
    'pymalloc.fragmentation': 0.5,
    'pymalloc.free': 1000,
    'pymalloc.max_size': 6000,
    'pymalloc.size': 2000,
    'unicode_interned.len': 10,
    'unicode_interned.size': 400,
  });
  assert.deepEqual(pythonMetrics([]), []);
});

test('a figure that is not known of all is none of them', () => {
  const { trackedObjects, pymallocBlocks, ...rest } = ONE;
  const values = valuesOf([ONE, rest]);
  assert.deepEqual([trackedObjects, pymallocBlocks], [7, 20]);
  assert.deepEqual([values['gc.objects'], values['pymalloc.blocks']], [undefined, undefined]);
  assert.equal(values['pymalloc.size'], 2000);
});

test('a process without pymalloc adds nothing to it', () => {
  const values = valuesOf([ONE, { trackedObjects: 1, internedStrings: 1, internedBytes: 1 }]);
  assert.deepEqual([values['pymalloc.size'], values['gc.objects']], [1000, 8]);
  assert.equal('pymalloc.size' in valuesOf([{ trackedObjects: 1 }]), false);
});
