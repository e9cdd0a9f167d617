/** What the page of a differential flame graph holds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { buildPages } from '../../../scripts/build-page.ts';
import { register } from '../../../src/cli/commands/diff.ts';
import type { DiffBy } from '../../../src/report/diff.ts';
import { DiffPage } from '../../../src/report/diff-page.ts';
import { type DiffColumns, decodeColumns } from '../../../src/report/page/decode.ts';
import { Tree } from '../../../src/report/page/tree.ts';
import { CaptureFixture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, runCommand, temporaryFolder } from './command.ts';
import { groupsCapture } from './groups-capture.ts';

type Build = (path: string) => void;

/** Functions of each stack from the root, and what it has: allocations and bytes. */
function made(line: number, ...sites: [string[], [number, number]][]): Build {
  return (path) => {
    const capture = new CaptureFixture(path);
    const process = capture.process({ pid: line, comm: 'app' });
    const thread = capture.thread(process, line, 't');
    const frames = new Map<string, number>();
    const frame = (name: string) => {
      if (!frames.has(name)) frames.set(name, capture.frame({ function: name, file: `${name[0]}.c`, line }));
      return frames.get(name)!;
    };
    for (const [names, sum] of sites.toReversed()) {
      const stack = names.length === 0 ? null : capture.stack(...names.map(frame));
      capture.site({ process, thread, allocator: 'malloc', stack, all: sum, peak: sum });
    }
    capture.close();
  };
}

/** As in the comment of diff-tree.ts, with frames on other lines, and one that both have no stack of. */
const BEFORE = made(
  10,
  [
    ['main', 'load'],
    [8, 800],
  ],
  [[], [1, 7]],
);
const AFTER = made(
  20,
  [
    ['main', 'load'],
    [2, 200],
  ],
  [
    ['main', 'save'],
    [1, 500],
  ],
  [[], [1, 7]],
);

/** `function: bytes before, after`, indented. */
async function lines(t: TestContext, by: DiffBy, ...captures: [Build, Build]): Promise<string[]> {
  const page = new DiffPage(HIGH_WATERMARK, by);
  for (const build of captures) page.add(openCapture(t, build));
  const html = page.finish({ style: '', script: '' });
  if (html === null) return [];
  const columns = await decodeColumns<DiffColumns>(JSON.parse(/id="mp-data">(.*?)<\/script>/s.exec(html)![1]!));
  const tree = new Tree(columns.node_depth as Uint32Array);
  const total = (name: 'before_bytes' | 'after_bytes') => {
    const node = columns.leaf_node as Uint32Array;
    return tree.totals({ node, thread: node, value: columns[name] as Float64Array }, () => true);
  };
  const [old, now] = [total('before_bytes'), total('after_bytes')];
  return Array.from(columns.node_frame, (frame, node) => {
    const line = columns.frame_line[frame]! === 0 ? '' : `:${columns.frame_line[frame]}`;
    const name = columns.texts[columns.frame_function[frame]!];
    return `${'  '.repeat(tree.depth[node]!)}${name}${line}: ${old[node]}, ${now[node]}`;
  });
}

test('stacks that have the same names are one', async (t) => {
  assert.deepEqual(await lines(t, 'function', BEFORE, AFTER), [
    'all: 807, 707',
    '  main: 800, 700',
    '    load: 800, 200',
    '    save: 0, 500',
    '  <stack trace unavailable>: 7, 7',
  ]);
});

test('by line they are two if they have moved; by file frames of one file are one', async (t) => {
  assert.deepEqual(await lines(t, 'line', BEFORE, AFTER), [
    'all: 807, 707',
    '  main:10: 800, 0',
    '    load:10: 800, 0',
    '  main:20: 0, 700',
    '    save:20: 0, 500',
    '    load:20: 0, 200',
    '  <stack trace unavailable>: 7, 7',
  ]);
  const deep = made(1, [
    ['main', 'mean', 'load'],
    [1, 5],
  ]);
  assert.deepEqual(await lines(t, 'file', deep, BEFORE), [
    'all: 5, 807',
    '  m.c: 5, 800',
    '    l.c: 5, 800',
    '  <stack trace unavailable>: 0, 7',
  ]);
});

test('groups stand above their stacks', async (t) => {
  const shown = await lines(t, 'allocator', BEFORE, groupsCapture);
  assert.ok(shown.includes('  allocator malloc: 807, 1810'), shown.join('\n'));
});

test('nothing in either is no page', async (t) => {
  assert.deepEqual(await lines(t, 'function', made(1), made(2)), []);
});

test('a very deep stack does not overflow the stack of JavaScript', async (t) => {
  const names = Array.from({ length: 20_000 }, (_, i) => `f${i % 9}`);
  const deep = made(1, [names, [1, 5]]);
  assert.equal((await lines(t, 'function', deep, deep)).length, 20_001);
});

before(() => buildPages());

test('mp diff writes it', async (t) => {
  const folder = temporaryFolder(t);
  const [old, now] = [join(folder, 'mp-old.1.db'), join(folder, 'mp-new.1.db')];
  BEFORE(old);
  AFTER(now);
  const { err } = await runCommand(register, ['diff', '--html', old, now]);
  const path = join(folder, 'mp-diff-old.1.html');
  assert.equal(err, `Wrote ${path}\n`);
  const page = readFileSync(path, 'utf8');
  assert.match(
    page,
    /<dt>Before<\/dt><dd>807 B<\/dd>.*<dt>After<\/dt><dd>707 B<\/dd>.*<dt>Difference<\/dt><dd>-100 B<\/dd>/s,
  );
  await assert.rejects(runCommand(register, ['diff', '-o', path, old, now]), { message: /File already exists/ });
  await assert.rejects(runCommand(register, ['diff', '--html', '-f', '-o', now, old, now]), {
    message: /would overwrite the capture/,
  });
  await assert.rejects(runCommand(register, ['diff', '--html', '--json', old, now]), { exitCode: 2 });
  assert.match((await runCommand(register, ['diff', '--html', '--leaks', old, now])).out, /^Neither side has/);
});
