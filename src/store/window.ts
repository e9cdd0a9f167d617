/**
 * Narrows an open capture to a range of time: tables of the same names and columns, which hold what is to be said of that
 * range, stand before those of the file. Queries need not know. They are in memory and belong to the connection.
 *
 *     site         allocations, deallocations: in the range; live: allocated in it and not freed by its end; peak: live at
 *                  the range's high watermark of the process, whenever it was allocated
 *     memory       the range, beginning with the state that it begins with
 *     temporary, size_histogram, resident    are not known by time: empty
 *
 * The range begins and ends with an interval: then all of this is exact.
 */
import { TICK_NS } from '../model/intervals.ts';
import { UserError } from '../util/errors.ts';
import { type Db, hasTable } from './db.ts';

/** A range [from, to) in nanoseconds, which begins and ends with an interval. */
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

/** @throws UserError if the capture does not know what happened when. */
export function intervalsOf(db: Db): Intervals {
  const meta = new Map(
    db.all<{ key: string; value: string }>('SELECT key, value FROM meta').map((r) => [r.key, r.value]),
  );
  const widthNs = Number(meta.get('interval_ns') ?? Number.NaN);
  const endNs = Number(meta.get('interval_end_ns') ?? Number.NaN);
  if (widthNs >= TICK_NS && endNs >= 0) return { widthNs, endNs };
  const why = isAggregated(meta.get('options'))
    ? 'it was recorded with --aggregate'
    : 'it was recorded by an earlier version of mp, or has only just begun';
  throw new UserError(`The capture does not know what happened when: ${why}. --from and --to need one that does.`);
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
  SELECT p.id, p.site_id, coalesce(k.tick, iif(r.ended_ns < :from * ${TICK_NS}, -1, :from)) AS peak_tick
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
  CREATE TEMP TABLE site AS
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
  SELECT process_id, :from AS time_ns, heap_bytes, live_allocations, rss_bytes FROM (
    SELECT m.*, max(m.time_ns) FROM main.memory m JOIN process p ON p.id = m.process_id
    WHERE m.time_ns < :from AND (p.ended_ns IS NULL OR p.ended_ns >= :from) GROUP BY m.process_id)
  UNION ALL
  SELECT * FROM main.memory WHERE time_ns >= :from AND time_ns < :to`;

/** To be called once for a connection. */
export function narrow(db: Db, { fromNs, toNs }: Window): void {
  const end = Math.min(toNs, Number.MAX_SAFE_INTEGER);
  const range = { from: fromNs / TICK_NS, to: Math.ceil(end / TICK_NS) };
  db.exec('PRAGMA temp_store = MEMORY');
  db.exec('CREATE TEMP TABLE window_part (id INTEGER PRIMARY KEY, site_id INTEGER, peak_tick INTEGER)');
  db.run(PARTS, range);
  db.run(SITES, range);
  db.exec(SAMPLES);
  db.run(MEMORY, { from: fromNs, to: end });
  for (const table of ['temporary', 'size_histogram', 'resident']) {
    if (hasTable(db, table)) db.exec(`CREATE TEMP TABLE ${table} AS SELECT * FROM main.${table} LIMIT 0`);
  }
}
