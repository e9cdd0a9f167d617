/**
 * Two snapshots of one process (pid 77) with known numbers; [blocks, bytes] live:
 *
 *     site   place                          before            after
 *     A      /srv/app/db/load.py:120        13, 97517568      13, 97517568     93 MiB
 *     B      /srv/app/web/view.py:7         1, 2              2, 5002
 *     C      /srv/app/web/view.py:31        10, 6144          -                vanished
 *     D      /srv/app/util.py:3             40, 1572864       30, 1048576
 *     E      /usr/lib/libz.so.1 (no line)   1, 300000         1, 300000
 *     F      no stack                       4, 64             4, 64
 *
 * All Python is called by main.py:1; D by view.py:7, too.
 */
import { CaptureFixture } from '../helpers/capture-fixture.ts';

export interface MadeOptions {
  pid?: number;
  metrics?: Record<string, [value: number, format: string]> | undefined;
  /** [address, bytes, site A to F] */
  blocks?: [number, number, string][] | undefined;
}

type Live = Record<string, [blocks: number, bytes: number]>;

export const BEFORE: Live = {
  A: [13, 97517568],
  B: [1, 2],
  C: [10, 6144],
  D: [40, 1572864],
  E: [1, 300000],
  F: [4, 64],
};
export const AFTER: Live = { A: [13, 97517568], B: [2, 5002], D: [30, 1048576], E: [1, 300000], F: [4, 64] };

export const BEFORE_AT = '2013-10-03T11:33:39.250Z';
export const AFTER_AT = '2013-10-03T11:34:39.750Z';

export const METRICS_BEFORE: MadeOptions['metrics'] = {
  'gc.objects': [2688000, 'int'],
  'process_memory.rss': [828 * 2 ** 20, 'size'],
  'pymalloc.fragmentation': [0.042, 'percent'],
};
export const METRICS_AFTER: MadeOptions['metrics'] = {
  'gc.objects': [2688709, 'int'],
  'process_memory.rss': [818 * 2 ** 20, 'size'],
  'pymalloc.fragmentation': [0.052, 'percent'],
  'pymalloc.size': [1536 * 1024, 'size'],
};

/** Writes a snapshot as mp does. */
export function makeSnapshot(path: string, at: string, live: Live, options: MadeOptions = {}): void {
  const { pid = 77, metrics = {}, blocks } = options;
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'run', status: 'complete', command_line: 'python3 main.py', snapshot_at: at, ended_at: at });
  if (blocks) capture.meta({ traces: '1' });
  const process = capture.process({ pid, comm: 'python3', command_line: 'python3 main.py', runtime: 'python 3.11' });
  const thread = capture.thread(process, pid, 'python3');
  const worker = capture.thread(process, pid + 1, 'worker');
  const [python, libz] = [capture.module('/usr/bin/python3.11'), capture.module('/usr/lib/libz.so.1')];
  const line = (file: string, at: number) =>
    capture.frame({ function: `f${at}`, file: `/srv/app/${file}`, line: at, language: 'python' });
  const start = capture.frame({ function: '_start', module: python });
  const alloc = capture.frame({ function: 'PyMem_Malloc', module: python });
  const [main, load, view7] = [line('main.py', 1), line('db/load.py', 120), line('web/view.py', 7)];
  const stacks: Record<string, number | null> = {
    A: capture.stack(start, main, load, alloc),
    B: capture.stack(start, main, view7, alloc),
    C: capture.stack(start, main, line('web/view.py', 31), alloc),
    D: capture.stack(start, main, view7, line('util.py', 3), alloc),
    E: capture.stack(start, capture.frame({ function: 'deflateInit2_', module: libz })),
    F: null,
  };
  const sites: Record<string, number> = {};
  for (const [name, pair] of Object.entries(live)) {
    const where = { process, thread: name === 'E' ? worker : thread, allocator: name === 'E' ? 'calloc' : 'malloc' };
    sites[name] = capture.site({ ...where, stack: stacks[name]!, all: pair, peak: pair, live: pair });
  }
  for (const [name, [value, format]] of Object.entries(metrics)) capture.insert('metric', { name, value, format });
  for (const [address, bytes, site] of blocks ?? [])
    capture.insert('block', { process_id: process, address, bytes, site_id: sites[site] });
  capture.close();
}
