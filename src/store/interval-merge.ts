/** Adds up the rows of narrow intervals that lie in one wider one. */

import type { Db } from './db.ts';

/**
 * The interval of a high watermark is, of those that are put together, the one with the most bytes; the later of two
 * equal ones. What a site held then, less what it held at the beginning of all of them, is what it gained in the
 * intervals before and its part in this one.
 */
const FIND_PEAKS = `
  INSERT INTO temp.merged_peak (tick, process_id, bytes, time_ns, peak_tick)
  SELECT group_tick, process_id, bytes, time_ns, tick FROM (
    SELECT tick - tick % :width AS group_tick, process_id, bytes, time_ns, tick,
           row_number() OVER (PARTITION BY tick - tick % :width, process_id ORDER BY bytes DESC, tick DESC) AS rank
    FROM interval_peak WHERE tick >= :from AND tick < :to)
  WHERE rank = 1`;

const ADD_ALLOCATED = `
  INSERT INTO temp.merged_allocated
  SELECT group_tick, part_id, sum(allocations), sum(bytes), sum(brief_allocations), sum(brief_bytes),
         sum(peak_allocations), sum(peak_bytes)
  FROM (
    SELECT i.tick - i.tick % :width AS group_tick, i.part_id, i.allocations, i.bytes, i.brief_allocations, i.brief_bytes,
           CASE WHEN i.tick < k.peak_tick THEN i.allocations - i.brief_allocations
                WHEN i.tick = k.peak_tick THEN i.peak_allocations ELSE 0 END AS peak_allocations,
           CASE WHEN i.tick < k.peak_tick THEN i.bytes - i.brief_bytes
                WHEN i.tick = k.peak_tick THEN i.peak_bytes ELSE 0 END AS peak_bytes
    FROM interval_allocated i JOIN site_part p ON p.id = i.part_id
    LEFT JOIN temp.merged_peak k ON k.tick = i.tick - i.tick % :width AND k.process_id = p.process_id
    WHERE i.tick >= :from AND i.tick < :to
    UNION ALL
    SELECT f.tick - f.tick % :width, f.part_id, 0, 0,
           iif(f.from_tick >= f.tick - f.tick % :width, f.allocations, 0),
           iif(f.from_tick >= f.tick - f.tick % :width, f.bytes, 0),
           iif(f.tick < k.peak_tick, -f.allocations, 0), iif(f.tick < k.peak_tick, -f.bytes, 0)
    FROM interval_freed f JOIN site_part p ON p.id = f.part_id
    LEFT JOIN temp.merged_peak k ON k.tick = f.tick - f.tick % :width AND k.process_id = p.process_id
    WHERE f.tick >= :from AND f.tick < :to)
  GROUP BY group_tick, part_id
  HAVING sum(allocations) <> 0 OR sum(brief_allocations) <> 0 OR sum(brief_bytes) <> 0
      OR sum(peak_allocations) <> 0 OR sum(peak_bytes) <> 0`;

const ADD_FREED = `
  INSERT INTO temp.merged_freed
  SELECT tick - tick % :width, part_id, from_tick - from_tick % :width, sum(allocations), sum(bytes)
  FROM interval_freed WHERE tick >= :from AND tick < :to AND from_tick < tick - tick % :width
  GROUP BY 1, 2, 3 HAVING sum(allocations) <> 0 OR sum(bytes) <> 0`;

const TABLES: Record<string, string> = {
  interval_allocated: 'merged_allocated',
  interval_freed: 'merged_freed',
  interval_peak: 'merged_peak',
};

/** Makes what `mergeRange` needs in this connection. */
export function prepare(db: Db): void {
  db.run('CREATE TEMP TABLE IF NOT EXISTS merged_allocated AS SELECT * FROM main.interval_allocated LIMIT 0');
  db.run('CREATE TEMP TABLE IF NOT EXISTS merged_freed AS SELECT * FROM main.interval_freed LIMIT 0');
  db.run(`CREATE TEMP TABLE IF NOT EXISTS merged_peak (tick INTEGER, process_id INTEGER, bytes INTEGER, time_ns INTEGER,
    peak_tick INTEGER, PRIMARY KEY (tick, process_id)) WITHOUT ROWID`);
}

/** Puts the rows of [from, to) together, whose ends are multiples of `width`. Returns how many rows there are more. */
export function mergeRange(db: Db, from: number, to: number, width: number): number {
  db.run(FIND_PEAKS, { from, to, width });
  db.run(ADD_ALLOCATED, { from, to, width });
  db.run(ADD_FREED, { from, to, width });
  let difference = 0;
  for (const [table, merged] of Object.entries(TABLES)) {
    difference -= db.run(`DELETE FROM ${table} WHERE tick >= ? AND tick < ?`, [from, to]);
    const columns = table === 'interval_peak' ? 'tick, process_id, bytes, time_ns' : '*';
    difference += db.run(`INSERT INTO ${table} SELECT ${columns} FROM temp.${merged}`);
    db.run(`DELETE FROM temp.${merged}`);
  }
  return difference;
}

/** The end of a range from `from` on that holds about `rows` rows of each of the large tables; a multiple of `width`. */
export function nextEnd(db: Db, from: number, rows: number, width: number): number {
  const ends = ['interval_allocated', 'interval_freed'].map((table) => {
    const next = `SELECT tick FROM ${table} WHERE tick >= ? ORDER BY tick LIMIT 1 OFFSET ?`;
    return db.get<{ tick: number }>(next, [from, rows])?.tick ?? Infinity;
  });
  return Math.max(from + width, Math.ceil(Math.min(...ends) / width) * width);
}
