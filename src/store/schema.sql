-- The capture database, format 1. Columns and views are a public interface: people write SQL against them.
-- Sizes are requested bytes; times nanoseconds since the capture began; pid and tid those of the root pid namespace.

-- one fact of the capture: format_version, mp_version, mode, status, started_at, ended_at, command_line, options, …
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT
) STRICT, WITHOUT ROWID;

-- one program image; an exec ends one row and begins another with the same pid
CREATE TABLE process (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  parent_id INTEGER REFERENCES process (id),
  origin TEXT NOT NULL,          -- launch, attach, fork, exec
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER,
  exit_code INTEGER,
  exit_signal INTEGER,
  comm TEXT,
  executable TEXT,
  command_line TEXT,
  cgroup TEXT,
  runtime TEXT,
  warning TEXT                   -- what could not be probed, as a sentence
) STRICT;

-- one thread under one name
CREATE TABLE thread (
  id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL REFERENCES process (id),
  tid INTEGER NOT NULL,
  name TEXT
) STRICT;

-- one mapped ELF file
CREATE TABLE module (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  build_id TEXT
) STRICT;

-- a symbolized frame, identified by its parts
CREATE TABLE frame (
  id INTEGER PRIMARY KEY,
  function TEXT,
  file TEXT,
  line INTEGER,
  language TEXT NOT NULL,        -- native, python, javascript
  module_id INTEGER REFERENCES module (id),
  inlined INTEGER NOT NULL       -- 0, 1
) STRICT;

-- a node of the prefix tree, root first; the id of the innermost node names the whole stack
CREATE TABLE stack (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES stack (id),
  frame_id INTEGER NOT NULL REFERENCES frame (id),
  depth INTEGER NOT NULL         -- 1 at the root
) STRICT;

-- everything one stack did in one thread through one allocator function; of the allocator v8_sample: samples of what was
-- allocated in V8's heap, an estimate that is a part of no other sum (see v8_samples)
CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL REFERENCES process (id),
  thread_id INTEGER NOT NULL REFERENCES thread (id),
  allocator TEXT NOT NULL,
  stack_id INTEGER REFERENCES stack (id),   -- NULL: the stack is not known (yet)
  allocations INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL,
  deallocations INTEGER NOT NULL,
  deallocated_bytes INTEGER NOT NULL,
  peak_allocations INTEGER NOT NULL,
  peak_bytes INTEGER NOT NULL,
  live_allocations INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL,
  temporary_allocations INTEGER NOT NULL,
  temporary_bytes INTEGER NOT NULL
) STRICT;

-- a point of the time line: every 10 ms while memory changes; of what is long over in a long recording fewer, but always
-- the peak of the process
CREATE TABLE memory (
  process_id INTEGER NOT NULL REFERENCES process (id),
  time_ns INTEGER NOT NULL,
  heap_bytes INTEGER NOT NULL,
  live_allocations INTEGER NOT NULL,
  rss_bytes INTEGER
) STRICT;

-- what the resident memory of a process was used for at some moments, as the kernel counts it; all but the last two
-- columns together are rss_bytes. The first, the largest and the last moment are always there.
CREATE TABLE resident (
  process_id INTEGER NOT NULL REFERENCES process (id),
  time_ns INTEGER NOT NULL,
  rss_bytes INTEGER NOT NULL,
  v8_heap_bytes INTEGER,              -- pages of V8's heaps; NULL: no V8 that is known
  jit_code_bytes INTEGER NOT NULL,    -- executable memory that is no file's
  brk_bytes INTEGER NOT NULL,         -- [heap], which malloc takes first
  anonymous_bytes INTEGER NOT NULL,   -- other memory that is no file's: malloc's large blocks and arenas, mappings
  stack_bytes INTEGER NOT NULL,       -- of threads
  file_bytes INTEGER NOT NULL,        -- mapped files: code and data of program and libraries
  shared_bytes INTEGER NOT NULL,      -- MAP_SHARED
  untouched_bytes INTEGER NOT NULL,   -- not resident: anonymous address space reserved, not touched, or given back
  live_buffer_bytes INTEGER,          -- requested bytes of recorded Buffers and ArrayBuffers; NULL: not known
  PRIMARY KEY (process_id, time_ns)
) STRICT, WITHOUT ROWID;

