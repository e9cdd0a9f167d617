import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeBigCapture } from '../../../scripts/bench/big-capture.ts';
import { register } from '../../../src/cli/commands/flamegraph.ts';
import { openReader } from '../../../src/store/db.ts';
import { forkCapture, smallCapture } from '../helpers/capture-fixture.ts';
import { openCapture, runCommand, temporaryFolder } from './command.ts';
import { draw, drawnLines } from './drawn.ts';

interface Document {
  metadata: { capture: string };
  selection: object;
  by?: string;
  inverted: boolean;
  frames: { function: string; kind: string }[];
  nodes: { depth: number; frame: number; bytes: number; allocations: number }[];
}

async function jsonOf(path: string, ...options: string[]): Promise<Document> {
  return JSON.parse((await runCommand(register, ['flamegraph', path, '--json', ...options])).out);
}

function made(t: TestContext, build: (path: string) => void): string {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  build(path);
  return path;
}

/** As `drawnLines` of a page. */
const lines = ({ frames, nodes }: Document) =>
  nodes.map(({ depth, frame, bytes }) => {
    const { function: name, kind } = frames[frame]!;
    return `${'  '.repeat(depth)}${name} ${kind} ${bytes}`;
  });

for (const [name, build] of Object.entries({ smallCapture, forkCapture })) {
  for (const inverted of [false, true]) {
    test(`the nodes of ${name} are those of the page${inverted ? ', inverted' : ''}`, async (t) => {
      const drawn = await draw(openCapture(t, build), { inverted });
      const inPage = drawnLines(drawn).filter((line) => !line.endsWith(' 0'));
      const document = await jsonOf(made(t, build), ...(inverted ? ['--inverted'] : []));
      assert.equal(document.inverted, inverted);
      assert.deepEqual(
        lines(document).filter((line) => !line.endsWith(' 0')),
        inPage,
      );
    });
  }
}

test('each view adds up to what SQL says, whole and in part; every stack is there, inverted or not', async (t) => {
  const path = made(t, (file) => void makeBigCapture(file, 500));
  const db = openReader(path);
  t.after(() => db.close());
  for (const [view, ...options] of [
    ['high_watermark'],
    ['leaks', '--leaks', '--thread', '103'],
    ['allocations', '--all', '--include', 'Cache'],
  ] as const) {
    const frame =
      "SELECT 1 FROM stack_frame f WHERE f.stack_id = v.stack_id AND (f.function GLOB '*Cache*' OR f.file GLOB '*Cache*')";
    const where = { high_watermark: '', leaks: 'WHERE tid = 103', allocations: `WHERE EXISTS (${frame})` }[view];
    const sql = db.get<object>(`SELECT sum(bytes) AS bytes, sum(allocations) AS allocations FROM ${view} v ${where}`)!;
    for (const inverted of [[], ['--inverted']]) {
      const { nodes } = await jsonOf(path, ...options, ...inverted);
      const { bytes, allocations } = nodes[0]!;
      assert.deepEqual({ bytes, allocations }, { ...sql }, `${view} ${inverted}`);
      const innermost = db.get<{ count: number }>(
        `SELECT count(DISTINCT function || file || line) AS count FROM ${view} v ${where}`,
      )!;
      const first = nodes.filter(({ depth }) => depth === 1).length;
      assert.equal(inverted.length === 0 ? 1 : innermost.count, first);
    }
  }
});

test('what was asked for stands in it; it goes to a file, and not with what only a page has', async (t) => {
  const path = made(t, (file) => void makeBigCapture(file, 500));
  const file = join(path, '..', 'tree.json');
  const { out } = await runCommand(register, [
    'flamegraph',
    path,
    '--json',
    '--by',
    'thread',
    '--from',
    '10',
    '-o',
    file,
  ]);
  assert.equal(out, '');
  const text = readFileSync(file, 'utf8');
  const document: Document & { metadata: { window: object } } = JSON.parse(text);
  assert.equal(document.by, 'thread');
  assert.deepEqual(document.selection, {
    ...{ view: 'high_watermark', threshold: 1, pid: null, tid: null },
    range: { from: '10' },
  });
  assert.equal(document.metadata.capture, path);
  assert.ok(document.metadata.window);
  assert.equal(document.frames[document.nodes[1]!.frame]!.kind, 'owner');
  assert.ok(text.split('\n').length > document.nodes.length, 'a node to a line');
  await assert.rejects(jsonOf(path, '--temporal'), { name: 'CommanderError' });
});

test('an empty view has no nodes', async (t) => {
  const { nodes } = await jsonOf(made(t, smallCapture), '--include', 'not-there');
  assert.deepEqual(nodes, []);
});
