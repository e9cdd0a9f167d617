import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Symbolizer } from '../../../src/symbolize/symbolizer.ts';
import { RecordBuilder } from '../helpers/record-builder.ts';

function names(symbolizer: Symbolizer, stack: number, incomplete = false): (string | null)[] | null {
  return symbolizer.frames(stack, incomplete)?.map((frame) => frame.function) ?? null;
}

test('a stack is known when all of its locations are', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('complete', 'main', 'run', 'parse');
  symbolizer.add(builder.symbolize('parse').symbolize('main').take());
  assert.equal(symbolizer.isKnown(stack), false);
  assert.equal(names(symbolizer, stack), null);
  const before = symbolizer.revision;
  symbolizer.add(builder.symbolize('run').take());
  assert.notEqual(symbolizer.revision, before);
  assert.deepEqual(names(symbolizer, stack), ['main', 'run', 'parse']);
});

test('inlined frames lie inside the function that contains them', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('complete', 'main', 'outer');
  builder.symbolize('main').symbolize('outer', { function: 'inner', inlined: true }, { function: 'outer' });
  symbolizer.add(builder.take());
  assert.deepEqual(names(symbolizer, stack), ['main', 'outer', 'inner']);
});

test('locations without a function are counted once, and only if a stack uses them', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const first = builder.bareStack('complete', 'a', 'b');
  const second = builder.bareStack('complete', 'a', 'b', 'c');
  builder.symbolize('a', { file: 'a.c' }).symbolize('b').symbolize('c').symbolize('unused', { file: 'x.c' });
  symbolizer.add(builder.take());
  assert.equal(symbolizer.unsymbolizedFrames, 0);
  symbolizer.frames(first);
  symbolizer.frames(second);
  assert.equal(symbolizer.unsymbolizedFrames, 1);
});

test('a location with no frames at all is one nameless frame', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('complete', 'a');
  symbolizer.add({ ...builder.take(), symbols: [{ location: builder.location('a'), frames: [] }] });
  assert.deepEqual(names(symbolizer, stack), [null]);
});

test('at the end, what has no symbols is nameless', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('complete', 'main', 'lost');
  symbolizer.add(builder.symbolize('main').take());
  assert.deepEqual(names(symbolizer, stack, true), ['main', null]);
  assert.equal(symbolizer.unsymbolizedFrames, 1);
});

test('a stack without locations, or never seen, has no frames', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('missing');
  symbolizer.add(builder.take());
  assert.deepEqual(names(symbolizer, stack), []);
  assert.deepEqual(names(symbolizer, 99), []);
});

test('the symbols that came first stay', () => {
  const builder = new RecordBuilder();
  const symbolizer = new Symbolizer();
  const stack = builder.bareStack('complete', 'a');
  symbolizer.add(builder.symbolize('a').take());
  symbolizer.add(builder.symbolize('a', { function: 'other' }).take());
  assert.deepEqual(names(symbolizer, stack), ['a']);
  symbolizer.release(stack);
  assert.deepEqual(names(symbolizer, stack), []);
});
