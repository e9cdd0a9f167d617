import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBuffer } from '../../../src/model/resident.ts';

const ALLOCATE = 'node::NodeArrayBufferAllocator::Allocate(unsigned long)';

test('blocks of Buffers are known by the function that calls malloc, or one of the next two', () => {
  assert.ok(isBuffer([ALLOCATE, 'v8::internal::Heap::AllocateExternalBackingStore(…)']));
  assert.ok(isBuffer(['char* node::UncheckedMalloc<char>(unsigned long)', ALLOCATE]));
  assert.ok(isBuffer([null, 'operator new(unsigned long)', 'v8::internal::BackingStore::Allocate(…)']));
  assert.ok(isBuffer(['v8::(anonymous namespace)::ArrayBufferAllocator::Allocate(unsigned long)']));
});

test('what is allocated meanwhile by others is not', () => {
  assert.ok(!isBuffer([]));
  assert.ok(!isBuffer([null]));
  assert.ok(!isBuffer(['deflateInit2_', 'node::zlib::Compress()']));
  const collection = ['operator new(unsigned long)', 'v8::internal::Worklist::Push()', 'v8::internal::Heap::Collect()'];
  assert.ok(!isBuffer([...collection, ALLOCATE]));
});
