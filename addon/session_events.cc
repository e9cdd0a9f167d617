// What a session makes of the events of the ring.
#include <algorithm>
#include <cstring>

#include "clock.h"
#include "held.h"
#include "proc_info.h"
#include "session.h"

namespace mp {
namespace {

constexpr size_t kMaxNames = 16;  // of a thread; it keeps the last one

std::string runtime_of(const Process &process) {
  if (const Module *module = process.python.module) return "python 3." + std::to_string(module->python->minor);
  return process.v8_module ? "v8 " + process.v8_module->v8->image.version : "native";
}

bool has_allocator(const Process &process) {
  return std::any_of(process.mappings.begin(), process.mappings.end(),
                     [](const MappedModule &mapped) { return mapped.module && mapped.module->has_allocator; });
}

// Without an allocator there are only those of a stripped program.
bool has_system_calls(const Process &process) {
  return std::any_of(process.mappings.begin(), process.mappings.end(),
                     [](const MappedModule &mapped) { return mapped.module && !mapped.module->mapping_calls.empty(); });
}

bool is_static_program(const Process &process) {
  return std::any_of(process.mappings.begin(), process.mappings.end(),
                     [](const MappedModule &mapped) { return mapped.module && mapped.module->is_static_program; });
}

std::string comm_of(const mp_event_task &event) {
  return std::string(event.comm, strnlen(event.comm, sizeof(event.comm)));
}

uint32_t held_process(const mp_event_task &event) {
  return event.event.kind == MP_EVENT_FORK ? event.code : event.event.pid;
}

}  // namespace

// ---- processes and threads ----

void Session::announce(Process &process, const std::string &comm, uint64_t time_ns, uint32_t flags) {
  if (process.announced) return;
  process.announced = true;
  for (const MappedModule &mapped : process.mappings) {
    if (!mapped.module) continue;
    if (mapped.module->python && !mapped.module->python->unsupported.empty())
      process.warning = mapped.module->python->unsupported;
    if (mapped.module->v8 && !mapped.module->v8->image.unsupported.empty())
      process.warning = mapped.module->v8->image.unsupported;
    if (mapped.module->has_untraced_new)
      process.warning = "operator new of " + mapped.module->path +
                        " is not traced: exceptions can't pass the return probes of this kernel";
    if (mapped.module->has_inlined_rust)
      process.warning = "the allocator of Rust in " + mapped.module->path +
                        " is not traced: the compiler has put it into the functions that call it";
  }
  if (process.executable.empty()) process.executable = read_executable(process.pid);
  const auto &[origin, parent] = origins_[process.index];
  const bool is_image = strcmp(origin, "fork") != 0;  // else its parent has said it
  if (is_image && !process.mappings.empty() && !has_allocator(process))
    process.warning = "no allocator found in " + process.executable +
                      (has_system_calls(process) ? "; only what it maps is recorded" : "");
  if (process.command_line.empty()) process.command_line = read_command_line(process.pid);
  if (process.cgroup.empty()) process.cgroup = read_cgroup(process.pid);
  if (process.runtime.empty()) process.runtime = runtime_of(process);
  batch_.processes.push_back({process.index, process.pid, parent, origin, since_start(time_ns), comm,
                              process.executable, process.command_line, process.cgroup, process.runtime,
                              process.warning});
  if (batch_.words) batch_.add(record_head(MP_OPERATION_PROCESS_BEGIN, 0, flags), process.index, 0, 0, 0, time_ns);
}

Process *Session::process_of(const mp_event &event) {
  if (recent_process_ && recent_process_->pid == event.pid) return recent_process_;
  Process *process = targets_.find(event.pid);
  if (process && !process->announced) announce(*process, read_comm(event.pid, event.pid), event.time_ns);
  return recent_process_ = process;
}

uint32_t Session::thread_of(const mp_event &event, const Process &process) {
  if (recent_thread_ >= 0 && recent_tid_ == event.tid) return recent_thread_;
  Thread &thread = threads_[event.tid];
  if (thread.index < 0 || thread.process != process.index) {
    if (thread.comm.empty()) thread.name = thread.comm = read_comm(event.pid, event.tid);
    if (const auto named = python_names_.find(event.tid); named != python_names_.end()) thread.name = named->second;
    thread.process = process.index;
    const ThreadRows::Row row = thread_rows_.add(process.index, thread.comm);
    thread.index = row.index;
    thread.shares_row = row.is_shared;
    thread.rows.emplace_back(row.index, thread.comm);
    if (row.is_shared) thread.name = thread.comm + " (several threads)";
    batch_.threads.push_back({static_cast<uint32_t>(thread.index), process.index, event.tid, thread.name});
  }
  recent_tid_ = event.tid;
  recent_thread_ = thread.index;
  return thread.index;
}

// Unless it has a name of its own. As with Python's threads, it keeps its index.
void Session::name_node_thread(const mp_event &event, const Process &process, const char *name) {
  if (recent_named_tid_ == event.tid) return;
  recent_named_tid_ = event.tid;
  Thread &thread = threads_[event.tid];
  if (thread.index < 0 || thread.shares_row || thread.name == name || event.tid == event.pid) return;
  const std::string program = process.executable.substr(process.executable.rfind('/') + 1);
  const bool is_inherited =
      thread.comm == program.substr(0, MP_COMM_LENGTH - 1) || thread.comm == read_comm(event.pid, event.pid);
  if (!is_inherited) return;
  thread.name = name;
  batch_.threads.push_back({static_cast<uint32_t>(thread.index), process.index, event.tid, name});
}

void Session::end_process(const Process &process, uint64_t time_ns, int exit_code, int exit_signal) {
  batch_.add(record_head(MP_OPERATION_PROCESS_END), process.index, 0, 0, 0, time_ns);
  batch_.ends.push_back({process.index, since_start(time_ns), exit_code, exit_signal});
  resident_.forget(process.index);
  thread_rows_.end_process(process.index);
  origins_.erase(process.index);
}

void Session::forget_recent() {
  recent_process_ = nullptr;
  recent_thread_ = -1;
  recent_named_tid_ = 0;
}

void Session::on_task(const mp_event_task &event) {
  const Release held(loader_, event.event, held_process(event));
  forget_recent();
  if (event.event.kind == MP_EVENT_FORK) return on_fork(event);
  if (event.event.kind == MP_EVENT_THREAD) return on_thread(event);
  if (event.event.kind == MP_EVENT_THREAD_EXIT) return on_thread_exit(event);
  Process *process = targets_.find(event.event.pid);
  if (!process && selection_ && event.event.kind == MP_EVENT_EXEC) return on_selected(event);
  if (!process) return;
  switch (event.event.kind) {
    case MP_EVENT_EXEC:
      return on_exec(*process, event);
    case MP_EVENT_MAPPINGS:
      if (event.event.flags & MP_FLAG_HELD && event.code) add_resident(*process);  // as it was at the end
      return on_mappings(*process);
    case MP_EVENT_EXIT:
      return on_exit(*process, event);
  }
}

void Session::on_thread(const mp_event_task &event) {
  const std::string name = comm_of(event);
  Thread &thread = threads_[event.event.tid];
  if (thread.comm == name || thread.rows.size() >= kMaxNames) return;
  thread.index = -1;
  thread.comm = thread.name = name;
}

void Session::on_thread_exit(const mp_event_task &event) {
  python_names_.erase(event.event.tid);
  python_frees_.erase(event.event.tid);
  const auto found = threads_.find(event.event.tid);
  if (found == threads_.end()) return;
  if (found->second.index >= 0)
    batch_.add(record_head(MP_OPERATION_THREAD_END), found->second.index, 0, 0, 0, event.event.time_ns);
  for (const auto &[index, comm] : found->second.rows) thread_rows_.end(found->second.process, index, comm);
  threads_.erase(found);  // the tid may be given to another thread
}

void Session::on_exec(Process &process, const mp_event_task &event) {
  if (process.hold && !(event.event.flags & (MP_FLAG_HELD | MP_FLAG_NOT_SELECTED))) unheld_++;
  if (process.announced) end_process(process, event.event.time_ns, -1, -1);
  if (event.event.flags & MP_FLAG_NOT_SELECTED) return targets_.remove(event.event.pid);
  if (process.announced) {
    const uint32_t replaced = process.index;
    targets_.replace_image(process, process_count_++);
    origins_[process.index] = {"exec", replaced};
    if (selection_) process.hold = true;
  }
  threads_.erase(event.event.tid);
  const uint32_t caller = event.code;
  if (caller != event.event.pid) targets_.drop_links(process);
  on_mappings(process);
}

void Session::on_mappings(Process &process) {
  synchronize(process);
  if (process.announced || !(has_allocator(process) || is_static_program(process))) return;
  announce(process, read_comm(process.pid, process.pid), monotonic_ns());
}

// The child has what its parent has, and will have its own probes before it goes on.
void Session::on_fork(const mp_event_task &event) {
  const uint32_t pid = event.code;
  Process *parent = targets_.find(event.event.pid);
  if (parent) announce(*parent, read_comm(parent->pid, parent->pid), event.event.time_ns);
  Process *child = parent ? targets_.add_child(*parent, pid, process_count_) : nullptr;
  if (!child) {
    lost_children_++;
    return;
  }
  process_count_++;
  origins_[child->index] = {"fork", parent->index};
  const bool shares_memory = event.event.flags & MP_FLAG_SHARES_MEMORY;
  if (!shares_memory) {
    if (!(event.event.flags & MP_FLAG_HELD)) unheld_++;
    synchronize(*child);
  }
  announce(*child, comm_of(event), event.event.time_ns, shares_memory ? MP_FLAG_SHARES_PARENT : 0);
}

// After the end: nothing is made of an event, but nobody stays held.
void Session::let_go(const mp_event &event, size_t size_bytes) {
  if (size_bytes != sizeof(mp_event_task)) return;
  const auto &task = reinterpret_cast<const mp_event_task &>(event);
  const Release held(loader_, event, held_process(task));
}

void Session::on_exit(Process &process, const mp_event_task &event) {
  announce(process, comm_of(event), event.event.time_ns);
  threads_.erase(event.event.tid);
  if (event.event.flags & MP_FLAG_OUT_OF_MEMORY)
    batch_.warnings.push_back({process.index,
                               "ended by the kernel's OOM killer, since its cgroup or the machine was out of memory; "
                               "leaks are what was live then"});
  const int signal = event.code & 0x7f;
  end_process(process, event.event.time_ns, signal ? -1 : static_cast<int>(event.code >> 8 & 0xff),
              signal ? signal : -1);
  targets_.remove(event.event.pid);
}

void Session::on_stack(const mp_event_stack &event, const uint64_t *frames) {
  Process *process = targets_.find(event.event.pid);
  if (!process) return loader_.forget_stack(event.stack);
  if (!process->v8 || !(event.event.flags & MP_FLAG_JAVASCRIPT)) {
    if (!stacks_.add(*process, process->stacks, event, frames, {}, batch_)) loader_.forget_stack(event.stack);
    return;
  }
  begin_collections(*process, event.begun, event.ended, event.event.time_ns);
  stacks_.add(*process, process->javascript_stacks, event, frames, javascript_locations(*process, event, frames),
              batch_);
}

void Session::on_v8_places(const mp_event_v8_places &event, const mp_v8_place *places) {
  Process *process = targets_.find(event.event.pid);
  if (!process || !process->v8) return;
  begin_collections(*process, event.begun, event.ended, event.event.time_ns);
  process->v8->places().add(event, places);
}

// Stacks from before will not be referred to for long.
void Session::begin_collections(Process &process, uint32_t begun, uint32_t ended, uint64_t time_ns) {
  if (process.v8->places().begin(begun, ended)) process.javascript_stacks.new_seed(time_ns);
}

// One whose frames are not known here any more is to be sent again.
KnownStack Session::stack_of(Process &process, uint64_t hash, const mp_event &event) {
  const KnownStack stack = stacks_.of_event(process, hash, event, batch_);
  if (stack.is_lost) loader_.forget_stack(hash);
  return stack;
}

std::vector<uint32_t> Session::javascript_locations(Process &process, const mp_event_stack &event,
                                                    const uint64_t *frames) {
  std::vector<uint32_t> locations(event.frame_count, V8Place::kNoLocation);
  V8Places::ByPlace *known = process.v8->places().of(event.begun, event.ended);
  std::map<uint64_t, V8Place *> nameless;
  const auto look_up = [&] {
    for (uint32_t i = 0; i < event.frame_count; i++) {
      const auto found = known->find(frames[i]);
      if (found == known->end()) continue;
      locations[i] = found->second.location;
      if (locations[i] == V8Place::kNoLocation) nameless.emplace(frames[i], &found->second);
    }
  };
  if (known) look_up();
  if (nameless.empty()) return locations;
  name_places(process, event, nameless);
  look_up();
  return locations;
}

// What was read while objects were moved is not believed: these frames have no names, and will come again when the
// collection is over.
void Session::name_places(Process &process, const mp_event_stack &event, const std::map<uint64_t, V8Place *> &places) {
  const auto is_unmoved = [&] {
    const mp_v8 now = loader_.v8(process.slot);
    return now.begun == event.begun && now.ended == event.ended && now.begun == now.ended;
  };
  if (!is_unmoved()) return;
  std::vector<std::pair<V8Place *, std::vector<SymbolFrame>>> named;
  process.v8->forget();
  for (const auto &[place, known] : places) {
    // A copy of V8's builtins that was mapped a moment ago: BPF took it for code of one function, but it runs many.
    const MappedModule *mapped = MP_V8_IS_INTERPRETED(place) ? nullptr : Targets::find_mapping(process, place - 1);
    if (mapped && mapped->module) continue;
    if (known->attempts++ < V8Process::kAttempts) named.emplace_back(known, process.v8->symbols(place, known->shared));
  }
  if (named.empty() || !is_unmoved()) return;
  for (auto &[known, symbols] : named)
    if (!symbols.empty()) known->location = stacks_.javascript_location_of(std::move(symbols), batch_);
}

void Session::on_python_code(const mp_event_python_code &event, const uint8_t *line_table) {
  Process *process = targets_.find(event.event.pid);
  if (!process) return;
  stacks_.add_python_code(*process, event, line_table);
  // it runs code now, and has chosen its allocator before
  if (targets_.take_untraced_objects(*process))
    batch_.warnings.push_back({process->index,
                               "small objects of Python are not traced: it does not heed PYTHONMALLOC=malloc, because "
                               "of its option -I or -E or another value of that variable"});
}

// ---- allocations ----

void Session::on_free(const mp_event_free &event) {
  const Process *process = process_of(event.event);
  if (!process) return;
  if (event.event.kind == MP_EVENT_FREE && is_repeated_free(event)) return;
  uint32_t operation = MP_OPERATION_FREE;
  if (event.event.kind == MP_EVENT_RELEASE) operation = MP_OPERATION_RELEASE;
  if (event.event.kind == MP_EVENT_COMMIT) operation = MP_OPERATION_COMMIT;
  if (event.event.kind == MP_EVENT_CANCEL) operation = MP_OPERATION_CANCEL;
  batch_.add(record_head(operation, event.event.allocator), thread_of(event.event, *process), 0, event.address, 0,
             event.event.time_ns);
}

// Python's allocator passes big blocks on to free.
bool Session::is_repeated_free(const mp_event_free &event) {
  if (event.event.allocator == MP_ALLOCATOR_PYMALLOC_FREE) {
    python_frees_[event.event.tid] = event.address;
    return false;
  }
  const auto found = python_frees_.find(event.event.tid);
  if (found == python_frees_.end()) return false;
  const bool repeated = found->second == event.address;
  python_frees_.erase(found);
  return repeated;
}

void Session::on_allocate(const mp_event_allocate &event) {
  Process *process = process_of(event.event);
  if (!process) return;
  const uint32_t thread = thread_of(event.event, *process);
  const KnownStack stack = stack_of(*process, event.stack, event.event);
  if (stack.thread_name) name_node_thread(event.event, *process, stack.thread_name);
  const bool is_mapping = event.event.kind == MP_EVENT_UNMAP || event.event.allocator == MP_ALLOCATOR_MMAP;
  if (is_mapping && stack.is_internal) return;
  if (event.event.kind == MP_EVENT_UNMAP) {
    const uint32_t flags = stack.is_allocators ? MP_FLAG_INTERNAL : 0;
    batch_.add(record_head(MP_OPERATION_UNMAP, event.event.allocator, flags), thread, 0, event.address,
               event.size_bytes, event.event.time_ns);
    return;
  }
  const uint32_t operation = event.event.kind == MP_EVENT_SAMPLE ? MP_OPERATION_SAMPLE : MP_OPERATION_ALLOCATE;
  batch_.add(record_head(operation, event.event.allocator, event.event.flags), thread, stack.index, event.address,
             event.size_bytes, event.event.time_ns);
}

void Session::on_remap(const mp_event_remap &event) {
  const mp_event &header = event.to.event;
  Process *process = process_of(header);
  if (!process) return;
  const uint32_t thread = thread_of(header, *process);
  if (event.old_size_bytes)
    batch_.add(record_head(MP_OPERATION_UNMAP, header.allocator), thread, 0, event.old_address, event.old_size_bytes,
               header.time_ns);
  batch_.add(record_head(MP_OPERATION_ALLOCATE, header.allocator, header.flags), thread,
             stack_of(*process, event.to.stack, header).index, event.to.address, event.to.size_bytes, header.time_ns);
}

}  // namespace mp
