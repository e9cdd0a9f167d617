// The single events of a capture as a table of SQLite: an extension for the sqlite3 shell and other clients than mp.
//
//   .load /usr/local/lib/mp/build/mp_events
//   SELECT operation, count(*), sum(size) FROM events GROUP BY operation;
//
// The columns are those of src/store/events.ts. The file may come from anybody: nothing in it is relied upon.

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include <algorithm>
#include <new>

#include "bpf/mp.h"
#include "event_decoder.h"

namespace {

constexpr char kSchema[] =
    "CREATE TABLE events (time_ns INTEGER, process_id INTEGER, pid INTEGER, tid INTEGER, operation TEXT, allocator "
    "TEXT,"
    " address INTEGER, size INTEGER, stack_id INTEGER)";

enum Column { kTime, kProcess, kPid, kTid, kOperation, kAllocator, kAddress, kSize, kStack };

// What sites and threads belong to, by their number.
constexpr char kSites[] =
    "SELECT a.id, s.process_id, p.pid, t.tid, s.stack_id FROM main.site_part a JOIN main.site s ON s.id = a.site_id"
    " JOIN main.process p ON p.id = s.process_id JOIN main.thread t ON t.id = s.thread_id ORDER BY a.id";
constexpr char kThreads[] =
    "SELECT t.id, t.process_id, p.pid, t.tid, NULL FROM main.thread t JOIN main.process p ON p.id = t.process_id"
    " ORDER BY t.id";
constexpr char kChunks[] = "SELECT count, data FROM main.event_chunk ORDER BY id";

struct Owner {
  int64_t id, process_id, pid, tid, stack_id;
  bool has_stack;
};

struct Table : sqlite3_vtab {
  sqlite3 *db;
};

struct Cursor : sqlite3_vtab_cursor {
  std::vector<Owner> sites, threads;
  sqlite3_stmt *chunks = nullptr;
  mp::EventDecoder decoder;
  size_t left = 0;
  mp::Event event;
  sqlite3_int64 row = 0;
  bool is_at_end = true, has_chunks = false;

  ~Cursor() { sqlite3_finalize(chunks); }
};

Table &table_of(sqlite3_vtab_cursor *cursor) {
  return *static_cast<Table *>(cursor->pVtab);
}

int fail(Table &table, const char *message) {
  sqlite3_free(table.zErrMsg);
  table.zErrMsg = sqlite3_mprintf("%s", message);
  return SQLITE_ERROR;
}

int fail_from(Table &table) {
  return fail(table, sqlite3_errmsg(table.db));
}

int connect(sqlite3 *db, void *, int, const char *const *, sqlite3_vtab **out, char **) {
  const int result = sqlite3_declare_vtab(db, kSchema);
  if (result != SQLITE_OK) return result;
  auto *table = new (std::nothrow) Table{};
  if (table == nullptr) return SQLITE_NOMEM;
  table->db = db;
  *out = table;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab *table) {
  delete static_cast<Table *>(table);
  return SQLITE_OK;
}

// There is one way to read it: from the first to the last.
int best_index(sqlite3_vtab *, sqlite3_index_info *info) {
  info->estimatedCost = 1e9;
  info->estimatedRows = 100'000'000;
  return SQLITE_OK;
}

int open(sqlite3_vtab *, sqlite3_vtab_cursor **out) try {
  *out = new Cursor{};
  return SQLITE_OK;
} catch (const std::bad_alloc &) {
  return SQLITE_NOMEM;
}

int close(sqlite3_vtab_cursor *cursor) {
  delete static_cast<Cursor *>(cursor);
  return SQLITE_OK;
}

int read_owners(Table &table, const char *sql, std::vector<Owner> &owners) {
  owners.clear();
  sqlite3_stmt *statement = nullptr;
  if (sqlite3_prepare_v2(table.db, sql, -1, &statement, nullptr) != SQLITE_OK) return fail_from(table);
  int result;
  while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
    const auto number = [statement](int column) { return sqlite3_column_int64(statement, column); };
    const bool has_stack = sqlite3_column_type(statement, 4) != SQLITE_NULL;
    owners.push_back({number(0), number(1), number(2), number(3), number(4), has_stack});
  }
  sqlite3_finalize(statement);
  return result == SQLITE_DONE ? SQLITE_OK : fail_from(table);
}

const Owner *find(const std::vector<Owner> &owners, int64_t id) {
  const auto at =
      std::lower_bound(owners.begin(), owners.end(), id, [](const Owner &a, int64_t b) { return a.id < b; });
  return at != owners.end() && at->id == id ? &*at : nullptr;
}

