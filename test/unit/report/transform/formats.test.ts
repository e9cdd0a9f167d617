import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { selectedSites, type View } from '../../../../src/report/selection.ts';
import { FORMATS } from '../../../../src/report/transform/formats.ts';
import { CaptureFixture, forkCapture, smallCapture } from '../../helpers/capture-fixture.ts';
import { HIGH_WATERMARK, openCapture } from '../command.ts';
import { assertGolden } from '../golden.ts';
import { javascriptCapture } from '../javascript-capture.ts';
import { pythonCapture } from '../python-capture.ts';
import { type JsonSchema, schemaProblems } from './json-schema.ts';
import { exported, readCsv, readExport, splitEscaped, sums } from './read-exports.ts';

/** Those that have all stacks; massif has its own test. */
const STACK_FORMATS = Object.keys(FORMATS).filter((format) => format !== 'massif');
const TEXT_FORMATS = STACK_FORMATS.filter((format) => !FORMATS[format]!.isBinary);
const CAPTURES = { smallCapture, forkCapture, pythonCapture, javascriptCapture };
const VIEWS: View[] = ['high_watermark', 'leaks', 'temporary_allocations', 'allocations'];

for (const format of [...TEXT_FORMATS, 'massif']) {
  test(`${format} of a small capture and of a Python program`, async (t) => {
    for (const [name, build] of Object.entries({ transform: smallCapture, 'python-transform': pythonCapture }))
      assertGolden(`${name}-${format}`, (await exported(format, openCapture(t, build))).toString());
  });
}

test('every format has the sums of the capture, in every view, with hidden frames or without', async (t) => {
  for (const build of Object.values(CAPTURES)) {
    const capture = openCapture(t, build);
    for (const view of VIEWS) {
      const sites = [...selectedSites(capture.source, { ...HIGH_WATERMARK, view })];
      if (sites.length === 0) continue;
      const all = sums(sites.map(({ bytes, allocations }) => ({ functions: [], bytes, allocations })));
      for (const format of STACK_FORMATS) {
        for (const options of [{}, { native: false }, { nativeMachinery: true }, { splitThreads: true }]) {
          const stacks = await readExport(format, await exported(format, capture, { view }, options));
          const what = `${format} of ${build.name}, ${view}, ${JSON.stringify(options)}`;
          const actual = sums(stacks);
          assert.equal(actual.bytes, all.bytes, what);
          assert.ok([null, all.allocations].includes(actual.allocations), what);
        }
      }
    }
  }
});

test('all formats have the same stacks', async (t) => {
  const functions = async (format: string) => {
    const stacks = await readExport(format, await exported(format, openCapture(t, pythonCapture)));
    const texts = stacks.map((stack) =>
      stack.functions.map((name) => (/^\[.*\]$/.test(name) ? '???' : name)).join(' '),
    );
    return [...new Set(texts)].sort();
  };
  const expected = await functions('csv');
  assert.ok(expected.length > 4);
  for (const format of STACK_FORMATS) assert.deepEqual(await functions(format), expected, format);
});

test('one process or thread', async (t) => {
  const capture = openCapture(t, smallCapture);
  for (const format of STACK_FORMATS) {
    const bytes = await exported(format, capture, { tid: 100 });
    assert.equal(sums(await readExport(format, bytes)).bytes, 4896, format);
    const child = await exported(format, openCapture(t, forkCapture), { pid: 201 });
    assert.equal(sums(await readExport(format, child)).bytes, 500, format);
  }
});

test('counts instead of bytes', async (t) => {
  const capture = openCapture(t, smallCapture);
  const dot = await readExport('gprof2dot', await exported('gprof2dot', capture, {}, { count: 'allocations' }));
  assert.deepEqual(sums(dot), { bytes: null, allocations: 62 });
  const folded = (await exported('collapsed', capture, {}, { count: 'allocations' })).toString();
  assert.match(folded, /^main;load;strdup 50$/m);
});

