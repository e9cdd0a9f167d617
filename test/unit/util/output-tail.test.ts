import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputTail } from '../../../src/util/output-tail.ts';

function tailOf(...parts: (string | Uint8Array)[]): OutputTail {
  const tail = new OutputTail();
  for (const part of parts) tail.add(Buffer.from(part as string));
  return tail;
}

test('lines, whatever pieces they come in', () => {
  assert.deepEqual(tailOf('a\nb', 'c\r\n', 'd').output, ['a', 'bc', 'd']);
  assert.deepEqual(tailOf('a\n').output, ['a']);
  assert.deepEqual(tailOf().output, []);
  const euro = Buffer.from('€');
  assert.deepEqual(tailOf(euro.subarray(0, 1), euro.subarray(1)).output, ['€']);
});

test('a carriage return begins the line anew', () => {
  assert.deepEqual(tailOf('10 %\r20 %').output, ['20 %']);
  assert.deepEqual(tailOf('10 %\r', '20 %\r', '30 %\n', 'done').output, ['30 %', 'done']);
});

test('bounded, however much comes', () => {
  const tail = tailOf('x'.repeat(100_000));
  for (let i = 0; i < 1000; i++) tail.add(Buffer.from(`${i}\n`));
  assert.ok(tail.output.length <= 200);
  assert.equal(tail.output.at(-1), '999');
  for (let i = 0; i < 100; i++) tail.add(Buffer.from('y'.repeat(1000)));
  assert.ok(tail.text.length < 10_000);
});

test('tells who listens', () => {
  const tail = new OutputTail();
  let calls = 0;
  tail.onOutput(() => calls++);
  tail.add(Buffer.from('a'));
  assert.equal(calls, 1);
});
