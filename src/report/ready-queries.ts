/**
 * Queries over a capture that are ready to be run, and to be changed: `mp info --sql` and `.examples` of `mp sql` show them.
 * Times in them are those of a second; sizes are bytes.
 */

export interface ReadyQuery {
  title: string;
  sql: string;
}

export const READY_QUERIES: readonly ReadyQuery[] = [
  {
    title: 'The functions that leaked most',
    sql: `SELECT function, file, line, sum(allocations) AS allocations, sum(bytes) AS bytes
FROM leaks GROUP BY function, file, line ORDER BY bytes DESC LIMIT 10;`,
  },
  {
    title: 'The modules that leaked most',
    sql: `SELECT module, sum(allocations) AS allocations, sum(bytes) AS bytes
FROM leaks GROUP BY module ORDER BY bytes DESC LIMIT 10;`,
  },
  {
    title: 'The stack of the biggest leak, innermost frame first',
    sql: `SELECT position, function, file, line, module FROM stack_frame
WHERE stack_id = (SELECT stack_id FROM leaks ORDER BY bytes DESC LIMIT 1) ORDER BY position;`,
  },
  {
    title: 'The threads with most at the high watermark',
    sql: `SELECT h.pid, h.tid, t.name, sum(h.allocations) AS allocations, sum(h.bytes) AS bytes
FROM high_watermark h JOIN thread t ON t.id = h.thread_id GROUP BY h.thread_id ORDER BY bytes DESC LIMIT 10;`,
  },
  {
    title: 'Growth from 1 s to 2 s: what was live at the second and not at the first, less what was freed',
    sql: `SELECT s.function, s.line, sum(i.bytes * ((i.from_ns < 2e9 AND (i.to_ns IS NULL OR i.to_ns >= 2e9))
                                 - (i.from_ns < 1e9 AND (i.to_ns IS NULL OR i.to_ns >= 1e9)))) AS growth_bytes
FROM site_interval i JOIN site_place s ON s.id = i.site_id
GROUP BY 1, 2 HAVING growth_bytes <> 0 ORDER BY growth_bytes DESC LIMIT 10;`,
  },
  {
    title: 'Lifetime of the blocks of each function, in seconds, of those that were freed',
    sql: `SELECT s.function, s.line, sum(i.allocations) AS freed,
       sum(i.allocations * (i.to_ns - i.from_ns)) / 1e9 / sum(i.allocations) AS mean_seconds,
       max(i.to_ns - i.from_ns) / 1e9 AS longest_seconds
FROM site_interval i JOIN site_place s ON s.id = i.site_id
WHERE i.to_ns IS NOT NULL AND i.allocations > 0 GROUP BY 1, 2 ORDER BY mean_seconds DESC LIMIT 10;`,
  },
  {
    title: 'What is freed at once: temporary allocations by function',
    sql: `SELECT function, line, sum(allocations) AS allocations, sum(bytes) AS bytes
FROM temporary_allocations GROUP BY function, line ORDER BY allocations DESC LIMIT 10;`,
  },
  {
    title: 'Sizes of what was allocated',
    sql: `SELECT min_bytes, max_bytes, sum(allocations) AS allocations, sum(bytes) AS bytes
FROM size_histogram GROUP BY min_bytes, max_bytes ORDER BY min_bytes;`,
  },
  {
    title: 'The peak of each process, and when it was',
    sql: `SELECT p.pid, p.comm, max(m.heap_bytes) AS heap_bytes, m.time_ns / 1e9 AS seconds
FROM memory m JOIN process p ON p.id = m.process_id GROUP BY m.process_id ORDER BY heap_bytes DESC;`,
  },
  {
    title: 'Functions in whose stacks most was allocated, each counted once for a stack',
    sql: `SELECT f.function, sum(a.bytes) AS bytes, sum(a.allocations) AS allocations FROM allocations a
JOIN (SELECT DISTINCT stack_id, function FROM stack_frame) f ON f.stack_id = a.stack_id
GROUP BY f.function ORDER BY bytes DESC LIMIT 10;`,
  },
  {
    title: 'What was lost',
    sql: 'SELECT kind, count FROM loss WHERE count > 0 ORDER BY count DESC;',
  },
];

/** As a script of SQL: titles are comments. */
export function readyQueriesText(): string {
  return READY_QUERIES.map(({ title, sql }) => `-- ${title}\n${sql}\n`).join('\n');
}
