/** Pages in headless Chromium, used with mouse and keys. What they show is that of made captures. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { makeBigCapture } from '../../scripts/bench/big-capture.ts';
import { Browser } from '../../scripts/browser.ts';
import { buildPages } from '../../scripts/build-page.ts';
import { register as diff } from '../../src/cli/commands/diff.ts';
import { register as flamegraph } from '../../src/cli/commands/flamegraph.ts';
import { Recording } from '../unit/helpers/recording.ts';
import { runCommand } from '../unit/report/command.ts';
import { cannotFind, scratchFolder } from './helpers.ts';

const MS = 1e6;

/**
 * Four seconds of one process:
 *
 *     0.100 s  load allocates 1000, for good          1.000 s  work allocates 500 and frees it 2 ms later
 *     1.003 s  work allocates 300                     2.000 s  load allocates 10,000 …
 *     2.500 s  … and frees it                         3.000 s  work frees the 300
 */
function record(t: TestContext, factor = 1): string {
  const recording = new Recording(t);
  const { builder } = recording;
  recording.writer.meta('started_at', '2026-11-21T11:59:56Z');
  const thread = builder.thread(builder.process());
  const [load, work] = [builder.stack('main', 'load'), builder.stack('main', 'work')];
  builder.at(100 * MS).allocate(thread, 0x1000, 1000, { stack: load });
  builder.at(1000 * MS).allocate(thread, 0x2000, 500, { stack: work });
  builder.at(1002 * MS).free(thread, 0x2000);
  builder.at(1003 * MS).allocate(thread, 0x3000, 300 * factor, { stack: work });
  builder.at(2000 * MS).allocate(thread, 0x4000, 10_000, { stack: load });
  builder.at(2500 * MS).free(thread, 0x4000);
  builder.at(3000 * MS).free(thread, 0x3000);
  return recording.finish().path;
}

async function pageOf(t: TestContext, capture: string, ...options: string[]): Promise<string> {
  const path = join(scratchFolder(t), 'page.html');
  await runCommand(flamegraph, ['flamegraph', capture, '-o', path, ...options]);
  return path;
}

const ROW = 20;

