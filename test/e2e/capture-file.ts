/** A capture file as tests read it: by SQL against the public tables and views, nothing of the recorder's own code. */
import Database from 'better-sqlite3';

export interface ViewRow {
  pid: number;
  tid: number;
  allocator: string;
  allocations: number;
  bytes: number;
  function: string | null;
  file: string | null;
  line: number | null;
  module: string | null;
  stack_id: number | null;
}

export interface FrameRow {
  position: number;
  function: string | null;
  file: string | null;
  line: number | null;
  module: string | null;
  inlined: number;
}

export interface ProcessRow {
  id: number;
  pid: number;
  parent_id: number | null;
  origin: string;
  started_ns: number;
  ended_ns: number | null;
  exit_code: number | null;
  exit_signal: number | null;
  comm: string | null;
  executable: string | null;
}

/** Samples of V8's heap are no blocks. */
const EXACT = "FROM site WHERE allocator <> 'v8_sample'";

/** Sums that must agree however the capture ended; each with the two numbers that were compared. */
const CONSISTENCY: [string, string][] = [
  [
    'allocated - deallocated = live bytes, per site',
    `SELECT count(*) AS one, 0 AS other ${EXACT}
     AND (allocated_bytes - deallocated_bytes <> live_bytes OR live_bytes < 0 OR live_allocations < 0)`,
  ],
  [
    'sites = process_summary',
    `SELECT (SELECT coalesce(sum(allocations), 0) || ' ' || coalesce(sum(allocated_bytes), 0) ${EXACT}) AS one,
            (SELECT coalesce(sum(allocations), 0) || ' ' || coalesce(sum(allocated_bytes), 0) FROM process_summary)
              AS other`,
  ],
  [
    'sites = size histogram',
    `SELECT (SELECT coalesce(sum(allocations), 0) || ' ' || coalesce(sum(allocated_bytes), 0) ${EXACT}) AS one,
            (SELECT coalesce(sum(allocations), 0) || ' ' || coalesce(sum(bytes), 0) FROM size_histogram) AS other`,
  ],
  [
    'temporary allocations = thresholds 0 and 1',
    `SELECT (SELECT coalesce(sum(temporary_allocations), 0) || ' ' || coalesce(sum(temporary_bytes), 0) FROM site)
              AS one,
            (SELECT coalesce(sum(allocations), 0) || ' ' || coalesce(sum(bytes), 0) FROM temporary
             WHERE threshold <= 1) AS other`,
  ],
  [
    'live <= peak, per process',
    `SELECT count(*) AS one, 0 AS other
     FROM (SELECT 1 FROM site GROUP BY process_id HAVING sum(live_bytes) > sum(peak_bytes))`,
  ],
  [
    'time line <= peak, per process',
    `SELECT count(*) AS one, 0 AS other FROM memory m
     WHERE m.heap_bytes > (SELECT coalesce(sum(peak_bytes), 0) FROM site s WHERE s.process_id = m.process_id)`,
  ],
  [
    'every stack has its frames',
    `SELECT count(*) AS one, 0 AS other FROM site
     WHERE stack_id IS NOT NULL AND stack_id NOT IN (SELECT id FROM stack)`,
  ],
  [
    'a sample is never live, freed or temporary',
    `SELECT count(*) AS one, 0 AS other FROM site WHERE allocator = 'v8_sample'
     AND (live_allocations + peak_allocations + deallocations + temporary_allocations <> 0 OR allocated_bytes = 0)`,
  ],
];

export class CaptureFile {
  private readonly database: Database.Database;
  private readonly folder: string;
  private readonly framesByStack = new Map<number, FrameRow[]>();

  /** `folder` holds the target program and its own libraries. Throws if `path` is no capture. */
  constructor(path: string, folder: string) {
    this.database = new Database(path, { fileMustExist: true });
    this.folder = folder;
  }

  close(): void {
    this.database.close();
  }

  all<Row>(sql: string, ...parameters: unknown[]): Row[] {
    return this.database.prepare(sql).all(...parameters) as Row[];
  }

  rows(view: string): ViewRow[] {
    return this.all<ViewRow>(`SELECT * FROM ${view}`);
  }

  /** Rows whose innermost frame lies in the program or a library beside it. */
  ownRows(view: string): ViewRow[] {
    return this.all<ViewRow>(
      `SELECT * FROM ${view} WHERE substr(module, 1, ?) = ? AND (file IS NOT NULL OR module NOT LIKE '%static')`,
      this.folder.length + 1,
      `${this.folder}/`,
    );
  }

  /** Frames of a stack, innermost first; none for a stack that isn't known. */
  frames(stackId: number | null): FrameRow[] {
    if (stackId === null) return [];
    let frames = this.framesByStack.get(stackId);
    if (!frames) {
      frames = this.all<FrameRow>(
        `WITH RECURSIVE walk (position, node) AS (
           SELECT 0, ? UNION ALL
           SELECT position + 1, parent_id FROM walk JOIN stack ON id = node WHERE parent_id IS NOT NULL)
         SELECT position, function, file, line, path AS module, inlined
         FROM walk JOIN stack ON stack.id = node JOIN frame ON frame.id = frame_id
         LEFT JOIN module ON module.id = module_id ORDER BY position`,
        stackId,
      );
      this.framesByStack.set(stackId, frames);
    }
    return frames;
  }

  /** Blocks of sites whose innermost function is `name`, by threshold. */
  temporaries(name: string): { threshold: number; allocations: number }[] {
    return this.all(
      `SELECT threshold, sum(t.allocations) AS allocations FROM temporary t
       JOIN site s ON s.id = t.site_id JOIN stack k ON k.id = s.stack_id JOIN frame f ON f.id = k.frame_id
       WHERE f.function = ? GROUP BY threshold ORDER BY threshold`,
      name,
    );
  }

  losses(): Map<string, number> {
    return new Map(
      this.all<{ kind: string; count: number }>('SELECT kind, count FROM loss').map((row) => [row.kind, row.count]),
    );
  }

  processes(): ProcessRow[] {
    return this.all<ProcessRow>('SELECT * FROM process ORDER BY id');
  }

  /** By tid: the names that a thread had. */
  threadNames(): Map<number, Set<string>> {
    const names = new Map<number, Set<string>>();
    for (const { tid, name } of this.all<{ tid: number; name: string }>('SELECT tid, name FROM thread'))
      names.set(tid, (names.get(tid) ?? new Set()).add(name));
    return names;
  }

  meta(key: string): string | undefined {
    return this.all<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)[0]?.value;
  }

  /** Every sum that doesn't agree with another, one line each. */
  inconsistencies(): string[] {
    const found: string[] = [];
    for (const [what, sql] of CONSISTENCY) {
      const row = this.all<{ one: unknown; other: unknown }>(sql)[0]!;
      if (row.one !== row.other) found.push(`${what}: ${row.one} against ${row.other}`);
    }
    return found;
  }
}
