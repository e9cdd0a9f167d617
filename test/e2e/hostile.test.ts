/** A target with names that would do harm if they were interpreted, and files that only look like ELF files. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import {
  buildPrograms,
  cannotRecord,
  MP,
  mp,
  openCapture,
  programPath,
  scratchFolder,
  start,
  untilTraced,
} from './helpers.ts';

const ESCAPES = '\x1b]0;owned\x07\x1b[2J\x1b[31m';
const NAMES = ['<script>alert(1)</script>', '</script><img src=x onerror=alert(2)>', `evil${ESCAPES}\u202ename`];
const FOLDER = `folder\n${ESCAPES}\u202e<script>alert(3)</script>`;
const REPORTS = [
  ['summary'],
  ['table'],
  ['table', '--split-threads'],
  ['stats'],
  ['leaks', '-n', '100'],
  ['info'],
  ['sql', 'SELECT * FROM leaks'],
  ['sql', 'SELECT name AS "\x1b[31mname" FROM thread'],
];

/** Everything that mp prints is lines of printable text: what a terminal or a bidirectional reader would obey is escaped. */
function assertHarmless(text: string, what: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const found = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/.exec(text);
  assert.equal(
    found,
    null,
    `${what}: ${JSON.stringify(text.slice(Math.max(0, (found?.index ?? 0) - 80)).slice(0, 160))}`,
  );
}

async function checkReports(t: TestContext, folder: string, path: string): Promise<void> {
  const capture = openCapture(t, path);
  for (const name of NAMES) {
    const rows = capture.rows('leaks').filter((row) => row.function === name);
    assert.deepEqual(
      rows.map((row) => row.allocations),
      [1],
      `${JSON.stringify(name)} is in the capture as it is`,
    );
  }
  for (const [report, ...options] of REPORTS) {
    const query = report === 'sql' ? options : [];
    const { code, stdout, stderr } = await mp(t, [
      report!,
      ...(query.length > 0 ? [path, ...query] : [...options, path]),
    ]);
    assert.equal(code, 0, stderr);
    assertHarmless(stdout + stderr, report!);
  }
  const { stdout: json } = await mp(t, ['leaks', '--json', '-n', '100', path]);
  const leaks: { stack: { function: string }[] }[] = JSON.parse(json).leaks;
  for (const name of NAMES)
    assert.ok(
      leaks.some((leak) => leak.stack[0]?.function === name),
      'JSON has names as they are',
    );
  for (const page of [
    ['flamegraph', '--leaks'],
    ['table', '--html', '--leaks'],
  ]) {
    const file = join(folder, `${page[0]}.html`);
    const { code, stderr } = await mp(t, [...page, '-o', file, path]);
    assert.equal(code, 0, stderr);
    const html = readFileSync(file, 'utf8');
    for (const harm of ['<script>alert', '<img', '\x1b', '\u202e'])
      assert.ok(!html.includes(harm), `${page[0]} has ${harm}`);
    assert.equal(html.match(/<\/script/g)?.length, 2, 'the page has its own two scripts and no other');
  }
}

describe('a hostile target', { skip: cannotRecord() }, () => {
  before(buildPrograms);

  /** The program under a hostile path, and a folder for its files. */
  function prepare(t: TestContext) {
    const folder = scratchFolder(t);
    mkdirSync(join(folder, FOLDER), { recursive: true }); // a slash is in it, too
    const program = join(folder, FOLDER, `hostile${ESCAPES}`);
    copyFileSync(programPath('hostile'), program);
    return { folder, program, files: join(folder, FOLDER), path: join(folder, 'capture.db') };
  }

  test('run: nothing is interpreted, nothing crashes', async (t) => {
    const { folder, program, files, path } = prepare(t);
    const finished = await mp(t, ['run', '-o', path, '--', program, files]);
    assert.deepEqual([finished.code, finished.stdout], [0, 'ok\n'], finished.stderr);
    assertHarmless(finished.stderr, 'mp run');
    await checkReports(t, folder, path);
  });

  test('trace: nothing is interpreted, nothing crashes', async (t) => {
    const { folder, program, files, path } = prepare(t);
    const gate = join(folder, 'gate');
    const target = start(t, program, [files], { env: { ...process.env, MP_GATE: gate } });
    const tracer = start(t, MP, ['trace', '-o', path, '--pid', `${target.pid}`]);
    await untilTraced(path, target.pid, tracer);
    writeFileSync(gate, '');
    assert.deepEqual(await target.finished, { code: 0, signal: null, stdout: 'ok\n', stderr: '' });
    const finished = await tracer.finished;
    assert.equal(finished.code, 0, finished.stderr);
    assertHarmless(finished.stderr, 'mp trace');
    await checkReports(t, folder, path);
  });
});
