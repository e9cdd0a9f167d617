/**
 * The queries of the reports, by name. They read the tables directly: the views join frames that a report already has.
 * `report/source.ts` states the rows; every query takes the same parameters, so that one binding serves all.
 */
import { UserError } from '../util/errors.ts';
import { type BulkQuery, bulkColumns, bulkRows } from './bulk-read.ts';
import { type Db, hasTable, type Params } from './db.ts';

const DEFAULTS = { pid: null, tid: null, threshold: 1, first: Number.MIN_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER };

/** Samples are a part of no other sum. */
const IS_SAMPLE = "s.allocator = 'v8_sample'";

/** Rows of the processes and threads that were asked for; needs `site s`, `process p` and `thread t`. */
const SELECTED = `(:pid IS NULL OR p.pid = :pid) AND (:tid IS NULL OR t.tid = :tid)
  AND s.id BETWEEN :first AND :last`;
const SITE = 'site s JOIN process p ON p.id = s.process_id JOIN thread t ON t.id = s.thread_id';
const TEMPORARY = `SELECT site_id, sum(allocations) AS allocations, sum(bytes) AS bytes
  FROM temporary WHERE threshold <= :threshold AND site_id BETWEEN :first AND :last GROUP BY site_id`;

function sites(allocations: string, bytes: string, which = `NOT ${IS_SAMPLE}`): string {
  return `SELECT s.process_id, s.thread_id, s.allocator, s.stack_id, s.${allocations} AS allocations, s.${bytes} AS bytes
    FROM ${SITE} WHERE s.${allocations} > 0 AND ${which} AND ${SELECTED}`;
}

/** Of queries that are answered in parts, by the ids in these tables. */
const LARGE_TABLES = {
  frames: 'frame',
  stacks: 'stack',
  sites_high_watermark: 'site',
  sites_leaks: 'site',
  sites_allocations: 'site',
  sites_v8_samples: 'site',
  sites_temporary_allocations: 'site',
  sites_all_views: 'site',
} as const;

type LargeQuery = keyof typeof LARGE_TABLES;

const isLarge = (query: QueryName): query is LargeQuery => Object.hasOwn(LARGE_TABLES, query);

/** Tables that captures of earlier versions lack; they are empty then. */
const LATER_TABLES: Partial<Record<string, string>> = {
  residents: 'resident',
  blocks: 'block',
  metrics: 'metric',
  snapshots: 'snapshot',
};

const QUERIES = {
  meta: 'SELECT key, value FROM meta ORDER BY key',
  processes: `SELECT id, pid, parent_id, origin, started_ns, ended_ns, exit_code, exit_signal, comm, executable,
      command_line, cgroup, runtime, warning
    FROM process ORDER BY started_ns, id`,
  process_totals: `SELECT s.process_id, sum(s.allocations) AS allocations, sum(s.allocated_bytes) AS allocated_bytes,
      sum(s.deallocations) AS deallocations, sum(s.peak_bytes) AS peak_bytes,
      sum(s.live_allocations) AS live_allocations, sum(s.live_bytes) AS live_bytes
    FROM site s WHERE NOT ${IS_SAMPLE} GROUP BY s.process_id`,
  threads: 'SELECT id, process_id, tid, name FROM thread ORDER BY id',
  losses: 'SELECT kind, count FROM loss ORDER BY kind',
  frame_modules: `SELECT f.id AS frame_id, m.id AS module_id, m.path, m.build_id
    FROM frame f JOIN module m ON m.id = f.module_id`,
  frames: `SELECT f.id, f.function, f.file, f.line, f.language, m.path AS module, f.inlined
    FROM frame f LEFT JOIN module m ON m.id = f.module_id WHERE f.id BETWEEN :first AND :last ORDER BY f.id`,
  stacks: 'SELECT id, parent_id, frame_id, depth FROM stack WHERE id BETWEEN :first AND :last',
  last_time: `SELECT max(coalesce((SELECT max(time_ns) FROM main.memory), 0), coalesce((SELECT max(ended_ns) FROM process), 0))
    AS time_ns`,
  sites_high_watermark: sites('peak_allocations', 'peak_bytes'),
  sites_leaks: sites('live_allocations', 'live_bytes'),
  sites_allocations: sites('allocations', 'allocated_bytes'),
  sites_v8_samples: sites('allocations', 'allocated_bytes', IS_SAMPLE),
  sites_temporary_allocations: `SELECT s.process_id, s.thread_id, s.allocator, s.stack_id, x.allocations, x.bytes
    FROM (${TEMPORARY}) x JOIN ${SITE.replace('site s', 'site s ON s.id = x.site_id')}
    WHERE x.allocations > 0 AND ${SELECTED}`,
  sites_all_views: `SELECT s.id, s.process_id, s.thread_id, s.allocator, s.stack_id, s.peak_allocations, s.peak_bytes,
      s.live_allocations, s.live_bytes, coalesce(x.allocations, 0) AS temporary_allocations, coalesce(x.bytes, 0) AS temporary_bytes,
      iif(${IS_SAMPLE}, 0, s.allocations) AS allocations, iif(${IS_SAMPLE}, 0, s.allocated_bytes) AS allocated_bytes,
      iif(${IS_SAMPLE}, s.allocations, 0) AS sample_allocations, iif(${IS_SAMPLE}, s.allocated_bytes, 0) AS sample_bytes
    FROM ${SITE} LEFT JOIN (${TEMPORARY}) x ON x.site_id = s.id WHERE s.allocations > 0 AND ${SELECTED}`,
  memory: `SELECT m.process_id, m.time_ns, m.heap_bytes, m.live_allocations, m.rss_bytes
    FROM memory m JOIN process p ON p.id = m.process_id WHERE :pid IS NULL OR p.pid = :pid ORDER BY m.time_ns`,
  intervals_allocated: `SELECT i.tick, p.site_id, i.allocations, i.bytes, i.brief_allocations, i.brief_bytes,
      i.peak_allocations, i.peak_bytes
    FROM interval_allocated i JOIN site_part p ON p.id = i.part_id WHERE p.site_id IS NOT NULL ORDER BY i.tick`,
  intervals_freed: `SELECT i.tick, p.site_id, i.from_tick, i.allocations, i.bytes
    FROM interval_freed i JOIN site_part p ON p.id = i.part_id WHERE p.site_id IS NOT NULL ORDER BY i.tick`,
  v8_sample_sites: `SELECT id FROM site s WHERE ${IS_SAMPLE}`,
  interval_peaks: 'SELECT tick, process_id, bytes FROM interval_peak ORDER BY tick',
  residents: `SELECT r.*, p.pid, coalesce(m.rss_bytes, 0) AS largest_rss_bytes
    FROM resident r JOIN process p ON p.id = r.process_id
    LEFT JOIN (SELECT process_id, max(rss_bytes) AS rss_bytes FROM memory GROUP BY process_id) m
      ON m.process_id = r.process_id
    WHERE :pid IS NULL OR p.pid = :pid ORDER BY r.process_id, r.time_ns`,
  blocks: `SELECT b.process_id, p.pid, b.address, b.bytes, s.stack_id
    FROM block b JOIN process p ON p.id = b.process_id LEFT JOIN site s ON s.id = b.site_id`,
  metrics: 'SELECT name, value, format FROM metric',
  snapshots: 'SELECT id, time_ns, taken_at, reason, live_allocations, live_bytes, traces FROM snapshot ORDER BY id',
  size_classes: `SELECT h.min_bytes, h.max_bytes, sum(h.allocations) AS allocations, sum(h.bytes) AS bytes
    FROM size_histogram h JOIN process p ON p.id = h.process_id WHERE :pid IS NULL OR p.pid = :pid
    GROUP BY h.min_bytes, h.max_bytes ORDER BY h.min_bytes`,
} as const;

