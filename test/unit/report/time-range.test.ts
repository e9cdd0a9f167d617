import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTime, resolveRange, windowTitle } from '../../../src/report/time-range.ts';

test('times of the command line', () => {
  const times = {
    '1.25': 1.25e9,
    '90s': 90e9,
    '1500ms': 1.5e9,
    '2m': 120e9,
    '1h': 3600e9,
    '50%': 4e9,
    '.5': 5e8,
    '0': 0,
  };
  for (const [text, ns] of Object.entries(times)) assert.equal(parseTime(text, 8e9), ns, text);
  for (const text of ['', 's', '-1', '1 s', '1d', '101%', '1e3', '1.2.3', 'NaN'])
    assert.equal(parseTime(text, 8e9), null, text);
});

const COMPLETE = { duration_ns: 5e9, interval_ns: 20e6, known_ns: 4.02e9, isComplete: true };

test('a range is widened to whole intervals', () => {
  const window = resolveRange({ from: '1.253', to: '50%' }, COMPLETE);
  assert.deepEqual(window, { from_ns: 1.24e9, to_ns: 2.5e9, interval_ns: 20e6 });
  assert.deepEqual(resolveRange({ from: '1.26', to: '1.261' }, COMPLETE), {
    ...window,
    from_ns: 1.26e9,
    to_ns: 1.28e9,
  });
});

test('with single events it is widened to their steps', () => {
  const exact = { ...COMPLETE, interval_ns: 100, duration_ns: 100e9 };
  const window = resolveRange({ from: '1.253', to: '1.1000000016m' }, exact);
  assert.deepEqual(window, { from_ns: 1_253_000_000, to_ns: 66_000_000_100, interval_ns: 100 });
  assert.equal(windowTitle(window), '1.253 s to 66.0000001 s; what follows is about this time');
});

test('without an end it goes to that of the capture', () => {
  assert.deepEqual(resolveRange({ to: '5' }, COMPLETE), { from_ns: 0, to_ns: null, interval_ns: 20e6 });
  assert.equal(resolveRange({ from: '1', to: '900' }, COMPLETE).to_ns, null);
});

test('while it is recorded, to what is known', () => {
  const recording = { ...COMPLETE, isComplete: false };
  assert.equal(resolveRange({ from: '1' }, recording).to_ns, 4.02e9);
  assert.equal(resolveRange({ to: '4.5' }, recording).to_ns, 4.02e9);
  assert.throws(() => resolveRange({ from: '4.5' }, recording), {
    message: '--from 4.5 is not before what has been recorded so far (4.02 s).',
  });
});

test('empty ranges are refused', () => {
  assert.throws(() => resolveRange({ from: '6s' }, COMPLETE), {
    name: 'UserError',
    message: '--from 6s is not before the end of the capture (5.00 s).',
  });
  assert.throws(() => resolveRange({ from: '50%', to: '2' }, COMPLETE), {
    message: '--from 50% is not before --to 2.',
  });
});
