/**
 * How long pages of a large capture take from the start of their script until the graph is drawn, in headless Chromium,
 * and how large they are: 100,000 stacks, 300,000 nodes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from '../browser.ts';
import { makeBigCapture } from './big-capture.ts';
import { MP } from './overhead.ts';
import { median, type Part, type Row } from './statistics.ts';

const PAGES: [name: string, command: string[]][] = [
  ['flamegraph', ['flamegraph']],
  ['temporal', ['flamegraph', '--temporal']],
  ['inverted', ['flamegraph', '--inverted']],
];

/** Milliseconds. */
async function drawn(browser: Browser, page: string): Promise<number> {
  await browser.open(page);
  return browser.evaluate("performance.measure('drawn', 'script', 'drawn').duration");
}

export async function measurePages(quick: boolean): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
  const rows: Row[] = [];
  const result: Record<string, unknown> = {};
  const browser = await Browser.start();
  try {
    const capture = join(folder, 'capture.db');
    const { stacks, nodes } = makeBigCapture(capture);
    for (const [name, command] of PAGES) {
      const page = join(folder, `${name}.html`);
      execFileSync(MP, [...command, '-o', page, capture], { stdio: ['ignore', 'ignore', 'ignore'] });
      const times: number[] = [];
      for (let round = 0; round < (quick ? 3 : 11); round++) times.push(await drawn(browser, page));
      const bytes = statSync(page).size;
      const what = `page ${name}, ${stacks.toLocaleString('en')} stacks`;
      rows.push(
        [`${what}: until it is drawn`, `${median(times).toFixed(0)} ms`],
        [`${what}: size`, `${(bytes / 1e6).toFixed(2)} MB`],
      );
      result[`page_${name}`] = { stacks, nodes, bytes, drawn_ms: times };
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
  return { rows, result };
}
