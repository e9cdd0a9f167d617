/**
 * Narrows an open capture to a range of time: tables of the same names and columns, which hold what is to be said of that
 * range, stand before those of the file. Queries need not know. They are in memory and belong to the connection.
 *
 *     site         allocations, deallocations: in the range; live: allocated in it and not freed by its end; peak: live at
 *                  the range's high watermark of the process, whenever it was allocated
 *     memory       the range, beginning with the state that it begins with
 *     temporary                    allocated and freed in the range, when they are asked for; without single events: empty
 *     size_histogram, resident     are not known by time: empty
 *
 * The range begins and ends with an interval: then all of this is exact. From single events (cli/narrow.ts) any range can
 * be made two intervals, what was before and the range itself, which stand before those of the file in the same way.
 */
import { TEMPORARY_THRESHOLDS } from '../model/accounts.ts';
import { type RangeRows, TICK_NS } from '../model/intervals.ts';
import { UserError } from '../util/errors.ts';
import { type Db, hasTable } from './db.ts';

/** A range [from, to) in nanoseconds. */
export interface Window {
  fromNs: number;
  /** Infinity: to the end. */
  toNs: number;
}

/** How a capture is divided in time. */
export interface Intervals {
  widthNs: number;
  /** Up to here it is known what happened when. */
  endNs: number;
}

/**
 * @param eventsEndNs up to here single events tell what happened when; null: there are none
 * @throws UserError if the capture does not know what happened when.
 */
export function intervalsOf(db: Db, eventsEndNs: number | null = null): Intervals {
  return intervalsIn(db.all<MetaRow>('SELECT key, value FROM meta'), eventsEndNs);
}

interface MetaRow {
  key: string;
  value: string | null;
}

/** The same of the rows of `meta`. */
export function intervalsIn(rows: MetaRow[], eventsEndNs: number | null = null): Intervals {
  const meta = new Map(rows.map(({ key, value }) => [key, value ?? undefined]));
  const widthNs = Number(meta.get('interval_ns') ?? Number.NaN);
  const endNs = Number(meta.get('interval_end_ns') ?? Number.NaN);
  if (widthNs >= TICK_NS && endNs >= 0) return { widthNs, endNs };
  if (eventsEndNs !== null) return { widthNs: TICK_NS, endNs: eventsEndNs };
  const why = isAggregated(meta.get('options'))
    ? 'it was recorded with --aggregate'
    : meta.has('snapshot_at')
      ? 'it is a snapshot'
      : 'it was recorded by an earlier version of mp, or has only just begun';
  throw new UserError(
    `The capture does not know what happened when: ${why}. --from, --to and --temporal need one that does.`,
  );
}

function isAggregated(options: string | undefined): boolean {
  try {
    return JSON.parse(options ?? '{}').aggregate === true;
  } catch {
    return false;
  }
}

/** Where the high watermark of every part's process is: in this interval. -1: the process had ended. */
const PARTS = `
  INSERT INTO temp.window_part
  SELECT p.id, p.site_id, coalesce(k.tick, iif(r.ended_ns < :from_ns, -1, :from)) AS peak_tick
  FROM site_part p JOIN process r ON r.id = p.process_id
  LEFT JOIN (
    SELECT process_id, tick FROM (
      SELECT process_id, tick, row_number() OVER (PARTITION BY process_id ORDER BY bytes DESC, tick DESC) AS rank
      FROM interval_peak WHERE tick >= :from AND tick < :to)
    WHERE rank = 1) k ON k.process_id = p.process_id
  WHERE p.site_id IS NOT NULL`;

const COUNTERS = [
  'allocations',
  'allocated_bytes',
  'deallocations',
  'deallocated_bytes',
  'peak_allocations',
  'peak_bytes',
  'live_allocations',
  'live_bytes',
] as const;

const SITES = `
  INSERT INTO temp.site
  SELECT s.id, s.process_id, s.thread_id, s.allocator, s.stack_id, ${COUNTERS.map((name) => `w.${name}`).join(', ')},
         0 AS temporary_allocations, 0 AS temporary_bytes
  FROM (
    SELECT site_id, ${COUNTERS.map((name) => `sum(${name}) AS ${name}`).join(', ')} FROM (
      SELECT p.site_id,
             iif(i.tick >= :from, i.allocations, 0) AS allocations,
             iif(i.tick >= :from, i.bytes, 0) AS allocated_bytes,
             iif(i.tick >= :from, i.brief_allocations, 0) AS deallocations,
             iif(i.tick >= :from, i.brief_bytes, 0) AS deallocated_bytes,
             CASE WHEN i.tick < p.peak_tick THEN i.allocations - i.brief_allocations
                  WHEN i.tick = p.peak_tick THEN i.peak_allocations ELSE 0 END AS peak_allocations,
             CASE WHEN i.tick < p.peak_tick THEN i.bytes - i.brief_bytes
                  WHEN i.tick = p.peak_tick THEN i.peak_bytes ELSE 0 END AS peak_bytes,
             iif(i.tick >= :from, i.allocations - i.brief_allocations, 0) AS live_allocations,
             iif(i.tick >= :from, i.bytes - i.brief_bytes, 0) AS live_bytes
      FROM interval_allocated i JOIN window_part p ON p.id = i.part_id WHERE i.tick < :to
      UNION ALL
      SELECT p.site_id, 0, 0,
             iif(f.tick >= :from, f.allocations, 0),
             iif(f.tick >= :from, f.bytes, 0),
             iif(f.tick < p.peak_tick, -f.allocations, 0),
             iif(f.tick < p.peak_tick, -f.bytes, 0),
             iif(f.from_tick >= :from, -f.allocations, 0),
             iif(f.from_tick >= :from, -f.bytes, 0)
      FROM interval_freed f JOIN window_part p ON p.id = f.part_id WHERE f.tick < :to)
    GROUP BY site_id) w
  JOIN main.site s ON s.id = w.site_id
  WHERE w.allocations <> 0 OR w.deallocations <> 0 OR w.deallocated_bytes <> 0 OR w.peak_allocations <> 0
     OR w.live_allocations <> 0`;

