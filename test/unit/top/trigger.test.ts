import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_TRIGGER, Trigger, type TriggerOptions } from '../../../src/top/trigger.ts';

const SECOND = 1e9;
const MIB = 2 ** 20;

/** Reasons at [seconds, MiB, share] after one another. */
function reasons(options: Partial<TriggerOptions>, steps: [number, number, number?][]): (string | null)[] {
  const trigger = new Trigger({ ...NO_TRIGGER, ...options }, 0, 0);
  return steps.map(([seconds, size, share]) => trigger.fire(seconds * SECOND, size * MIB, share ?? null));
}

test('a threshold of 0.75 MiB: once for 1 MiB allocated, once for its release', () => {
  const steps: [number, number][] = [
    [1, 0.5],
    [2, 0.75],
    [3, 1],
    [4, 1],
    [5, 0.3],
    [6, 0],
    [7, 0],
  ];
  assert.deepEqual(reasons({ thresholdBytes: 0.75 * MIB }, steps), [
    null,
    null,
    'threshold',
    null,
    null,
    'threshold',
    null,
  ]);
});

test('a delay fires though nothing is allocated, counted from the last time', () => {
  const options = { delayNs: 2 * SECOND, thresholdBytes: MIB };
  const steps: [number, number][] = [
    [1.9, 0],
    [2, 0],
    [3, 2],
    [4.5, 2],
    [5, 2],
  ];
  assert.deepEqual(reasons(options, steps), [null, 'delay', 'threshold', null, 'delay']);
});

test('repeat 3 gives three', () => {
  const fired = reasons(
    { delayNs: SECOND, repeat: 3 },
    Array.from({ length: 9 }, (_, i) => [i + 1, 0]),
  );
  assert.deepEqual(fired.filter((reason) => reason !== null).length, 3);
  assert.deepEqual(fired.slice(0, 3), ['delay', 'delay', 'delay']);
});

test('growth: by more than 10 MiB within a minute, however slowly it began', () => {
  const growth = { bytes: 10 * MIB, windowNs: 60 * SECOND };
  const slow: [number, number][] = Array.from({ length: 120 }, (_, i) => [i, i * (9 / 60)]);
  assert.ok(reasons({ growth }, slow).every((reason) => reason === null));
  const fast: [number, number][] = Array.from({ length: 121 }, (_, i) => [i, i * (11 / 60)]);
  const fired = reasons({ growth }, fast).flatMap((reason, i) => (reason === null ? [] : [i]));
  assert.deepEqual(fired, [55, 111]);
});

test('a share of the limit: whenever it is reached, not while it stays above', () => {
  const steps: [number, number, number?][] = [
    [1, 0, 0.7],
    [2, 0, 0.8],
    [3, 0, 0.9],
    [4, 0, 0.7],
    [5, 0],
    [6, 0, 0.85],
  ];
  assert.deepEqual(reasons({ limitShare: 0.8 }, steps), [null, 'limit', null, null, null, 'limit']);
});

test('a delay begins when what it fired for last is done; a threshold does not wait', () => {
  const trigger = new Trigger({ ...NO_TRIGGER, delayNs: SECOND, thresholdBytes: MIB }, 0, 0);
  assert.equal(trigger.fire(SECOND, 0, null, true), null);
  assert.equal(trigger.fire(2 * SECOND, 2 * MIB, null, true), 'threshold');
  assert.equal(trigger.fire(4 * SECOND, 2 * MIB, null, false), 'delay');
});

test('without a cause it is over', () => {
  assert.ok(new Trigger(NO_TRIGGER, 0, 0).isOver);
  assert.ok(!new Trigger({ ...NO_TRIGGER, delayNs: 1 }, 0, 0).isOver);
});