-- The next four tables say what sites did in intervals of time; site_interval shows them in one. Ticks are 10 ms since the
-- capture began. meta.interval_ns is the width of an interval, meta.interval_end_ns how far they go. While the width is
-- being doubled some rows are still of narrower ones. None of them exist with --aggregate.

-- what is recorded as one: a site before its stack was named, of which several may become one
CREATE TABLE site_part (
  id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL REFERENCES process (id),
  site_id INTEGER REFERENCES site (id)  -- NULL: in no site yet
) STRICT;

-- what was allocated in the interval that begins at tick
CREATE TABLE interval_allocated (
  tick INTEGER NOT NULL,
  part_id INTEGER NOT NULL REFERENCES site_part (id),
  allocations INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  brief_allocations INTEGER NOT NULL,   -- of these, freed in the same interval; a hole in a mapping counts -1
  brief_bytes INTEGER NOT NULL,
  peak_allocations INTEGER NOT NULL,    -- live at the high watermark of the process in this interval, less what was
  peak_bytes INTEGER NOT NULL,          -- live at its beginning
  PRIMARY KEY (tick, part_id)
) STRICT, WITHOUT ROWID;

-- what was freed in the interval that begins at tick, of what was allocated in an earlier one
CREATE TABLE interval_freed (
  tick INTEGER NOT NULL,
  part_id INTEGER NOT NULL REFERENCES site_part (id),
  from_tick INTEGER NOT NULL,
  allocations INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tick, part_id, from_tick)
) STRICT, WITHOUT ROWID;

-- the high watermark of a process in the interval that begins at tick, if it did anything in it
CREATE TABLE interval_peak (
  tick INTEGER NOT NULL,
  process_id INTEGER NOT NULL REFERENCES process (id),
  bytes INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (tick, process_id)
) STRICT, WITHOUT ROWID;

