/** Builds captures row by row, without a tracer, so that a test knows every number in them. */
import { type Db, openWriter } from '../../../src/store/db.ts';

export interface SiteSpec {
  process: number;
  thread: number;
  allocator: string;
  /** Null: a site without a stack. */
  stack: number | null;
  /** [allocations, bytes] */
  all: [number, number];
  peak?: [number, number];
  live?: [number, number];
  /** By threshold; those of 0 and 1 are the site's temporary allocations. */
  temporary?: Record<number, [number, number]>;
}

export interface FrameSpec {
  function?: string | null;
  file?: string | null;
  line?: number | null;
  language?: string;
  module?: number | null;
  inlined?: boolean;
}

const RESIDENT_PARTS = ['v8_heap', 'jit_code', 'brk', 'anonymous', 'stack', 'file', 'shared'] as const;
export type ResidentKind = (typeof RESIDENT_PARTS)[number] | 'untouched' | 'live_buffer';

export class CaptureFixture {
  readonly db: Db;
  readonly #nextId: Record<string, number> = {};
  readonly #stacks = new Map<string, number>();

  constructor(path: string) {
    this.db = openWriter(path);
  }

  insert(table: string, row: Record<string, unknown>): void {
    const names = Object.keys(row);
    this.db.run(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `:${name}`).join(', ')})`,
      row,
    );
  }

  #insertWithId(table: string, row: Record<string, unknown>): number {
    const id = (this.#nextId[table] ?? 0) + 1;
    this.#nextId[table] = id;
    this.insert(table, { id, ...row });
    return id;
  }

  meta(facts: Record<string, string>): void {
    for (const [key, value] of Object.entries(facts)) this.insert('meta', { key, value });
  }

  losses(counts: Record<string, number>): void {
    for (const [kind, count] of Object.entries(counts)) this.insert('loss', { kind, count });
  }

  process(row: Record<string, unknown> & { pid: number }): number {
    return this.#insertWithId('process', { origin: 'launch', started_ns: 0, ...row });
  }

  thread(processId: number, tid: number, name: string): number {
    return this.#insertWithId('thread', { process_id: processId, tid, name });
  }

  module(path: string): number {
    return this.#insertWithId('module', { path });
  }

  frame(spec: FrameSpec): number {
    const { function: name = null, file = null, line = null, language = 'native', module = null } = spec;
    const inlined = spec.inlined ? 1 : 0;
    return this.#insertWithId('frame', { function: name, file, line, language, module_id: module, inlined });
  }

  /** Frames from the root inwards; common beginnings share their nodes. */
  stack(...frames: number[]): number {
    let parent: number | null = null;
    frames.forEach((frame, i) => {
      const key: string = `${parent} ${frame}`;
      let node = this.#stacks.get(key);
      if (node === undefined) {
        node = this.#insertWithId('stack', { parent_id: parent, frame_id: frame, depth: i + 1 });
        this.#stacks.set(key, node);
      }
      parent = node;
    });
    return parent!;
  }

  site(spec: SiteSpec): number {
    const { all, peak = [0, 0], live = [0, 0], temporary = {} } = spec;
    const early = [temporary[0], temporary[1]].filter((pair) => pair !== undefined);
    const id = this.#insertWithId('site', {
      process_id: spec.process,
      thread_id: spec.thread,
      allocator: spec.allocator,
      stack_id: spec.stack,
      allocations: all[0],
      allocated_bytes: all[1],
      deallocations: all[0] - live[0],
      deallocated_bytes: all[1] - live[1],
      peak_allocations: peak[0],
      peak_bytes: peak[1],
      live_allocations: live[0],
      live_bytes: live[1],
      temporary_allocations: early.reduce((sum, pair) => sum + pair[0], 0),
      temporary_bytes: early.reduce((sum, pair) => sum + pair[1], 0),
    });
    for (const [threshold, [allocations, bytes]] of Object.entries(temporary)) {
      this.insert('temporary', { site_id: id, threshold: Number(threshold), allocations, bytes });
    }
    return id;
  }

  memory(process: number, timeMs: number, heapBytes: number, allocations: number, rssBytes: number | null): void {
    this.insert('memory', {
      process_id: process,
      time_ns: timeMs * 1e6,
      heap_bytes: heapBytes,
      live_allocations: allocations,
      rss_bytes: rssBytes,
    });
  }

  /** MiB each; what is not given is 0, and there is no V8. */
  resident(process: number, timeMs: number, kinds: Partial<Record<ResidentKind, number>>): void {
    const bytes = (kind: ResidentKind) => (kinds[kind] ?? 0) * 2 ** 20;
    const optional = (kind: ResidentKind) => (kinds[kind] === undefined ? null : bytes(kind));
    this.insert('resident', {
      process_id: process,
      time_ns: timeMs * 1e6,
      rss_bytes: RESIDENT_PARTS.reduce((sum, kind) => sum + bytes(kind), 0),
      ...Object.fromEntries(RESIDENT_PARTS.map((kind) => [`${kind}_bytes`, bytes(kind)])),
      v8_heap_bytes: optional('v8_heap'),
      untouched_bytes: bytes('untouched'),
      live_buffer_bytes: optional('live_buffer'),
    });
  }

  sizeClass(process: number, allocator: string, min: number, max: number, allocations: number, bytes: number): void {
    const row = { min_bytes: min, max_bytes: max, allocations, bytes };
    this.insert('size_histogram', { process_id: process, allocator, ...row });
  }

  close(): void {
    this.db.close();
  }
}

const NO_LOSSES = Object.fromEntries(
  [
    'ring_dropped',
    'unwinder_busy',
    'inflight_overflow',
    'thread_state',
    'stack_truncated',
    'stack_incomplete',
    'stack_missing',
    'frame_unsymbolized',
    'unmatched_free',
    'inherited',
    'event_invalid',
  ].map((kind) => [kind, 0]),
);

export const LONG_NAME =
  'std::vector<std::pair<int, std::string>, std::allocator<std::pair<int, std::string> > >::' +
  '_M_realloc_insert<std::pair<int, std::string> >(__gnu_cxx::__normal_iterator<std::pair<int, std::string>*>, int&&)';

export interface SmallCaptureOptions {
  losses?: Record<string, number>;
  meta?: Record<string, string>;
  warning?: string;
  /** The process was still running at the end. */
  running?: boolean;
}

/**
 * One process (pid 100) with two threads (100, 101) and five sites; the numbers are [allocations, bytes]:
 *
 *     site  thread  allocator  stack (root first)              all            peak         live    temporary by threshold
 *     A     100     malloc     main load                       10, 1000       8, 800       4, 400  0: 2, 200; 5: 1, 100
 *     B     101     calloc     main walk walk LONG_NAME        3, 3145728     3, 3145728   -       -
 *     C     101     malloc     main load strdup (no file)      100, 1600      50, 800      6, 96   1: 40, 640
 *     D     100     mmap       (none)                          1, 4096        1, 4096      -       -
 *     E     100     malloc     main handler (Python)           2, 64          -            2, 64   -
 *
 *     all: 116 allocations, 3152488 bytes; peak: 62, 3151424; live: 12, 560; temporary ≤ 1: 42, 840; ≤ 5: 43, 940
 */
export function smallCapture(path: string, options: SmallCaptureOptions = {}): void {
  const capture = new CaptureFixture(path);
  capture.meta({
    mode: 'run',
    status: 'complete',
    mp_version: '0.1.0',
    command_line: './app --size 3',
    started_at: '2026-01-02T03:04:05.000Z',
    ended_at: '2026-01-02T03:04:07.500Z',
    ...options.meta,
  });
  capture.losses({ ...NO_LOSSES, ...options.losses });
  const process = capture.process({
    pid: 100,
    comm: 'app',
    executable: '/usr/bin/app',
    command_line: './app --size 3',
    runtime: 'native',
    warning: options.warning ?? '',
    ...(options.running ? {} : { ended_ns: 2_500_000_000, exit_code: 0 }),
  });
  addSmallSites(capture, process);
  addSmallTimeline(capture, process);
  capture.close();
}

function addSmallSites(capture: CaptureFixture, process: number): void {
  const [main, worker] = [capture.thread(process, 100, 'app'), capture.thread(process, 101, 'worker')];
  const [app, libc] = [capture.module('/usr/bin/app'), capture.module('/usr/lib/x86_64-linux-gnu/libc.so.6')];
  const mainFrame = capture.frame({ function: 'main', file: '/src/app/main.c', line: 10, module: app });
  const load = capture.frame({ function: 'load', file: '/src/app/load.c', line: 20, module: app });
  const walk = capture.frame({ function: 'walk', file: '/src/app/walk.cc', line: 30, module: app });
  const long = capture.frame({ function: LONG_NAME, file: '/usr/include/c++/12/vector', line: 446, module: app });
  const strdup = capture.frame({ function: 'strdup', module: libc });
  const handler = capture.frame({ function: 'handler', file: '/src/app/handler.py', line: 5, language: 'python' });
  const A = capture.stack(mainFrame, load);
  const B = capture.stack(mainFrame, walk, walk, long);
  const C = capture.stack(mainFrame, load, strdup);
  const E = capture.stack(mainFrame, handler);
  const temporary = { 0: [2, 200], 5: [1, 100] } as Record<number, [number, number]>;
  const on = (thread: number) => ({ process, thread });
  capture.site({
    ...on(main),
    allocator: 'malloc',
    stack: A,
    all: [10, 1000],
    peak: [8, 800],
    live: [4, 400],
    temporary,
  });
  capture.site({ ...on(worker), allocator: 'calloc', stack: B, all: [3, 3145728], peak: [3, 3145728] });
  const early = { 1: [40, 640] } as Record<number, [number, number]>;
  capture.site({
    ...on(worker),
    allocator: 'malloc',
    stack: C,
    all: [100, 1600],
    peak: [50, 800],
    live: [6, 96],
    temporary: early,
  });
  capture.site({ ...on(main), allocator: 'mmap', stack: null, all: [1, 4096], peak: [1, 4096] });
  capture.site({ ...on(main), allocator: 'malloc', stack: E, all: [2, 64], live: [2, 64] });
}

function addSmallTimeline(capture: CaptureFixture, process: number): void {
  capture.memory(process, 0, 0, 0, 1_000_000);
  capture.memory(process, 500, 1_500_000, 30, 2_000_000);
  capture.memory(process, 1200, 3_151_424, 62, 4_000_000);
  capture.memory(process, 2500, 560, 12, 3_900_000);
  capture.sizeClass(process, 'malloc', 16, 17, 100, 1600);
  capture.sizeClass(process, 'malloc', 32, 35, 2, 64);
  capture.sizeClass(process, 'malloc', 96, 103, 10, 1000);
  capture.sizeClass(process, 'mmap', 4096, 4607, 1, 4096);
  capture.sizeClass(process, 'calloc', 1048576, 1179647, 3, 3145728);
}

/** A finished capture in which nothing was allocated. */
export function emptyCapture(path: string): void {
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'run', status: 'complete', command_line: './nothing' });
  capture.losses(NO_LOSSES);
  capture.process({ pid: 7, comm: 'nothing', ended_ns: 1_000_000, exit_code: 0 });
  capture.close();
}

/**
 * A process (pid 200) and its forked child (pid 201), attached to, not seen to end; the child lives on a stack of its
 * parent: 1 × 1000 bytes live in the parent, 1 × 500 in the child, both peaks too.
 */
export function forkCapture(path: string): void {
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'trace', status: 'complete', command_line: '' });
  capture.losses(NO_LOSSES);
  const parent = capture.process({ pid: 200, comm: 'server', origin: 'attach', command_line: 'server -d' });
  const child = capture.process({ pid: 201, comm: 'server', origin: 'fork', parent_id: parent, started_ns: 5_000_000 });
  const module = capture.module('/usr/bin/server');
  const stack = capture.stack(capture.frame({ function: 'serve', file: 'serve.c', line: 7, module }));
  const threads = [capture.thread(parent, 200, 'server'), capture.thread(child, 201, 'server')];
  const site = { allocator: 'malloc', stack };
  const once = (bytes: number): Pick<SiteSpec, 'all' | 'peak' | 'live'> => ({
    all: [1, bytes],
    peak: [1, bytes],
    live: [1, bytes],
  });
  capture.site({ ...site, process: parent, thread: threads[0]!, ...once(1000) });
  capture.site({ ...site, process: child, thread: threads[1]!, ...once(500) });
  capture.memory(parent, 10, 1000, 1, 50_000);
  capture.memory(child, 20, 500, 1, 40_000);
  capture.close();
}
