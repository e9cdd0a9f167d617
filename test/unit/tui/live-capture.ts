/** Captures that look as if they were still being recorded, and a model that follows one. */

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FRAME_RULES } from '../../../src/cli/live/live-view.ts';
import { lossLine } from '../../../src/report/losses.ts';
import { shortenName } from '../../../src/report/names.ts';
import { LiveReader, type StatusOf } from '../../../src/store/live-reader.ts';
import { ReplayReader } from '../../../src/store/live-replay.ts';
import { LiveModel } from '../../../src/tui/live-model.ts';
import type { LiveContext, LiveMode } from '../../../src/tui/live-view.ts';
import { paintOf } from '../../../src/tui/paint.ts';
import { CaptureFixture } from '../helpers/capture-fixture.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const MIB = 2 ** 20;
const STARTED = '2026-01-02T03:04:05.000Z';

const statusOf: StatusOf = (meta) => (meta.get('status') === 'complete' ? 'complete' : 'recording');

/** Seconds after the capture began, as the clock says it. */
export const at = (seconds: number) => Date.parse(STARTED) + seconds * 1000;

/**
 * A server (pid 100) with the threads 100 and 101 and its forked child (pid 102). In use, by stack:
 *
 *     site  process  thread  stack                        blocks, bytes
 *     A     100      100     main > load                   4, 4 MiB
 *     B     100      101     main > walk > walk > load     2, 1 MiB
 *     C     102      102     main > serve                  8, 2 MiB
 *     D     100      101     (none)                        1, 4096 bytes
 */
export class LiveCapture {
  readonly fixture: CaptureFixture;
  readonly sites: Record<'A' | 'B' | 'C' | 'D', number>;
  readonly #processes: number[];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    const capture = new CaptureFixture(path);
    this.fixture = capture;
    capture.meta({ mode: 'run', status: 'recording', command_line: './server --port 80', started_at: STARTED });
    capture.losses({ ring_dropped: 0, frame_unsymbolized: 0 });
    const server = capture.process({ pid: 100, comm: 'server', command_line: './server --port 80' });
    const child = capture.process({ pid: 102, comm: 'worker', parent_id: server, origin: 'fork', started_ns: 1e9 });
    this.#processes = [server, child];
    const threads = [capture.thread(server, 100, 'server'), capture.thread(server, 101, 'walker')];
    threads.push(capture.thread(child, 102, 'worker'));
    const module = capture.module('/usr/bin/server');
    const frame = (name: string, line: number) =>
      capture.frame({ function: name, file: `/src/server/${name}.c`, line, module });
    const [main, load, walk, serve] = [frame('main', 10), frame('load', 20), frame('walk', 30), frame('serve', 40)];
    const site = (process: number, thread: number, stack: number | null, blocks: number, bytes: number) =>
      capture.site({
        ...{ process, thread: threads[thread]!, stack, allocator: 'malloc' },
        ...{ all: [blocks + 1, bytes + 16], live: [blocks, bytes] },
      });
    this.sites = {
      A: site(server, 0, capture.stack(main!, load!), 4, 4 * MIB),
      B: site(server, 1, capture.stack(main!, walk!, walk!, load!), 2, MIB),
      C: site(child, 2, capture.stack(main!, serve!), 8, 2 * MIB),
      D: site(server, 1, null, 1, 4096),
    };
    const points = [1, 3, 6, 8, 5.00390625];
    points.forEach((mib, i) => {
      capture.memory(server, 500 * i, mib * MIB, i, 20 * MIB);
    });
    capture.memory(child, 1500, 2 * MIB, 8, 3 * MIB);
  }

  set(site: keyof LiveCapture['sites'], blocks: number, bytes: number): void {
    this.fixture.db.run('UPDATE site SET live_allocations = ?, live_bytes = ? WHERE id = ?', [
      blocks,
      bytes,
      this.sites[site],
    ]);
  }

  end(): void {
    const { db } = this.fixture;
    db.run('UPDATE process SET ended_ns = 3000000000, exit_code = 0 WHERE id = ?', [this.#processes[1]]);
    db.run('UPDATE process SET ended_ns = 3500000000, exit_code = 0 WHERE id = ?', [this.#processes[0]]);
    db.run("UPDATE meta SET value = 'complete' WHERE key = 'status'");
    this.fixture.meta({ ended_at: new Date(at(3.5)).toISOString() });
  }

  /**
   * What happened when, in intervals of half a second; of a site as many blocks as above, and one of 16 bytes more:
   *
   *     0 s   A 5          1 s   D 2; 1 of them freed
   *     0.5 s B 3          1.5 s C 9, 1 of them freed; of A one is freed, of B as well
   */
  addIntervals(): void {
    const { fixture, sites } = this;
    fixture.meta({ interval_ns: '500000000', interval_end_ns: '3500000000' });
    const processes = { A: 1, B: 1, C: 2, D: 1 };
    for (const [name, id] of Object.entries(sites))
      fixture.insert('site_part', { id, process_id: processes[name as 'A'], site_id: id });
    const allocated = (tick: number, part_id: number, allocations: number, bytes: number, brief: number) =>
      fixture.insert('interval_allocated', {
        ...{ tick, part_id, allocations, bytes, brief_allocations: brief, brief_bytes: 16 * brief },
        ...{ peak_allocations: allocations, peak_bytes: bytes },
      });
    const freed = (part_id: number, from_tick: number) =>
      fixture.insert('interval_freed', { tick: 150, part_id, from_tick, allocations: 1, bytes: 16 });
    allocated(0, sites.A, 5, 4 * MIB + 16, 0);
    allocated(50, sites.B, 3, MIB + 16, 0);
    allocated(100, sites.D, 2, 4096 + 16, 1);
    allocated(150, sites.C, 9, 2 * MIB + 16, 1);
    freed(sites.A, 0);
    freed(sites.B, 50);
  }

  replay(): ReplayReader {
    return new ReplayReader(this.#path, statusOf);
  }

  reader(): LiveReader {
    return new LiveReader(this.#path, statusOf);
  }

  close(): void {
    this.fixture.close();
  }
}

export function newModel(): LiveModel {
  return new LiveModel(FRAME_RULES);
}

/** A capture, and the model of a viewer that has looked at it once; `look` does so again. */
export function followed(t: TestContext) {
  const capture = new LiveCapture(join(temporaryFolder(t), 'capture.db'));
  t.after(() => capture.close());
  const model = newModel();
  const reader = capture.reader();
  const look = (seconds: number) => model.apply({ ...reader.poll(at(seconds)), capture: 'mp-server.100.db' });
  look(2.5);
  return { capture, model, look };
}

/** Without colours; the clock stands. */
export const CONTEXT: LiveContext = {
  ...{ paint: paintOf(false), hasFineBlocks: true, clock: () => '12:34:56', shortenName, lossLine, output: null },
};

export const MODE: LiveMode = { typing: null, processCursor: null, message: '', commandPiece: 0 };

/** Lines without escape sequences; the sorted heading is between underscores, the selected row begins with `>`. */
export function plain(lines: string[]): string {
  const marks: Record<string, string> = { 4: '_', 24: '_', 7: '>' };
  const line = (text: string) => {
    const [first, ...others] = text.split('\x1b[');
    const rest = others.map(
      (part) => `${marks[part.slice(0, part.indexOf('m'))] ?? ''}${part.slice(part.indexOf('m') + 1)}`,
    );
    return `${first}${rest.join('')}`;
  };
  return `${lines.map(line).join('\n')}\n`;
}
