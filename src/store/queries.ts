/** Every statement of the writer. Inserts can be repeated: a commit that failed is done again as a whole. */

export const SET_META = 'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value';

export const PUT_PROCESS = `
  INSERT INTO process (id, pid, parent_id, origin, started_ns, comm, executable, command_line, cgroup, runtime, warning)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    comm = excluded.comm, executable = excluded.executable, command_line = excluded.command_line,
    cgroup = excluded.cgroup, runtime = excluded.runtime, warning = excluded.warning`;

export const END_PROCESS = 'UPDATE process SET ended_ns = ?, exit_code = ?, exit_signal = ? WHERE id = ?';

export const PUT_THREAD = 'INSERT OR REPLACE INTO thread (id, process_id, tid, name) VALUES (?, ?, ?, ?)';

export const PUT_MODULE = 'INSERT OR REPLACE INTO module (id, path, build_id) VALUES (?, ?, ?)';

export const PUT_FRAME = `
  INSERT INTO frame (id, function, file, line, language, module_id, inlined) VALUES (?, ?, ?, ?, ?, ?, ?)`;

export const PUT_STACK = 'INSERT INTO stack (id, parent_id, frame_id, depth) VALUES (?, ?, ?, ?)';

export const SITE_COLUMNS = 15;

export const putSites = (values: string) => `
  INSERT INTO site (
    id, process_id, thread_id, allocator, stack_id, allocations, allocated_bytes, deallocations, deallocated_bytes,
    peak_allocations, peak_bytes, live_allocations, live_bytes, temporary_allocations, temporary_bytes)
  VALUES ${values}
  ON CONFLICT DO UPDATE SET
    allocations = excluded.allocations, allocated_bytes = excluded.allocated_bytes,
    deallocations = excluded.deallocations, deallocated_bytes = excluded.deallocated_bytes,
    peak_allocations = excluded.peak_allocations, peak_bytes = excluded.peak_bytes,
    live_allocations = excluded.live_allocations, live_bytes = excluded.live_bytes,
    temporary_allocations = excluded.temporary_allocations, temporary_bytes = excluded.temporary_bytes`;

export const DELETE_SITE = 'DELETE FROM site WHERE id = ?';

export const EMPTY_SITE = `
  UPDATE site SET allocations = 0, allocated_bytes = 0, deallocations = 0, deallocated_bytes = 0, peak_allocations = 0,
    peak_bytes = 0, live_allocations = 0, live_bytes = 0, temporary_allocations = 0, temporary_bytes = 0 WHERE id = ?`;

export const TEMPORARY_COLUMNS = 4;

export const putTemporaries = (values: string) =>
  `INSERT OR REPLACE INTO temporary (site_id, threshold, allocations, bytes) VALUES ${values}`;

export const DELETE_TEMPORARIES = 'DELETE FROM temporary WHERE site_id = ?';

export const PUT_MEMORY = `
  INSERT INTO memory (process_id, time_ns, heap_bytes, live_allocations, rss_bytes) VALUES (?, ?, ?, ?, ?)`;

export const NEXT_MEMORY = `
  SELECT rowid, process_id, time_ns, heap_bytes FROM memory WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?`;

export const REMOVE_MEMORY = 'DELETE FROM memory WHERE rowid = ?';

export const DELETE_RESIDENTS = 'DELETE FROM resident WHERE process_id = ?';

export const PUT_RESIDENT = `
  INSERT OR REPLACE INTO resident (
    process_id, time_ns, rss_bytes, v8_heap_bytes, jit_code_bytes, brk_bytes, anonymous_bytes, stack_bytes, file_bytes,
    shared_bytes, untouched_bytes, live_buffer_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export const ADD_SIZES = `
  INSERT INTO size_histogram (process_id, allocator, min_bytes, max_bytes, allocations, bytes)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET allocations = allocations + excluded.allocations, bytes = bytes + excluded.bytes`;

export const PUT_LOSS = 'INSERT INTO loss (kind, count) VALUES (?, ?) ON CONFLICT DO UPDATE SET count = excluded.count';

export const PUT_PART = 'INSERT OR REPLACE INTO site_part (id, process_id, site_id) VALUES (?, ?, ?)';

export const PUT_PART_WITHOUT_SITE = 'INSERT OR IGNORE INTO site_part (id, process_id) VALUES (?, ?)';

export const PUT_ALLOCATED = `
  INSERT INTO interval_allocated (
    tick, part_id, allocations, bytes, brief_allocations, brief_bytes, peak_allocations, peak_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

export const PUT_FREED = `
  INSERT INTO interval_freed (tick, part_id, from_tick, allocations, bytes) VALUES (?, ?, ?, ?, ?)`;

export const PUT_EVENTS = 'INSERT INTO event_chunk (id, count, data) VALUES (?, ?, ?)';

export const PUT_EVENT_INDEX = 'INSERT INTO event_index (chunk_id, last_ns, first_tick) VALUES (?, ?, ?)';

export const PUT_EVENT_PROCESS = `
  INSERT INTO event_process (chunk_id, process_id, peak_bytes, has_ended) VALUES (?, ?, ?, ?)`;

export const PUT_CHECKPOINT = 'INSERT INTO event_checkpoint (chunk_id, data) VALUES (?, ?)';

export const PUT_PEAK = 'INSERT INTO interval_peak (tick, process_id, bytes, time_ns) VALUES (?, ?, ?, ?)';
