/** Pages of flame graphs with options: inverted, with lines of source, with fewer points; and which stacks imports made. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeBigCapture } from '../../../scripts/bench/big-capture.ts';
import { flamegraphData } from '../../../src/report/flamegraph-data.ts';
import { decodeColumns } from '../../../src/report/page/decode.ts';
import { CaptureFixture, smallCapture } from '../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture, temporaryFolder } from './command.ts';
import { draw, drawnLines } from './drawn.ts';

test('inverted stacks begin with the code that allocated', async (t) => {
  const capture = openCapture(t, (path) => {
    const made = new CaptureFixture(path);
    const process = made.process({ pid: 1 });
    const thread = made.thread(process, 1, 't');
    const [main, load, copy] = ['main', 'load', 'copy'].map((name) => made.frame({ function: name })) as [
      number,
      number,
      number,
    ];
    const site = (bytes: number, ...frames: number[]) =>
      made.site({
        process,
        thread,
        allocator: 'malloc',
        stack: frames.length === 0 ? null : made.stack(...frames),
        all: [1, bytes],
        peak: [1, bytes],
      });
    site(100, main, copy);
    site(50, main, load, copy);
    site(7, main);
    site(1);
    made.close();
  });
  const drawn = await draw(capture, { inverted: true });
  assert.equal(drawn.data.inverted, true);
  assert.deepEqual(drawnLines(drawn), [
    'all owner 158',
    '  copy native 150',
    '    main native 100',
    '    load native 50',
    '      main native 50',
    '  main native 7',
    '  <stack trace unavailable> unknown 1',
  ]);
});

test('an inverted page is hardly larger: it carries the tree as it is, and not its many times as many nodes', async (t) => {
  const capture = openCapture(t, (path) => void makeBigCapture(path, 500));
  const [upright, inverted] = [await draw(capture, {}), await draw(capture, { inverted: true })];
  assert.ok(inverted.tree.size > 3 * upright.tree.size);
  for (const name of ['node_depth', 'node_frame', 'leaf_thread', 'leaf_leaks_bytes'] as const)
    assert.deepEqual(inverted.data.columns[name], upright.data.columns[name]);
  const sizeOf = ({ data }: typeof upright) => JSON.stringify(data).length;
  assert.ok(sizeOf(inverted) < 1.2 * sizeOf(upright), `${sizeOf(inverted)} and ${sizeOf(upright)} bytes`);
  assert.equal(inverted.peak[0], upright.peak[0]);
});

const IMPORT = '<frozen importlib._bootstrap>';

test('entries of stacks that an import stands in are marked, inverted or not', async (t) => {
  const build = (path: string) => {
    const made = new CaptureFixture(path);
    const process = made.process({ pid: 1 });
    const thread = made.thread(process, 1, 't');
    const frame = (name: string, file: string, language: string) =>
      made.frame({ function: name, file, language, line: 1 });
    const [main, find] = [frame('main', '/a.py', 'python'), frame('_find', IMPORT, 'python')];
    const loader = frame('load', 'node:internal/modules/cjs/loader', 'javascript');
    const app = frame('app', '/a.js', 'javascript');
    const stacks: [number, number[]][] = [
      [10, [main]],
      [20, [main, find]],
      [30, [main, find, main]],
      [40, [loader, app]],
      [50, [loader, app, loader]],
    ];
    for (const [bytes, frames] of stacks) {
      made.site({
        process,
        thread,
        allocator: 'malloc',
        stack: made.stack(...frames),
        all: [1, bytes],
        peak: [1, bytes],
      });
    }
    made.close();
  };
  for (const inverted of [false, true]) {
    const { columns } = await draw(openCapture(t, build), { inverted });
    const bytes = [...columns.leaf_imported].flatMap((is, i) => (is ? [columns.leaf_high_watermark_bytes[i]!] : []));
    assert.deepEqual(bytes.sort(), [20, 30, 50]);
  }
});

/** A line of text as a page would show it, by the function of its frame. */
async function sources(
  t: TestContext,
  folders: string[] | undefined,
  files: Record<string, string>,
): Promise<Record<string, string>> {
  const capture = openCapture(t, (path) => {
    const made = new CaptureFixture(path);
    const process = made.process({ pid: 1 });
    const thread = made.thread(process, 1, 't');
    for (const [name, file] of Object.entries(files)) {
      const stack = made.stack(made.frame({ function: name, file, line: 2 }));
      made.site({ process, thread, allocator: 'malloc', stack, all: [1, 1], peak: [1, 1] });
    }
    made.close();
  });
  const data = flamegraphData(capture, HIGH_WATERMARK, { by: null, name: '', embedSource: folders })!;
  const { texts, frame_function, frame_source } = await decodeColumns(data);
  if (frame_source === undefined) return {};
  return Object.fromEntries(
    Array.from(frame_source, (text, frame) => [texts[frame_function[frame]!], texts[text]!]).filter(
      ([, text]) => text !== '',
    ),
  );
}

test('lines of source are those below the folders that were named, and no others', async (t) => {
  const folder = temporaryFolder(t);
  const [mine, secret] = [join(folder, 'mine'), join(folder, 'mine-not')];
  mkdirSync(mine);
  mkdirSync(secret);
  writeFileSync(join(mine, 'a.c'), 'first\n\tcall(\u202e);\n');
  writeFileSync(join(secret, 'key'), 'first\nsecret\n');
  symlinkSync(join(secret, 'key'), join(mine, 'link.c'));
  const files = {
    plain: join(mine, 'a.c'),
    link: join(mine, 'link.c'),
    upwards: join(mine, '..', 'mine-not', 'key'),
    other: join(secret, 'key'),
    none: join(mine, 'none.c'),
    relative: 'a.c',
  };
  assert.deepEqual(await sources(t, undefined, files), {});
  assert.deepEqual(await sources(t, [mine], files), { plain: 'call(\\u202e);' });
  assert.deepEqual(Object.keys(await sources(t, [mine, secret], files)).sort(), ['link', 'other', 'plain', 'upwards']);
  await assert.rejects(sources(t, [join(folder, 'nowhere')], files), { message: /^No such folder: .*nowhere$/ });
});

test('as many points of the time line as may be, with the peak among them', async (t) => {
  const capture = openCapture(t, smallCapture);
  const heap = async (maxMemoryRecords?: number) => [
    ...(await decodeColumns(flamegraphData(capture, HIGH_WATERMARK, { by: null, name: '', maxMemoryRecords })!))
      .memory_heap,
  ];
  assert.equal((await heap()).length, 4);
  const three = await heap(3);
  assert.ok(three.length <= 3 && three.includes(3_151_424), three.join());
});