describe('pages', { skip: cannotFind('chromium') }, () => {
  let browser: Browser;

  before(async () => {
    await buildPages();
    browser = await Browser.start();
  });

  after(async () => {
    await browser?.close();
  });

  const text = (id: string) => browser.evaluate<string>(`document.getElementById('${id}').textContent`);
  const amount = (view: string) =>
    browser.evaluate<string>(
      `document.querySelector('input[value=${view}]').parentElement.querySelector('small').textContent`,
    );
  const address = () => browser.evaluate<string>('location.hash');

  /** Where a part of the page is. */
  const boxOf = (id: string) =>
    browser.evaluate<{ x: number; y: number; width: number; height: number }>(
      `(({ x, y, width, height }) => ({ x, y, width, height }))(document.getElementById('${id}').getBoundingClientRect())`,
    );

  /** In the row `depth` of the graph, at this share of its width. */
  async function inGraph(depth: number, share: number): Promise<[number, number]> {
    const { x, y, width } = await boxOf('frames');
    return [x + width * share, y + (depth + 0.5) * ROW];
  }

  /** Colour of a point of a canvas: red, green and blue. */
  const colour = (id: string, x: number, y: number) =>
    browser.evaluate<number[]>(
      `Array.from(document.getElementById('${id}').getContext('2d').getImageData(${x}, ${y}, 1, 1).data).slice(0, 3)`,
    );

  test('zoom by mouse and keys, search, and an address that brings it all back', async (t) => {
    const page = await pageOf(t, record(t));
    await browser.open(page);
    assert.equal(await text('path'), 'all: 11.035 KiB, 100.00%, 3 allocations');
    await browser.click(...(await inGraph(2, 0.99)));
    assert.match(await text('path'), /^work: 300 B, 2\.65%, 1 allocations$/);
    await browser.press('Escape');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter']) await browser.press(key);
    assert.match(await text('path'), /^work: /);
    assert.match(await text('live'), /^work: /, 'also said aloud');
    await browser.press('/');
    await browser.type('^lo|nothing');
    assert.equal(await text('matches'), '10.742 KiB · 97.35%');
    const hash = await address();
    await browser.open(page, hash.slice(1));
    assert.deepEqual([await text('matches'), await address()], ['10.742 KiB · 97.35%', hash]);
    assert.match(await text('path'), /^work: /);
    for (const _ of ['search', 'zoom']) await browser.press('Escape');
    assert.deepEqual([await text('matches'), await address()], ['', '']);
    await browser.press('2');
    assert.equal(await text('path'), 'all: 1000 B, 100.00%, 1 allocations');
    assert.deepEqual(browser.complaints, []);
  });

  test('the range of a temporal page by dragging, by keys and by its address', async (t) => {
    const page = await pageOf(t, record(t), '--temporal');
    await browser.open(page);
    const middle = async (id: string): Promise<[number, number]> => {
      const { x, y, width, height } = await boxOf(id);
      return [x + width / 2, y + height / 2];
    };
    const [[begin, y], [end]] = [await middle('range-from'), await middle('range-to')];
    const at = (seconds: number): [number, number] => [begin + ((end - begin) * seconds) / 4, y];
    assert.deepEqual([await text('range-text'), await amount('high_watermark')], ['0.00 s – 4.00 s', '11.035 KiB']);
    await browser.drag(await middle('range-to'), at(1.5));
    assert.match(await text('range-text'), /^0\.00 s – 1\.(49|5\d) s$/);
    assert.deepEqual(
      [await amount('high_watermark'), await amount('leaks'), await amount('allocations')],
      ['1.465 KiB', '1.270 KiB', '1.758 KiB'],
    );
    assert.match(await text('path'), /^all: 1\.465 KiB, 100\.00%, 2 allocations$/);
    await browser.drag(await middle('range-from'), at(1.2));
    assert.deepEqual([await amount('high_watermark'), await amount('leaks')], ['1.270 KiB', '0 B']);
    await browser.drag(await middle('range-grip'), at(1.85));
    assert.match(await text('range-text'), /^1\.[67]\d s – (1\.9\d|2\.0\d) s$/);
    await browser.drag(at(1.9), at(2.2));
    assert.match(await text('range-text'), /^1\.(89|9\d) s – 2\.(19|2\d) s$/);
    assert.deepEqual([await amount('high_watermark'), await amount('leaks')], ['11.035 KiB', '9.766 KiB']);
    const hash = await address();
    await browser.open(page, hash.slice(1));
    assert.deepEqual([await address(), await amount('leaks')], [hash, '9.766 KiB']);
    const before = Number.parseFloat(await text('range-text'));
    await browser.evaluate("document.getElementById('range-from').focus()");
    await browser.press('ArrowLeft');
    assert.equal(Number.parseFloat(await text('range-text')).toFixed(2), (before - 0.01).toFixed(2));
    await browser.press('Home');
    assert.match(await text('range-text'), /^0\.00 s/);
    assert.equal(await browser.evaluate("document.activeElement.getAttribute('aria-valuetext')"), '0.00 s');
    await browser.click(...(await middle('range-all')));
    assert.deepEqual([await text('range-text'), await address()], ['0.00 s – 4.00 s', '']);
    assert.deepEqual(browser.complaints, []);
  });

  test('--from and --to open it, and what is not there for a range is not offered', async (t) => {
    await browser.open(await pageOf(t, record(t), '--temporal', '--leaks', '--from', '1', '--to', '50%'));
    assert.deepEqual([await text('range-text'), await address()], ['1.00 s – 2.00 s', '']);
    assert.equal(await text('path'), 'all: 300 B, 100.00%, 1 allocations');
    const views = "Array.from(document.querySelectorAll('input[name=view]'), (input) => input.value)";
    assert.deepEqual(await browser.evaluate(views), ['high_watermark', 'leaks', 'allocations']);
  });

  test('dark if the system is, light and dark by the button, in the graph as well', async (t) => {
    const page = await pageOf(t, record(t), '--temporal');
    const isDark = (sum: number[]) => sum[0]! + sum[1]! + sum[2]! < 300;
    const background = async () => {
      const { width, height } = await boxOf('frames');
      return isDark(await colour('frames', width - 5, height - 5));
    };
    try {
      await browser.preferDark(true);
      await browser.open(page);
      assert.deepEqual(
        [await browser.evaluate('document.documentElement.dataset.theme'), await background()],
        ['dark', true],
      );
      const { x, y } = await boxOf('theme');
      await browser.click(x + 8, y + 8);
      assert.deepEqual(
        [await browser.evaluate('document.documentElement.dataset.theme'), await background()],
        ['light', false],
      );
      await browser.click(x + 8, y + 8);
      await browser.preferDark(false);
      await browser.open(page, 'theme=dark');
      assert.equal(await background(), true);
    } finally {
      await browser.evaluate('localStorage.clear()');
      await browser.preferDark(false);
    }
  });

  test('a differential flame graph: red, blue, and widths by choice', async (t) => {
    const path = join(scratchFolder(t), 'diff.html');
    await runCommand(diff, ['diff', record(t), record(t, 20), '-o', path]);
    await browser.open(path);
    assert.equal(await text('path'), 'all: 11.035 KiB → 16.602 KiB, +5.566 KiB, +50.44%');
    const [, y] = await inGraph(2, 0);
    const top = (await boxOf('frames')).y;
    const { width } = await boxOf('frames');
    const [red, , blue] = (await colour('frames', width - 12, y - top + 7)) as [number, number, number];
    assert.ok(red > blue + 60, 'what grew is red');
    await browser.click(...(await inGraph(2, 0.99)));
    assert.equal(await text('path'), 'work: 300 B → 5.859 KiB, +5.566 KiB, +1900.00%');
    await browser.press('Escape');
    await browser.press('3');
    await browser.click(...(await inGraph(2, 0.99)));
    assert.match(await text('path'), /^work: 300 B/);
    await browser.press('/');
    await browser.type('work');
    assert.equal(await text('matches'), '+5.566 KiB');
    assert.match(await address(), /width=before.*search=work/);
    assert.deepEqual(browser.complaints, []);
  });

  test('300,000 nodes in under 5 MB: opened, zoomed and searched', async (t) => {
    const capture = join(scratchFolder(t), 'big.db');
    const { nodes } = makeBigCapture(capture);
    assert.ok(nodes > 300_000);
    const page = await pageOf(t, capture);
    assert.ok(statSync(page).size < 5e6, `${statSync(page).size} bytes`);
    assert.doesNotMatch(readFileSync(page, 'utf8').slice(0, 20_000), /https?:\/\//);
    await browser.open(page);
    const whole = await text('path');
    assert.match(whole, /^all: .* GiB, 100\.00%/);
    const { y } = await boxOf('frames');
    const [x, second] = await inGraph(3, 0.2);
    assert.notDeepEqual(await colour('frames', Math.round(x), Math.round(second - y)), [255, 255, 255], 'it is drawn');
    await browser.click(x, second);
    assert.doesNotMatch(await text('path'), /^all/);
    await browser.press('/');
    await browser.type('Session1\\d\\d::');
    assert.match(await text('matches'), /^[\d.]+ [GM]iB · /);
    await browser.press('Escape');
    const inverted = await pageOf(t, capture, '--inverted');
    assert.ok(statSync(inverted).size < 5e6, `${statSync(inverted).size} bytes inverted`);
    await browser.open(inverted);
    assert.equal(await text('path'), whole);
    await browser.click(...(await inGraph(1, 0.00001)));
    assert.doesNotMatch(await text('path'), /^all/);
    assert.deepEqual(browser.complaints, []);
  });
});
