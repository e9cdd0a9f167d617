#include "session.h"

#include <bpf/libbpf.h>
#include <time.h>

#include <algorithm>
#include <csignal>

#include "error.h"
#include "proc_info.h"

namespace mp {
namespace {

constexpr uint64_t kRssIntervalNs = 10'000'000;
constexpr size_t kSymbolsPerPoll = 4096;
constexpr int kVanishedSamples = 5;

uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000ull + now.tv_nsec;
}

uint32_t head(uint32_t operation, uint32_t allocator = 0, uint32_t flags = 0) {
  return operation | allocator << 8 | flags << 16;
}

const char *stack_status_name(uint32_t status) {
  switch (status) {
    case MP_STACK_COMPLETE:
      return "complete";
    case MP_STACK_TRUNCATED:
      return "truncated";
    case MP_STACK_UNWINDER_BUSY:
      return "missing";
    default:
      return "incomplete";
  }
}

std::string join(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Session::Session(const LoaderOptions &options)
    : start_ns_(monotonic_ns()),
      loader_(options),
      modules_(loader_, symbolizer_),
      targets_(loader_, modules_),
      ring_(ring_buffer__new(loader_.ring_fd(), handle_event, this, nullptr), ring_buffer__free) {
  if (!ring_) throw Error("LOAD", "cannot map the ring buffer", errno);
}

Session::~Session() {
  // it may be held while tables are loaded, and nobody else would let it go
  if (launched_ && launched_status_ < 0) launched_->resume();
}

uint64_t Session::now_ns() const {
  return since_start(monotonic_ns());
}

uint32_t Session::launch(const LaunchOptions &options) {
  launched_ = std::make_unique<LaunchedProcess>(options);
  Process &process = targets_.add(launched_->pid(), process_count_++, true);
  origins_[process.index] = {"launch", -1};
  return process.pid;
}

void Session::start() {
  launched_->start();
}

void Session::attach(uint32_t pid) {
  const int tgid = read_tgid(pid);
  if (tgid == 0) throw Error("NO_PROCESS", "No such process: " + std::to_string(pid), 0);
  if (static_cast<uint32_t>(tgid) != pid)
    throw Error("NO_PROCESS", std::to_string(pid) + " is a thread of process " + std::to_string(tgid) + "; trace that",
                0);
  Process &process = targets_.add(pid, process_count_++, false);
  origins_[process.index] = {"attach", -1};
  if (!targets_.synchronize(process) || process.mappings.empty()) {
    targets_.remove(pid);
    throw Error("NO_PROCESS", "process " + std::to_string(pid) + " has no memory to trace (kernel thread or ended)", 0);
  }
  announce(process, read_comm(pid, pid));
}

const Batch &Session::poll(uint32_t *words, uint32_t capacity) {
  batch_.words = words;
  batch_.capacity = capacity;
  poll_launched();
  if (deferred_bytes_) {
    decode_event(deferred_event_.data(), deferred_bytes_, *this);
    deferred_bytes_ = 0;
  }
  ring_buffer__consume(ring_.get());
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (!batch_.full(monotonic_ns())) sample_rss();
  for (const Module *module : modules_.take_new())
    batch_.modules.push_back({module->index, module->path, module->build_id});
  for (SymbolResult &result : symbolizer_.take(kSymbolsPerPoll)) batch_.symbols.push_back(std::move(result));
  if (batch_.count == 0) batch_.base_time_ns = start_ns_;
  batch_.base_time_ns -= start_ns_;
  delivered_ = std::exchange(batch_, {});
  return delivered_;
}

// Called by libbpf for every event; a negative result ends the poll. Exceptions must not pass through C code.
int Session::handle_event(void *context, void *data, size_t size_bytes) {
  auto &session = *static_cast<Session *>(context);
  try {
    if (size_bytes >= sizeof(mp_event) && session.batch_.full(static_cast<const mp_event *>(data)->time_ns)) {
      session.deferred_event_.resize((size_bytes + 7) / 8);
      memcpy(session.deferred_event_.data(), data, size_bytes);
      session.deferred_bytes_ = size_bytes;
      return -ENOSPC;
    }
    if (!decode_event(data, size_bytes, session)) session.invalid_events_++;
    return 0;
  } catch (...) {
    session.failure_ = std::current_exception();
    return -EIO;
  }
}

void Session::poll_launched() {
  if (launched_ && launched_status_ < 0 && launched_->poll_exit()) launched_status_ = launched_->wait_status();
}

void Session::stop() {
  targets_.detach_all();
}

std::map<std::string, uint64_t> Session::losses() const {
  auto losses = loader_.losses();
  losses["event_invalid"] = invalid_events_;
  return losses;
}

// ---- processes and threads ----

void Session::announce(Process &process, const std::string &comm) {
  if (process.announced) return;
  process.announced = true;
  bool has_allocator = false;
  std::vector<std::string> unprobed;
  for (const auto &[module, probed] : process.probed) {
    has_allocator |= !module->allocators.empty();
    unprobed.insert(unprobed.end(), module->unprobed.begin(), module->unprobed.end());
  }
  if (process.executable.empty()) process.executable = read_executable(process.pid);
  if (!has_allocator)
    process.warning = "no allocator found in " + process.executable;
  else if (!unprobed.empty())
    process.warning = "cannot be probed in " + process.executable + ": " + join(unprobed);
  const auto &[origin, parent] = origins_[process.index];
  const uint64_t time_ns = monotonic_ns();
  batch_.processes.push_back({process.index, process.pid, parent, origin, since_start(time_ns), comm,
                              process.executable, read_command_line(process.pid), read_cgroup(process.pid),
                              process.warning});
  if (batch_.words) batch_.add(head(MP_OPERATION_PROCESS_BEGIN), process.index, 0, 0, 0, time_ns);
}

Process *Session::process_of(const mp_event &event) {
  if (recent_process_ && recent_process_->pid == event.pid) return recent_process_;
  Process *process = targets_.find(event.pid);
  if (process && !process->announced) announce(*process, read_comm(event.pid, event.pid));
  return recent_process_ = process;
}

uint32_t Session::thread_of(const mp_event &event, const Process &process) {
  if (recent_thread_ >= 0 && recent_tid_ == event.tid) return recent_thread_;
  Thread &thread = threads_[event.tid];
  if (thread.index < 0 || thread.process != process.index) {
    if (thread.name.empty()) thread.name = read_comm(event.pid, event.tid);
    thread.process = process.index;
    thread.index = thread_count_++;
    batch_.threads.push_back({static_cast<uint32_t>(thread.index), process.index, event.tid, thread.name});
  }
  recent_tid_ = event.tid;
  recent_thread_ = thread.index;
  return thread.index;
}

void Session::end_process(const Process &process, uint64_t time_ns, int exit_code, int exit_signal) {
  batch_.add(head(MP_OPERATION_PROCESS_END), process.index, 0, 0, 0, time_ns);
  batch_.ends.push_back({process.index, since_start(time_ns), exit_code, exit_signal});
}

void Session::sample_rss() {
  const uint64_t now = monotonic_ns();
  if (now < next_rss_ns_) return;
  next_rss_ns_ = now + kRssIntervalNs;
  for (const auto &[pid, process] : targets_.processes()) {
    if (batch_.full(now)) break;
    const uint64_t bytes = read_rss_bytes(pid);
    if (bytes) missing_.erase(pid);
    if (!bytes && kill(pid, 0) && errno == ESRCH) missing_[pid]++;
    if (bytes && process->announced) batch_.add(head(MP_OPERATION_RSS), process->index, 0, 0, bytes, now);
  }
  forget_vanished();
}

// A process whose EXIT event was lost with others in a full ring would keep the capture open for ever.
void Session::forget_vanished() {
  forget_recent();
  for (const auto &[pid, samples] : std::map(missing_)) {
    if (samples < kVanishedSamples) continue;
    missing_.erase(pid);
    if (Process *process = targets_.find(pid)) {
      announce(*process, "");
      end_process(*process, monotonic_ns(), -1, -1);
      targets_.remove(pid);
    }
  }
}

void Session::forget_recent() {
  recent_process_ = nullptr;
  recent_thread_ = -1;
}

void Session::on_task(const mp_event_task &event) {
  forget_recent();
  if (event.event.kind == MP_EVENT_THREAD) return on_thread(event);
  if (event.event.kind == MP_EVENT_THREAD_EXIT) return on_thread_exit(event);
  Process *process = targets_.find(event.event.pid);
  if (!process) return;
  switch (event.event.kind) {
    case MP_EVENT_EXEC:
      return on_exec(*process, event);
    case MP_EVENT_MAPPINGS:
      return on_mappings(*process, event);
    case MP_EVENT_EXIT:
      return on_exit(*process, event);
  }
}

void Session::on_thread(const mp_event_task &event) {
  const std::string name(event.comm, strnlen(event.comm, sizeof(event.comm)));
  Thread &thread = threads_[event.event.tid];
  if (thread.name != name) thread.index = -1;
  thread.name = name;
}

void Session::on_thread_exit(const mp_event_task &event) {
  const auto found = threads_.find(event.event.tid);
  if (found == threads_.end()) return;
  if (found->second.index >= 0)
    batch_.add(head(MP_OPERATION_THREAD_END), found->second.index, 0, 0, 0, event.event.time_ns);
  threads_.erase(found);  // the tid may be given to another thread
}

void Session::on_exec(Process &process, const mp_event_task &event) {
  if (process.announced) {
    end_process(process, event.event.time_ns, -1, -1);
    const uint32_t replaced = process.index;
    targets_.replace_image(process, process_count_++);
    origins_[process.index] = {"exec", replaced};
  }
  threads_.erase(event.event.tid);
  on_mappings(process, event);
}

void Session::on_mappings(Process &process, const mp_event_task &event) {
  targets_.synchronize(process);
  const bool ready = std::any_of(process.probed.begin(), process.probed.end(), [](const auto &entry) {
    return !entry.first->allocators.empty() || entry.first->is_static_program;
  });
  if (ready) announce(process, read_comm(process.pid, process.pid));
  if (event.event.flags & MP_FLAG_HELD) kill(process.pid, SIGCONT);
}

void Session::on_exit(Process &process, const mp_event_task &event) {
  announce(process, std::string(event.comm, strnlen(event.comm, sizeof(event.comm))));
  threads_.erase(event.event.tid);
  const int signal = event.code & 0x7f;
  end_process(process, event.event.time_ns, signal ? -1 : static_cast<int>(event.code >> 8 & 0xff),
              signal ? signal : -1);
  targets_.remove(event.event.pid);
}

// ---- allocations ----

void Session::on_free(const mp_event_free &event) {
  const Process *process = process_of(event.event);
  if (!process) return;
  uint32_t operation = MP_OPERATION_FREE;
  if (event.event.kind == MP_EVENT_RELEASE) operation = MP_OPERATION_RELEASE;
  if (event.event.kind == MP_EVENT_COMMIT) operation = MP_OPERATION_COMMIT;
  if (event.event.kind == MP_EVENT_CANCEL) operation = MP_OPERATION_CANCEL;
  batch_.add(head(operation, event.event.allocator), thread_of(event.event, *process), 0, event.address, 0,
             event.event.time_ns);
}

void Session::on_allocate(const mp_event_allocate &event) {
  const Process *process = process_of(event.event);
  if (!process || inside_free_.count(event.stack)) return;
  const uint32_t thread = thread_of(event.event, *process);
  if (event.event.kind == MP_EVENT_UNMAP) {
    const uint32_t flags = internal_callers_.count(event.stack) ? MP_FLAG_INTERNAL : 0;
    batch_.add(head(MP_OPERATION_UNMAP, event.event.allocator, flags), thread, 0, event.address, event.size_bytes,
               event.event.time_ns);
    return;
  }
  batch_.add(head(MP_OPERATION_ALLOCATE, event.event.allocator, event.event.flags), thread,
             stack_of(event.stack, event.event.stack_status), event.address, event.size_bytes, event.event.time_ns);
}

void Session::on_remap(const mp_event_remap &event) {
  const mp_event &header = event.to.event;
  const Process *process = process_of(header);
  if (!process) return;
  const uint32_t thread = thread_of(header, *process);
  if (event.old_size_bytes)
    batch_.add(head(MP_OPERATION_UNMAP, header.allocator), thread, 0, event.old_address, event.old_size_bytes,
               header.time_ns);
  batch_.add(head(MP_OPERATION_ALLOCATE, header.allocator, header.flags), thread,
             stack_of(event.to.stack, header.stack_status), event.to.address, event.to.size_bytes, header.time_ns);
}

// ---- stacks ----

uint32_t Session::add_stack(const char *status, std::vector<uint32_t> locations) {
  batch_.stacks.push_back({stack_count_, status, std::move(locations)});
  return stack_count_++;
}

uint32_t Session::stack_of(uint64_t hash, uint8_t status) {
  if (!hash) {  // no walk took place
    const auto found = empty_stacks_.find(status);
    if (found != empty_stacks_.end()) return found->second;
    return empty_stacks_[status] = add_stack(stack_status_name(status), {});
  }
  const auto found = stacks_.find(hash);
  if (found != stacks_.end()) return found->second;
  const auto lost = lost_stacks_.find(hash);
  if (lost != lost_stacks_.end()) return lost->second;
  return lost_stacks_[hash] = add_stack("missing", {});
}

void Session::on_stack(const mp_event_stack &event, const uint64_t *frames) {
  const auto [entry, inserted] = stacks_.try_emplace(event.stack, 0);
  if (!inserted) return;
  const Process *process = targets_.find(event.event.pid);
  std::vector<uint32_t> locations;
  if (process) {
    locations.reserve(event.frame_count);
    // a return address is behind its call: - 1 lies in it
    for (uint32_t i = 0; i < event.frame_count; i++) locations.push_back(location_of(*process, frames[i] - 1));
    classify_caller(*process, event, frames);
  }
  entry->second = add_stack(stack_status_name(event.event.stack_status), std::move(locations));
}

// An allocator maps and unmaps memory for itself. Within malloc BPF knows that; within free, which has no return probe,
// only the stack tells.
void Session::classify_caller(const Process &process, const mp_event_stack &event, const uint64_t *frames) {
  const MappedModule *caller = event.frame_count ? Targets::find_mapping(process, frames[0] - 1) : nullptr;
  if (!caller || !caller->module || caller->module->allocators.empty()) return;
  internal_callers_.insert(event.stack);
  for (uint32_t i = 0; i < event.frame_count; i++) {
    const uint64_t address = frames[i] - 1;
    if (address < caller->start || address >= caller->end) return;
    for (const auto &[begin, end] : caller->module->deallocator_code)
      if (address - caller->bias >= begin && address - caller->bias < end) inside_free_.insert(event.stack);
  }
}

uint32_t Session::location_of(const Process &process, uint64_t address) {
  const MappedModule *mapped = Targets::find_mapping(process, address);
  const bool known = mapped && mapped->module;
  const uint64_t module_address = known ? address - mapped->bias : address;
  // module in the upper 16 bits, address in the lower 48; no module has index 0xffff
  const uint64_t key =
      (known ? static_cast<uint64_t>(mapped->module->index) : 0xffffull) << 48 | (module_address & 0xffffffffffffull);
  const auto [entry, inserted] = locations_.try_emplace(key, static_cast<uint32_t>(location_modules_.size()));
  if (inserted) {
    location_modules_.push_back(known ? static_cast<int64_t>(mapped->module->index) : -1);
    if (known)
      symbolizer_.request({entry->second, mapped->module->index, module_address});
    else
      batch_.symbols.push_back({entry->second, {SymbolFrame{}}});
  }
  return entry->second;
}

}  // namespace mp