-- every event, with --events: compressed columns (src/store/event-chunk.ts). `mp sql` shows them as the view events, the
-- sqlite3 shell does after `.load …/mp_events` (`mp sql --help` has the path), and `mp dump` prints them.
CREATE TABLE event_chunk (
  id INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;

-- the next three save reading events for a range of time; what they say is in the events as well

-- of a chunk of events
CREATE TABLE event_index (
  chunk_id INTEGER PRIMARY KEY REFERENCES event_chunk (id),
  last_ns INTEGER NOT NULL,      -- the latest time in it
  first_tick INTEGER NOT NULL    -- where the interval began that was open when it began
) STRICT;

-- of a process that allocated or freed in a chunk of events, or ended
CREATE TABLE event_process (
  chunk_id INTEGER NOT NULL REFERENCES event_chunk (id),
  process_id INTEGER NOT NULL REFERENCES process (id),
  peak_bytes INTEGER,            -- the most that it held; NULL: it did neither
  has_ended INTEGER NOT NULL,    -- 0, 1
  PRIMARY KEY (chunk_id, process_id)
) STRICT, WITHOUT ROWID;

-- what was live when a chunk began, which may be the next: compressed columns (src/store/checkpoint.ts)
CREATE TABLE event_checkpoint (
  chunk_id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;

-- blocks freed after exactly `threshold` other allocations of their thread, 0 to 16
CREATE TABLE temporary (
  site_id INTEGER NOT NULL REFERENCES site (id),
  threshold INTEGER NOT NULL,
  allocations INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (site_id, threshold)
) STRICT, WITHOUT ROWID;

-- classes of requested size, both ends inclusive
CREATE TABLE size_histogram (
  process_id INTEGER NOT NULL REFERENCES process (id),
  allocator TEXT NOT NULL,
  min_bytes INTEGER NOT NULL,
  max_bytes INTEGER NOT NULL,
  allocations INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (process_id, allocator, min_bytes)
) STRICT, WITHOUT ROWID;

-- of a snapshot with traces (meta.traces is 1): its live blocks
CREATE TABLE block (
  process_id INTEGER NOT NULL REFERENCES process (id),
  address INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  site_id INTEGER REFERENCES site (id),
  PRIMARY KEY (process_id, address)
) STRICT, WITHOUT ROWID;

-- of a snapshot: figures that were taken with it
CREATE TABLE metric (
  name TEXT PRIMARY KEY,
  value REAL NOT NULL,
  format TEXT NOT NULL           -- int; size: bytes; percent: a share of 1
) STRICT, WITHOUT ROWID;

-- The next four tables hold snapshots that were taken into the capture while it was recorded. CAPTURE@ID is the address of
-- one, for every command that reads a capture: a capture of that moment, of which it has all but temporary allocations,
-- size classes, intervals and single events. It takes some 30 bytes for each site that had allocated anything.
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  time_ns INTEGER NOT NULL,
  taken_at TEXT NOT NULL,        -- ISO 8601
  reason TEXT NOT NULL,          -- delay, threshold, growth, limit, signal (mp snapshot, s in mp live, SIGUSR2)
  live_allocations INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL,
  traces INTEGER NOT NULL        -- 1: with its live blocks
) STRICT;

-- the counters of `site` as they were then; of a site that has been joined with others since, the row in `site` is empty
CREATE TABLE snapshot_site (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  site_id INTEGER NOT NULL REFERENCES site (id),
  allocations INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL,
  deallocations INTEGER NOT NULL,
  deallocated_bytes INTEGER NOT NULL,
  peak_allocations INTEGER NOT NULL,
  peak_bytes INTEGER NOT NULL,
  live_allocations INTEGER NOT NULL,
  live_bytes INTEGER NOT NULL,
  PRIMARY KEY (snapshot_id, site_id)
) STRICT, WITHOUT ROWID;

-- as in `metric`
CREATE TABLE snapshot_metric (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  name TEXT NOT NULL,
  value REAL NOT NULL,
  format TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, name)
) STRICT, WITHOUT ROWID;

-- live blocks as packed columns (src/store/packed-blocks.ts), with --traces; in CAPTURE@ID they are rows of `block`
CREATE TABLE snapshot_block (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  part INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (snapshot_id, part)
) STRICT, WITHOUT ROWID;