int open_chunk(Table &table, Cursor &cursor) {
  const int result = sqlite3_step(cursor.chunks);
  cursor.is_at_end = result == SQLITE_DONE;
  if (cursor.is_at_end && !cursor.has_chunks)
    return fail(table, "the capture has no single events: record with --events to keep them");
  if (cursor.is_at_end) return SQLITE_OK;
  cursor.has_chunks = true;
  if (result != SQLITE_ROW) return fail_from(table);
  const int64_t count = sqlite3_column_int64(cursor.chunks, 0);
  const auto *bytes = static_cast<const uint8_t *>(sqlite3_column_blob(cursor.chunks, 1));
  const mp::ByteSpan data{bytes, static_cast<size_t>(sqlite3_column_bytes(cursor.chunks, 1))};
  if (bytes == nullptr || !mp::EventDecoder::is_known(data))
    return fail(table, "the events are of another version of mp: use `mp sql`");
  cursor.left = count > 0 ? static_cast<size_t>(count) : 0;
  return cursor.decoder.open(data, cursor.left) ? SQLITE_OK : fail(table, "the events of the capture are damaged");
}

// Goes on to the next event that is shown.
int advance(Table &table, Cursor &cursor) {
  do {
    while (cursor.left == 0) {
      const int result = open_chunk(table, cursor);
      if (result != SQLITE_OK || cursor.is_at_end) return result;
    }
    const auto event = cursor.decoder.next();
    if (!event) return fail(table, "the events of the capture are damaged");
    cursor.event = *event;
    cursor.left--;
  } while (cursor.event.operation >= mp::kEventRelease);
  cursor.row++;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor *base, int, const char *, int, sqlite3_value **) try {
  auto &cursor = *static_cast<Cursor *>(base);
  auto &table = table_of(base);
  sqlite3_finalize(cursor.chunks);
  cursor.chunks = nullptr;
  cursor.decoder = {};
  cursor.left = 0;
  cursor.row = 0;
  cursor.has_chunks = false;
  if (const int result = read_owners(table, kSites, cursor.sites); result != SQLITE_OK) return result;
  if (const int result = read_owners(table, kThreads, cursor.threads); result != SQLITE_OK) return result;
  if (sqlite3_prepare_v2(table.db, kChunks, -1, &cursor.chunks, nullptr) != SQLITE_OK) return fail_from(table);
  return advance(table, cursor);
} catch (const std::bad_alloc &) {
  return SQLITE_NOMEM;
}

int next(sqlite3_vtab_cursor *base) try {
  return advance(table_of(base), *static_cast<Cursor *>(base));
} catch (const std::bad_alloc &) {
  return SQLITE_NOMEM;
}

int eof(sqlite3_vtab_cursor *cursor) {
  return static_cast<Cursor *>(cursor)->is_at_end;
}

void put_text(sqlite3_context *context, const char *text) {
  sqlite3_result_text(context, text, -1, SQLITE_STATIC);
}

void put_allocator(sqlite3_context *context, uint8_t allocator) {
  switch (allocator) {
#define X(number, name, text, kind) \
  case number:                      \
    return put_text(context, text);
    MP_ALLOCATORS(X)
#undef X
    default:
      sqlite3_result_text(context, sqlite3_mprintf("allocator %d", allocator), -1, sqlite3_free);
  }
}

int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const auto &cursor = *static_cast<Cursor *>(base);
  const auto &event = cursor.event;
  const bool is_of_site = mp::is_of_site(event.operation);
  const Owner *owner = find(is_of_site ? cursor.sites : cursor.threads, int64_t{event.owner} + 1);
  switch (column) {
    case kTime:
      sqlite3_result_int64(context, event.time_ns);
      break;
    case kProcess:
    case kPid:
    case kTid:
      if (owner == nullptr) break;
      sqlite3_result_int64(context, column == kProcess ? owner->process_id : column == kPid ? owner->pid : owner->tid);
      break;
    case kOperation:
      put_text(context, is_of_site ? "allocate" : "free");
      break;
    case kAllocator:
      put_allocator(context, event.allocator);
      break;
    case kAddress:
      sqlite3_result_int64(context, static_cast<sqlite3_int64>(event.address));
      break;
    case kSize:
      if (is_of_site || event.size_bytes > 0)
        sqlite3_result_int64(context, static_cast<sqlite3_int64>(event.size_bytes));
      break;
    case kStack:
      if (owner != nullptr && owner->has_stack) sqlite3_result_int64(context, owner->stack_id);
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out) {
  *out = static_cast<Cursor *>(cursor)->row;
  return SQLITE_OK;
}

// Without xCreate the table exists by its name alone.
sqlite3_module make_module() {
  sqlite3_module module{};
  module.xConnect = connect;
  module.xDisconnect = disconnect;
  module.xBestIndex = best_index;
  module.xOpen = open;
  module.xClose = close;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = eof;
  module.xColumn = column;
  module.xRowid = row_id;
  return module;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int sqlite3_mpevents_init(sqlite3 *db, char **,
                                                                            const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  static const sqlite3_module module = make_module();
  return sqlite3_create_module(db, "events", &module, nullptr);
}
