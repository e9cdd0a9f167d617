/** Heap snapshots that are damaged: a target writes them. Only ever a UserError, and soon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeapGraph } from '../../../../src/heap/graph.ts';
import { readSnapshot } from '../../../../src/heap/node/read-snapshot.ts';
import { RetainedSizer } from '../../../../src/heap/node/retained-size.ts';
import { UserError } from '../../../../src/util/errors.ts';
import { fileWith, type MadeNode, rewritable, snapshotText } from './made-snapshot.ts';

const NODES: MadeNode[] = [
  {
    type: 'synthetic',
    name: '',
    edges: [
      ['element:1', 1],
      ['property:a', 2],
    ],
  },
  {
    type: 'object',
    name: 'Map',
    edges: [
      ['property:b', 2],
      ['internal:12 / part)', 3],
    ],
  },
  { type: 'closure', name: 'f', edges: [['context:\u{1f600}', 1]] },
  { type: 'string', name: 'x\ty' },
];
const TEXT = snapshotText(NODES);

/** Reads all that there is to read; whether it was taken for a snapshot. */
function readAll(file: number): boolean {
  try {
    const { heap, names } = readSnapshot(file, 'process 1');
    const graph = new HeapGraph(heap, names);
    for (let i = 0; i < graph.count; i++) {
      graph.describe(i);
      for (const to of graph.referents(i)) graph.label(i, to);
      for (const from of graph.referrers(i)) assert.ok(from < graph.count);
    }
    const all = new RetainedSizer(graph).size(0, 0);
    assert.ok(all.count >= 1 && all.count <= graph.count);
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError, `${(error as Error).stack}`);
    return false;
  }
}

test('the whole one is read', (t) => {
  assert.ok(readAll(fileWith(t, TEXT)));
});

test('one that ends too early is none', (t) => {
  const whole = TEXT.trimEnd().length;
  const fileOf = rewritable(t);
  for (let length = 0; length < whole; length++)
    assert.ok(!readAll(fileOf(TEXT.slice(0, length))), `of ${length} characters`);
});

test('changed bytes do no harm', (t) => {
  const bytes = Buffer.from(TEXT);
  // a generator of its own: a failure can be repeated
  let state = 12_345;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const INTERESTING = Buffer.from('0123456789"\\[]{},:- e.u\n\0\xff', 'latin1');
  const fileOf = rewritable(t);
  let taken = 0;
  for (let round = 0; round < 4000; round++) {
    const damaged = Buffer.from(bytes);
    for (let i = 0; i <= random(3); i++) damaged[random(bytes.length)] = INTERESTING[random(INTERESTING.length)]!;
    if (readAll(fileOf(damaged))) taken++;
  }
  assert.ok(taken > 0 && taken < 4000, `${taken} were taken`);
});

test('counts that the file has no room for are not believed', (t) => {
  for (const count of [5, 1000, 4_294_967_295, 1e15, -1, 0, 0.5, '"4"', null, '[4]'])
    assert.ok(!readAll(fileWith(t, TEXT.replace('"node_count":4', `"node_count":${count}`))), `${count} nodes`);
  for (const count of [4, 1000, 4_294_967_295, 1e15, -1])
    assert.ok(!readAll(fileWith(t, TEXT.replace('"edge_count":5', `"edge_count":${count}`))), `${count} edges`);
});

test('parts that are missing, twice, in another order, or of no known form', (t) => {
  const parts = TEXT.trim()
    .slice(1, -1)
    .split(',\n"')
    .map((part, i) => (i === 0 ? part : `"${part}`));
  assert.equal(parts.length, 5);
  const [snapshot, nodes, edges, other, strings] = parts as [string, string, string, string, string];
  const isTaken = (...list: string[]) => readAll(fileWith(t, `{${list.join()}}`));
  assert.ok(isTaken(snapshot, nodes, edges, other, strings));
  assert.ok(isTaken(snapshot, strings, nodes, edges));
  assert.ok(!isTaken(nodes, snapshot, edges, strings));
  assert.ok(!isTaken(snapshot, edges, nodes, strings));
  assert.ok(!isTaken(snapshot, nodes, edges, strings, strings));
  assert.ok(!isTaken(snapshot, nodes, edges));
  assert.ok(!isTaken(snapshot));
  assert.ok(!isTaken());
  assert.ok(!isTaken(snapshot.replace('"self_size"', '"size"'), nodes, edges, strings));
  assert.ok(!isTaken(snapshot.replace(/"edge_types":\[\[[^\]]*\]/, '"edge_types":[3'), nodes, edges, strings));
});

test('nesting without end is no trouble', (t) => {
  const deep = '['.repeat(1_000_000);
  assert.ok(!readAll(fileWith(t, `{"a":${deep}`)));
  assert.ok(readAll(fileWith(t, TEXT.replace('"trace_tree":[]', `"trace_tree":${deep}${']'.repeat(1_000_000)}`))));
  assert.ok(!readAll(fileWith(t, `{"snapshot":${deep}`)));
});
