/** Pictures of made heaps, with a graphviz that is not there or does what the test says. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { answerOf, type Question } from '../../../../src/cli/objects/objgraph-answer.ts';
import { objectGraphData } from '../../../../src/cli/objects/objgraph-page-data.ts';
import { type PictureKind, picture, pictureKind } from '../../../../src/cli/objects/objgraph-picture.ts';
import { HeapGraph } from '../../../../src/heap/graph.ts';
import { UserError } from '../../../../src/util/errors.ts';
import { makeHeap } from '../../heap/made-heap.ts';
import { temporaryFolder } from '../../helpers/temporary-folder.ts';

const { heap, names } = makeHeap([
  { type: 'module', text: 'app', references: { '.__dict__': 1 } },
  { type: 'dict', references: { "['cache']": 2, "['x']": 0 } },
  { type: 'list', text: '\x1b' },
]);
const graph = new HeapGraph(heap, names);
const known = { peaks: null, before: null, sites: null };
const question: Question = { refs: 'app', sortby: 'deltas', limit: 10, tooMany: 1 };
const titles = { pid: 7, title: 'References of app', sites: null };

/** `dot` is this program, and there is no other. */
function withGraphviz(t: TestContext, program: string | null): void {
  const folder = temporaryFolder(t);
  const path = process.env.PATH;
  if (program !== null) {
    writeFileSync(join(folder, 'dot'), `#!/bin/sh\n${program}\n`);
    chmodSync(join(folder, 'dot'), 0o755);
  }
  process.env.PATH = folder;
  t.after(() => {
    process.env.PATH = path;
  });
}

const drawn = (kind: PictureKind) => String(picture(graph, answerOf(graph, question, known), kind, titles));

test('the name of the file says which picture', () => {
  const kinds = ['a.dot', 'a.gv', 'a.SVG', 'a.png', 'a.html', 'a.txt', 'dot'].map((output) => pictureKind({ output }));
  assert.deepEqual(kinds, ['dot', 'dot', 'svg', 'png', 'html', null, null]);
  assert.deepEqual([pictureKind({}), pictureKind({ dot: true })], [null, 'dot']);
});

test('graphviz draws, and what it says of a failure is said', (t) => {
  withGraphviz(t, 'read line; echo "$1: $line"');
  assert.equal(drawn('svg'), '-Tsvg: digraph ObjectGraph {\n');
  withGraphviz(t, 'echo broken >&2; exit 3');
  assert.throws(() => drawn('png'), /graphviz has failed: broken/);
});

test('without graphviz one sentence says what to do, and the rest works', (t) => {
  withGraphviz(t, null);
  assert.throws(
    () => drawn('png'),
    (error) => error instanceof UserError && /^\.png needs graphviz \(apt-get install graphviz\)/.test(error.message),
  );
  assert.match(drawn('dot'), /^digraph/);
});

test('only of objects there is a picture', () => {
  const answer = answerOf(graph, { sortby: 'deltas', limit: 10, tooMany: 10 }, known);
  assert.throws(() => picture(graph, answer, 'dot', titles), UserError);
});

test('what the page draws', () => {
  const data = objectGraphData(graph, answerOf(graph, question, known).drawn!, titles);
  assert.deepEqual(
    data.nodes.map(({ type, value, depth, left }) => [type, value, depth, left]),
    [
      ['module', 'app', 0, 0],
      ['dict', '', 1, 1],
      ['list', '\\x1b', 2, 0],
    ],
  );
  assert.deepEqual(data.edges, [
    [0, 1, '.__dict__'],
    [1, 2, "['cache']"],
  ]);
  const back = { ...question, tooMany: 10, chain: 'list[0]', refs: undefined } as unknown as Question;
  const { nodes, direction } = objectGraphData(graph, answerOf(graph, back, known).drawn!, titles);
  assert.deepEqual([nodes.length, direction], [3, 'refs']);
});
