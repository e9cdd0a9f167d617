import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentOfCaller, parseNote, splitAtZeros } from '../../../../src/cli/recording/caller.ts';

test('a list of zero-terminated strings, byte for byte', () => {
  const parts = splitAtZeros(Buffer.from('a\0\0caf\xe9\0', 'latin1'));
  assert.deepEqual(
    parts.map((part) => part.toString('latin1')),
    ['a', '', 'caf\xe9'],
  );
  assert.deepEqual(splitAtZeros(Buffer.from('a')).map(String), ['a']);
  assert.deepEqual(splitAtZeros(Buffer.alloc(0)), []);
});

test('variables of Node have their names back, the note is gone, and the order is kept', () => {
  const variables = ['A=1', 'MP_CALLER=limit=1', 'MP_CALLER:NODE_OPTIONS=caf\xe9', 'MP_CALLER_X=2', 'MP_NODE=n'];
  const environment = environmentOfCaller(variables.map((variable) => Buffer.from(variable, 'latin1')));
  assert.deepEqual(
    environment.map((variable) => variable.toString('latin1')),
    ['A=1', 'NODE_OPTIONS=caf\xe9', 'MP_CALLER_X=2', 'MP_NODE=n'],
  );
});

test('the note of bin/mp', () => {
  assert.deepEqual(parseNote('limit=1024 files=0,1,2,10 ignored=1,25 blocked='), {
    openFilesLimit: 1024,
    inheritedFiles: [0, 1, 2, 10],
    ignoredSignals: [1, 25],
    blockedSignals: [],
  });
  assert.deepEqual(parseNote('limit= files= ignored= blocked=28'), {
    openFilesLimit: null,
    inheritedFiles: [],
    ignoredSignals: [],
    blockedSignals: [28],
  });
});

test('without a note: the standard descriptors, and what Node has', () => {
  assert.deepEqual(parseNote(''), {
    openFilesLimit: null,
    inheritedFiles: [0, 1, 2],
    ignoredSignals: [],
    blockedSignals: [],
  });
});
