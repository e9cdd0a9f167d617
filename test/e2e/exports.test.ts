/** What `mp transform` writes, read by the tools that it is for. Each must find the numbers of the capture. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { CaptureFile } from './capture-file.ts';
import { buildPrograms, cannotFind, cannotRecord, lacks, MP, mp, recordRun, scratchFolder, start } from './helpers.ts';

const MS_PRINT = 'build/ms_print';
const SPEEDSCOPE = new URL('./index.html', import.meta.resolve('speedscope/dist/release/file-format-schema.json'));

/** Writes the format to a file; its path. */
async function transform(t: TestContext, capture: string, format: string, ...options: string[]): Promise<string> {
  const path = join(scratchFolder(t), `capture.${format}`);
  const { code, stdout, stderr } = await mp(t, ['transform', format, capture, '-o', path, ...options]);
  assert.deepEqual([code, stdout], [0, ''], stderr);
  assert.match(stderr, new RegExp(`^Wrote ${path}\n`));
  return path;
}

/**
 * The place that allocated most of what is live at the peak, and how much: of those whose names need no escapes, and that
 * are not inlined, for speedscope shows only the outer function of a location of pprof.
 */
function biggest(capture: CaptureFile): { name: string; bytes: number } {
  const [most] = capture.all<{ name: string; bytes: number }>(
    `SELECT function AS name, sum(bytes) AS bytes FROM high_watermark
     WHERE function NOT GLOB '*[^A-Za-z0-9_]*'
       AND stack_id IN (SELECT stack_id FROM stack_frame WHERE position = 0 AND NOT inlined)
     GROUP BY function, file, line ORDER BY 2 DESC LIMIT 1`,
  );
  assert.ok(most!.bytes > 1024);
  return most!;
}

const peakBytes = (capture: CaptureFile) => capture.rows('high_watermark').reduce((sum, row) => sum + row.bytes, 0);

/** What speedscope shows of a file, as texts: its title, then the rows of its table of functions. */
async function openInSpeedscope(t: TestContext, path: string): Promise<string> {
  const folder = scratchFolder(t);
  const name = path.replace(/^.*\//, '');
  const script = join(folder, 'load.js');
  const content = readFileSync(path).toString('base64');
  writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(name)}, '${content}');`);
  const options = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update', '--allow-file-access-from-files'],
    ...[`--user-data-dir=${join(folder, 'profile')}`, '--virtual-time-budget=5000', '--dump-dom'],
  ];
  const page = pathToFileURL(SPEEDSCOPE.pathname).href;
  const { finished } = start(t, 'chromium', [...options, `${page}#localProfilePath=${script}&view=sandwich`]);
  const { stdout } = await finished;
  return stdout.replace(/<style.*?<\/style>/gs, '').replace(/(<[^>]*>\s*)+/g, '|');
}

/** As speedscope prints bytes: `1.50 KB`. */
function speedscopeBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes.toFixed(0)} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(2)} KB`;
  return `${(bytes / 1024 ** 2).toFixed(2)} MB`;
}

describe('exports', { skip: cannotRecord() }, () => {
  before(() => {
    buildPrograms();
    execFileSync('make', ['-s', MS_PRINT], { stdio: ['ignore', 'ignore', 'inherit'] });
  });

  test('speedscope opens its own format, pprof and collapsed stacks', { skip: cannotFind('chromium') }, async (t) => {
    const { path, capture } = await recordRun(t, 'leaks');
    const { name, bytes } = biggest(capture);
    for (const format of ['speedscope', 'pprof', 'collapsed']) {
      const shown = await openInSpeedscope(t, await transform(t, path, format));
      assert.match(shown, format === 'speedscope' ? /\|leaks \(\d+\), bytes/ : /- speedscope\|/);
      // bytes have no unit in collapsed stacks
      const total = format === 'collapsed' ? bytes.toLocaleString('en-US') : speedscopeBytes(bytes);
      // Total, Self, Symbol Name
      const row = new RegExp(`\\|[^|]*%\\)\\|([^|]+) \\([^|]*%\\)\\|${name}\\|`).exec(shown);
      assert.equal(row?.[1], total, `${name} in ${format}: ${shown.slice(-2000)}`);
    }
  });

  test('ms_print draws the peak and the leaks', async (t) => {
    const { path, capture } = await recordRun(t, 'cpp_sites');
    const file = await transform(t, path, 'massif');
    const { status, stdout, stderr } = spawnSync(MS_PRINT, ['--threshold=0', file], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^ Detailed snapshots: \[\d+ \(peak\), \d+\]$/m);
    const trees = [...stdout.matchAll(/^100\.00% \(([\d,]+)B\) \(heap allocation functions\)/gm)];
    const leaked = capture.rows('leaks').reduce((sum, row) => sum + row.bytes, 0);
    assert.deepEqual(
      trees.map((match) => Number(match[1]!.replaceAll(',', ''))),
      [peakBytes(capture), leaked],
    );
    assert.match(stdout, /->.*0x0: leak_vector/);
  });

  test('gprof2dot draws a graph', { skip: lacks('gprof2dot') }, async (t) => {
    const { path, capture } = await recordRun(t, 'leaks');
    const file = await transform(t, path, 'gprof2dot');
    const { status, stdout, stderr } = spawnSync('gprof2dot', ['-f', 'json', '-n', '0', '-e', '0', file], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, '']);
    const { name, bytes } = biggest(capture);
    const share = ((bytes / peakBytes(capture)) * 100).toFixed(2);
    assert.match(stdout, new RegExp(`\\\\n${name}\\\\n[\\d.]+%\\\\n\\(${share}%\\)|\\\\n${name}\\\\n${share}%`));
  });

  test('a pipe gets all of it, also one that is closed early; a full disk is one sentence', async (t) => {
    const { path } = await recordRun(t, 'cpp_sites');
    const shell = (command: string) => spawnSync('sh', ['-c', command, MP, path], { encoding: 'utf8' });
    const file = await transform(t, path, 'csv', '--all');
    const piped = shell('"$0" transform csv --all "$1" | cat');
    assert.deepEqual([piped.stdout, piped.stderr], [readFileSync(file, 'utf8'), '']);
    const first = shell('"$0" transform csv --all "$1" | head -1');
    assert.deepEqual([first.stdout.split(',')[0], first.stderr], ['allocator', '']);
    const full = shell('"$0" transform csv --all "$1" > /dev/full');
    assert.deepEqual([full.status, full.stderr], [1, 'mp: cannot write the output: no space left on device\n']);
  });

  test('a terminal gets a file, and no bytes that it does not understand', async (t) => {
    const { path } = await recordRun(t, 'cpp_sites');
    const onTerminal = (options: string) =>
      spawnSync('script', ['-qec', `${MP} transform ${options} ${path}`, '/dev/null']);
    const refused = onTerminal('pprof -o -');
    assert.deepEqual(
      [refused.status, refused.stdout.toString()],
      [1, 'mp: pprof is not for a terminal. Write it to a file with -o FILE, or redirect stdout.\r\n'],
    );
    const written = onTerminal('pprof');
    assert.match(written.stdout.toString(), /^Wrote .*mp-pprof-capture\.pb\.gz\r\nTo look at it: go tool pprof/);
  });
});