export type QueryName = keyof typeof QUERIES;

/**
 * Answers the named queries from one open capture; see `report/source.ts`. Use it inside `db.transaction`, so that a
 * capture that is being recorded does not change under a report.
 */
export class Reader {
  readonly #db: Db;
  readonly #hasTemporaries: boolean;
  #countTemporaries: (() => void) | null;

  /**
   * `hasTemporaries`: false if it is narrowed to a range of time whose temporary allocations are not known.
   * `countTemporaries` fills their table; it is called before they are read for the first time.
   */
  constructor(
    db: Db,
    {
      hasTemporaries = true,
      countTemporaries,
    }: { hasTemporaries?: boolean; countTemporaries?: (() => void) | undefined } = {},
  ) {
    this.#db = db;
    this.#hasTemporaries = hasTemporaries;
    this.#countTemporaries = countTemporaries ?? null;
  }

  all<Row>(query: QueryName, parameters: object = {}): Row[] {
    const { sql, params } = bound(query, parameters);
    return this.#has(query) ? this.#db.all<Row>(sql, params) : [];
  }

  iterate<Row>(query: QueryName, parameters: object = {}): Iterable<Row> {
    if (isLarge(query)) return bulkRows<Row>(...this.#bulk(query, parameters));
    const { sql, params } = bound(query, parameters);
    return this.#has(query) ? this.#db.iterate<Row>(sql, params) : [];
  }

  columns<Columns>(query: LargeQuery, fields: readonly string[], parameters: object = {}): Iterable<Columns> {
    return bulkColumns<Columns>(...this.#bulk(query, parameters), fields);
  }

  #bulk(query: LargeQuery, parameters: object): BulkQuery {
    this.#has(query);
    const { sql, params } = bound(query, parameters);
    const { first: _first, last: _last, ...own } = params as Record<string, unknown>;
    return [this.#db, LARGE_TABLES[query], sql, own];
  }

  #has(query: QueryName): boolean {
    if (!this.#hasTemporaries && query === 'sites_temporary_allocations') {
      throw new UserError(
        'Temporary allocations are not known by time: leave out --from and --to, or record with --events.',
      );
    }
    if (query === 'sites_temporary_allocations' && this.#isInnerSnapshot())
      throw new UserError(
        'A snapshot inside a capture has no temporary allocations: take one into a file, with mp snapshot -o FILE.',
      );
    if (QUERIES[query].includes(TEMPORARY)) {
      const count = this.#countTemporaries;
      this.#countTemporaries = null;
      count?.();
    }
    const table = LATER_TABLES[query];
    if (table === undefined) return true;
    return hasTable(this.#db, table);
  }

  #isInnerSnapshot(): boolean {
    return this.#db.get("SELECT 1 AS found FROM meta WHERE key = 'snapshot'") !== undefined;
  }
}

/** SQLite refuses a parameter that a statement does not name. */
function bound(query: QueryName, parameters: object): { sql: string; params: Params } {
  const sql = QUERIES[query];
  const used = Object.entries({ ...DEFAULTS, ...parameters }).filter(([name]) => sql.includes(`:${name}`));
  return { sql, params: used.length > 0 ? Object.fromEntries(used) : [] };
}