/** Samples are never live. */
const SAMPLES = `
  UPDATE temp.site SET deallocations = 0, deallocated_bytes = 0, peak_allocations = 0, peak_bytes = 0,
    live_allocations = 0, live_bytes = 0 WHERE allocator = 'v8_sample'`;

/** Of each process the last point before the range stands at its beginning. */
const MEMORY = `
  CREATE TEMP TABLE memory AS
  SELECT process_id, :from_ns AS time_ns, heap_bytes, live_allocations, rss_bytes FROM (
    SELECT m.*, max(m.time_ns) FROM main.memory m JOIN process p ON p.id = m.process_id
    WHERE m.time_ns < :from_ns AND (p.ended_ns IS NULL OR p.ended_ns >= :from_ns) GROUP BY m.process_id)
  UNION ALL
  SELECT * FROM main.memory WHERE time_ns >= :from_ns AND time_ns < :to_ns`;

const BY_TIME = ['interval_allocated', 'interval_freed', 'interval_peak'] as const;

/** To be called once for a connection. The range must begin and end with an interval. */
export function narrow(db: Db, window: Window): void {
  const endTick = Math.ceil(Math.min(window.toNs, Number.MAX_SAFE_INTEGER) / TICK_NS);
  hideTables(db, ['temporary', 'size_histogram', 'resident']);
  narrowTables(db, window, { from: window.fromNs / TICK_NS, to: endTick });
}

/** The same for any range. `rows` are those of that range; their sites are those of the pipeline. */
export function narrowToRows(db: Db, window: Window, rows: RangeRows): void {
  hideTables(db, [...BY_TIME, 'temporary', 'size_histogram', 'resident']);
  const inserts = BY_TIME.map((table) => db.prepare(`INSERT INTO temp.${table} VALUES (${valuesOf(db, table)})`));
  for (const [tick, site, ...numbers] of rows.sites) inserts[0]!.run([tick, site! + 1, ...numbers]);
  for (const [tick, site, ...numbers] of rows.frees) inserts[1]!.run([tick, site! + 1, ...numbers]);
  for (const [tick, process, ...numbers] of rows.peaks) inserts[2]!.run([tick, process! + 1, ...numbers]);
  narrowTables(db, window, { from: 1, to: 2 });
}

/** Puts temporary allocations (site, number of other allocations, blocks, bytes) before those of the file. */
export function replaceTemporaries(db: Db, temporaries: readonly number[][], threshold: number): void {
  db.exec('DROP TABLE IF EXISTS temp.temporary');
  hideTables(db, ['temporary']);
  db.exec('CREATE TEMP TABLE part_temporary (part_id INTEGER, threshold INTEGER, allocations INTEGER, bytes INTEGER)');
  const insert = db.prepare('INSERT INTO temp.part_temporary VALUES (?, ?, ?, ?)');
  for (const [site, distance, blocks, bytes] of temporaries)
    insert.run([site! + 1, distance! < TEMPORARY_THRESHOLDS ? distance : threshold, blocks, bytes]);
  db.exec(`
    INSERT INTO temp.temporary
    SELECT p.site_id, t.threshold, sum(t.allocations), sum(t.bytes)
    FROM temp.part_temporary t JOIN site_part p ON p.id = t.part_id WHERE p.site_id IS NOT NULL GROUP BY 1, 2`);
}

function narrowTables(db: Db, { fromNs, toNs }: Window, ticks: { from: number; to: number }): void {
  const times = { from_ns: fromNs, to_ns: Math.min(toNs, Number.MAX_SAFE_INTEGER) };
  db.exec('CREATE TEMP TABLE window_part (id INTEGER PRIMARY KEY, site_id INTEGER, peak_tick INTEGER)');
  db.run(PARTS, { ...ticks, from_ns: fromNs });
  // The sites of the capture have ids that are their rowids as well.
  db.exec(`CREATE TEMP TABLE site (id INTEGER PRIMARY KEY, process_id, thread_id, allocator, stack_id,
    ${COUNTERS.join(', ')}, temporary_allocations, temporary_bytes)`);
  db.run(SITES, ticks);
  db.exec(SAMPLES);
  db.run(MEMORY, times);
}

/** Puts empty tables before those of the file. */
function hideTables(db: Db, tables: readonly string[]): void {
  db.exec('PRAGMA temp_store = MEMORY');
  for (const table of tables)
    if (hasTable(db, table)) db.exec(`CREATE TEMP TABLE ${table} AS SELECT * FROM main.${table} LIMIT 0`);
}

function valuesOf(db: Db, table: string): string {
  return db
    .prepare(`SELECT * FROM temp.${table}`)
    .columns()
    .map(() => '?')
    .join(', ');
}