-- what was not seen or not resolved; one row per kind, also when 0
CREATE TABLE loss (
  kind TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- ---- views ---------------------------------------------------------------------------------------------------------

-- sites with what their ids stand for: function, file, line and module of the code that called the allocator
CREATE VIEW site_place AS
  SELECT s.*, p.pid, t.tid, f.function, f.file, f.line, m.path AS module
  FROM site s
  JOIN process p ON p.id = s.process_id
  JOIN thread t ON t.id = s.thread_id
  LEFT JOIN stack k ON k.id = s.stack_id
  LEFT JOIN frame f ON f.id = k.frame_id
  LEFT JOIN module m ON m.id = f.module_id;

CREATE VIEW high_watermark AS
  SELECT process_id, pid, thread_id, tid, allocator, peak_allocations AS allocations, peak_bytes AS bytes,
         function, file, line, module, stack_id
  FROM site_place WHERE peak_allocations > 0;

CREATE VIEW leaks AS
  SELECT process_id, pid, thread_id, tid, allocator, live_allocations AS allocations, live_bytes AS bytes,
         function, file, line, module, stack_id
  FROM site_place WHERE live_allocations > 0;

CREATE VIEW temporary_allocations AS
  SELECT process_id, pid, thread_id, tid, allocator, temporary_allocations AS allocations, temporary_bytes AS bytes,
         function, file, line, module, stack_id
  FROM site_place WHERE temporary_allocations > 0;

CREATE VIEW allocations AS
  SELECT process_id, pid, thread_id, tid, allocator, allocations, allocated_bytes AS bytes,
         function, file, line, module, stack_id
  FROM site_place WHERE allocations > 0 AND allocator <> 'v8_sample';

-- samples of what JavaScript allocated in V8's heap, freed or not: `allocations` is their number, `bytes` what they stand
-- for; `function` … are those of V8's own code, JavaScript's are in stack_frame
CREATE VIEW v8_samples AS
  SELECT process_id, pid, thread_id, tid, allocator, allocations, allocated_bytes AS bytes,
         function, file, line, module, stack_id
  FROM site_place WHERE allocator = 'v8_sample';

-- blocks of a site allocated in the interval that begins at from_ns and freed in the one that begins at to_ns (NULL: not
-- freed). What munmap took from the end of a mapping is 0 blocks, a hole in one is -1: a piece more was left.
CREATE VIEW site_interval AS
  WITH
    width (ticks) AS (SELECT CAST(value AS INTEGER) / 10000000 FROM meta WHERE key = 'interval_ns'),
    cell (part_id, from_tick, to_tick, allocations, bytes) AS (
      SELECT part_id, tick, tick, brief_allocations, brief_bytes FROM interval_allocated
      UNION ALL
      SELECT part_id, tick, NULL, allocations - brief_allocations, bytes - brief_bytes FROM interval_allocated
      UNION ALL
      SELECT part_id, from_tick, tick, allocations, bytes FROM interval_freed
      UNION ALL
      SELECT part_id, from_tick, NULL, -allocations, -bytes FROM interval_freed
    )
  SELECT p.site_id, (c.from_tick - c.from_tick % w.ticks) * 10000000 AS from_ns,
         (c.to_tick - c.to_tick % w.ticks) * 10000000 AS to_ns, sum(c.allocations) AS allocations, sum(c.bytes) AS bytes
  FROM cell c JOIN width w JOIN site_part p ON p.id = c.part_id
  JOIN site s ON s.id = p.site_id AND s.allocator <> 'v8_sample'
  GROUP BY 1, 2, 3 HAVING sum(c.allocations) <> 0 OR sum(c.bytes) <> 0;

CREATE VIEW stack_frame AS
  WITH RECURSIVE walk (stack_id, position, node_id) AS (
    SELECT id, 0, id FROM stack
    UNION ALL
    SELECT w.stack_id, w.position + 1, k.parent_id FROM walk w JOIN stack k ON k.id = w.node_id
    WHERE k.parent_id IS NOT NULL
  )
  SELECT w.stack_id, w.position, f.function, f.file, f.line, f.language, m.path AS module, f.inlined
  FROM walk w
  JOIN stack k ON k.id = w.node_id
  JOIN frame f ON f.id = k.frame_id
  LEFT JOIN module m ON m.id = f.module_id;

CREATE VIEW process_summary AS
  SELECT p.id AS process_id, p.pid, p.origin, p.command_line,
         coalesce(sum(s.allocations), 0) AS allocations,
         coalesce(sum(s.allocated_bytes), 0) AS allocated_bytes,
         coalesce(sum(s.deallocations), 0) AS deallocations,
         coalesce(sum(s.peak_bytes), 0) AS peak_bytes,
         coalesce(sum(s.live_allocations), 0) AS leaked_allocations,
         coalesce(sum(s.live_bytes), 0) AS leaked_bytes,
         p.exit_code, p.exit_signal
  FROM process p LEFT JOIN site s ON s.process_id = p.id AND s.allocator <> 'v8_sample'
  GROUP BY p.id;
