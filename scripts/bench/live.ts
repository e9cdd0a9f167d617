/**
 * What a look of the live view costs, at a capture of 50,000 sites whose counters change: reading, adding up, drawing.
 *
 *     npx tsx scripts/bench/live.ts [SITES]
 *
 * Prints the CPU time of a look, in which all sites have changed, a tenth of them, and none: with one look a second, 10 ms
 * are 1 % of a core.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAME_RULES } from '../../src/cli/live/live-view.ts';
import { lossLine } from '../../src/report/losses.ts';
import { shortenName } from '../../src/report/names.ts';
import { LiveReader } from '../../src/store/live-reader.ts';
import { LiveModel } from '../../src/tui/live-model.ts';
import { liveScreen } from '../../src/tui/live-view.ts';
import { paintOf } from '../../src/tui/paint.ts';
import { makeCapture } from './made-sites.ts';
import { median } from './statistics.ts';

const LOOKS = 15;
const CONTEXT = { paint: paintOf(true), hasFineBlocks: true, clock: () => '', shortenName, lossLine, output: null };
const MODE = { typing: null, processCursor: null, message: '', commandPiece: 0 };

function measure(name: string, change: () => void, look: () => void): void {
  const times: number[] = [];
  for (let i = 0; i < LOOKS; i++) {
    change();
    const before = process.cpuUsage();
    look();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  console.log(`${name.padEnd(24)} ${median(times).toFixed(1)} ms of CPU a look`);
}

const sites = Number(process.argv[2] ?? 50_000);
const folder = mkdtempSync(join(tmpdir(), 'mp-bench-'));
try {
  const path = join(folder, 'capture.db');
  const db = makeCapture(path, sites);
  const reader = new LiveReader(path, () => 'recording');
  const model = new LiveModel(FRAME_RULES);
  const look = () => {
    model.apply(reader.poll());
    liveScreen(model, 200, 50, CONTEXT, MODE);
  };
  look();
  const update = (every: number) => () => {
    db.run('UPDATE site SET live_bytes = live_bytes + 1 WHERE id % ? = 0', [every]);
    db.run('INSERT INTO memory VALUES (1, ?, 1, 1, 1)', [model.data.durationNs]);
  };
  console.log(`${sites} sites`);
  measure('all have changed', update(1), look);
  measure('a tenth has changed', update(10), look);
  measure('only reading', update(10), () => reader.poll());
  measure('none has changed', () => undefined, look);
  db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