test('several processes, and threads if they are to be split, stand apart', async (t) => {
  const capture = openCapture(t, forkCapture);
  const text = async (format: string, options = {}) => (await exported(format, capture, {}, options)).toString();
  assert.equal(await text('collapsed'), 'server (200);serve 1000\nserver (201);serve 500\n');
  const profiles = JSON.parse(await text('speedscope')).profiles as { name: string; endValue: number }[];
  assert.deepEqual(
    profiles.map(({ name, endValue }) => [name, endValue]),
    [
      ['server (200), bytes', 1000],
      ['server (200), allocations', 1],
      ['server (201), bytes', 500],
      ['server (201), allocations', 1],
    ],
  );
  assert.deepEqual(JSON.parse(await text('gprof2dot')).functions, [
    { name: 'serve', module: 'serve.c', process: 'server (200)' },
    { name: 'serve', module: 'serve.c', process: 'server (201)' },
  ]);
  const split = await exported('collapsed', openCapture(t, smallCapture), { view: 'leaks' }, { splitThreads: true });
  assert.equal(
    split.toString(),
    'app (100);main;load 400\napp (100);main;handler 64\nworker (101);main;load;strdup 96\n',
  );
});

test("speedscope's own schema accepts the file", async (t) => {
  const schema = import.meta.resolve('speedscope/dist/release/file-format-schema.json');
  const definition = JSON.parse(readFileSync(new URL(schema), 'utf8')) as JsonSchema;
  for (const build of Object.values(CAPTURES)) {
    const file = JSON.parse((await exported('speedscope', openCapture(t, build))).toString());
    assert.deepEqual(schemaProblems(definition, file), []);
    assert.notDeepEqual(schemaProblems(definition, { ...file, profiles: [{}] }), []);
  }
});

const NASTY = 'operator|<char; 3>(“x”, "y,z")\n\t#\\ 12';

/** One stack of a function and a file with every character that means something in a format. */
function nastyCapture(path: string): void {
  const fixture = new CaptureFixture(path);
  const process = fixture.process({ pid: 1, comm: 'a;b\n"c"' });
  const thread = fixture.thread(process, 1, 'x|y');
  const frames = [
    fixture.frame({ function: 'main' }),
    fixture.frame({ function: NASTY, file: '/a;b|c "d".c', line: 3 }),
  ];
  const pair: [number, number] = [3, 6_000_000_000];
  fixture.site({
    process,
    thread,
    allocator: 'malloc',
    stack: fixture.stack(...frames),
    all: pair,
    peak: pair,
    live: pair,
  });
  fixture.memory(process, 1, pair[1], 3, null);
  fixture.close();
}

test('names that mean something in a format stay one name', async (t) => {
  const capture = openCapture(t, nastyCapture);
  for (const format of STACK_FORMATS) {
    const [stack, ...rest] = await readExport(format, await exported(format, capture));
    assert.equal(stack!.bytes, 6_000_000_000, format);
    const name = format === 'collapsed' ? 'operator|<char: 3>(“x”, "y,z")\\x0a\\x09#\\ 12' : NASTY;
    if (format !== 'parquet') assert.deepEqual(stack!.functions, [name, 'main'], format);
    assert.equal(rest.filter((other) => other.bytes !== undefined).length, 0, format);
  }
  const [, record] = readCsv((await exported('csv', capture)).toString());
  assert.equal(splitEscaped(splitEscaped(record![5]!, '|')[0]!, ';')[1], '/a\\;b\\|c "d".c');
  const massif = (await exported('massif', capture)).toString();
  assert.match(
    massif,
    /^ n1: 6000000000 0x0: operator\|<char; 3>\(“x”, "y,z"\)\\x0a\\x09\\x23\\ 12 \(\/a;b\|c "d"\.c:3\)$/m,
  );
});

/** Numbers that no recorder writes, as a capture may come from somebody else. */
function strangeCapture(path: string): void {
  const fixture = new CaptureFixture(path);
  const process = fixture.process({ pid: 2 ** 40, comm: null, started_ns: -5 });
  const thread = fixture.thread(process, -1, '');
  const frame = fixture.frame({ function: '', file: '', line: 2 ** 45, language: 'cobol', inlined: true });
  const pair: [number, number] = [2 ** 50, 2 ** 52];
  fixture.site({ process, thread, allocator: '', stack: fixture.stack(frame), all: pair, peak: pair, live: pair });
  fixture.close();
}

test('strange numbers and empty names break no format', async (t) => {
  const capture = openCapture(t, strangeCapture);
  for (const format of STACK_FORMATS)
    assert.equal(sums(await readExport(format, await exported(format, capture))).bytes, 2 ** 52, format);
  assert.match((await exported('massif', capture)).toString(), /^mem_heap_B=4503599627370496$/m);
});
