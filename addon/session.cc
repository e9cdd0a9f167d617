#include "session.h"

#include <bpf/libbpf.h>
#include <algorithm>
#include <csignal>
#include <set>

#include "clock.h"
#include "error.h"
#include "proc_info.h"

namespace mp {
namespace {

constexpr uint64_t kRssIntervalNs = 10'000'000;
constexpr size_t kSymbolsPerPoll = 4096;
constexpr int kVanishedSamples = 5;
constexpr uint64_t kResynchronizationNs = 100'000'000;

uint32_t head(uint32_t operation, uint32_t allocator = 0, uint32_t flags = 0) {
  return operation | allocator << 8 | flags << 16;
}

std::string runtime_of(const Process &process) {
  const Module *module = process.python.module;
  return module ? "python 3." + std::to_string(module->python->minor) : "native";
}

// Lets a process go that was held when the event was made, whatever becomes of the event.
class Release {
 public:
  explicit Release(const mp_event &event) : pid_(event.flags & MP_FLAG_HELD ? event.pid : 0) {}
  Release(const Release &) = delete;
  ~Release() {
    if (pid_) kill(pid_, SIGCONT);
  }

 private:
  uint32_t pid_;
};

std::string join(const std::set<std::string> &names) {
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool has_allocator(const Process &process) {
  return std::any_of(process.mappings.begin(), process.mappings.end(),
                     [](const MappedModule &mapped) { return mapped.module && !mapped.module->allocators.empty(); });
}

bool is_static_program(const Process &process) {
  return std::any_of(process.mappings.begin(), process.mappings.end(),
                     [](const MappedModule &mapped) { return mapped.module && mapped.module->is_static_program; });
}

}  // namespace

Session::Session(const LoaderOptions &options)
    : start_ns_(monotonic_ns()),
      loader_(options),
      modules_(loader_, symbolizer_),
      targets_(loader_, modules_, options.trace_python_allocators),
      stacks_(symbolizer_),
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
  if (!process.python.refused.empty()) {
    const std::string reason = process.python.refused;
    targets_.remove(pid);
    throw Error("UNSUPPORTED",
                "cannot trace Python's allocator in process " + std::to_string(pid) + ": " + reason +
                    "; start the program with mp run --trace-python-allocators, or leave that option out",
                0);
  }
  announce(process, read_comm(pid, pid));
}

const Batch &Session::poll(uint32_t *words, uint32_t capacity) {
  batch_.words = words;
  batch_.capacity = capacity;
  try {
    fill_batch();
  } catch (...) {
    batch_ = {};
    throw;
  }
  if (batch_.count == 0) batch_.base_time_ns = start_ns_;
  batch_.base_time_ns -= start_ns_;
  delivered_ = std::exchange(batch_, {});
  return delivered_;
}

void Session::fill_batch() {
  poll_launched();
  if (deferred_bytes_) decode_event(deferred_event_.data(), std::exchange(deferred_bytes_, 0), *this);
  ring_buffer__consume(ring_.get());
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (!is_stopped()) {
    resynchronize_after_losses();
    if (!batch_.full(monotonic_ns())) sample_rss();
  }
  for (const Module *module : modules_.take_new())
    batch_.modules.push_back({module->index, module->path, module->build_id});
  for (SymbolResult &result : symbolizer_.take(kSymbolsPerPoll)) batch_.symbols.push_back(std::move(result));
}

// Called by libbpf for every event; a negative result ends the poll. Exceptions must not pass through C code.
int Session::handle_event(void *context, void *data, size_t size_bytes) {
  auto &session = *static_cast<Session *>(context);
  const auto *event = size_bytes >= sizeof(mp_event) ? static_cast<const mp_event *>(data) : nullptr;
  try {
    if (event && event->time_ns > session.stop_ns_) {
      Release held(*event);
      return 0;
    }
    if (event && session.batch_.full(event->time_ns)) {
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
  if (is_stopped()) return;
  stop_ns_ = monotonic_ns();
  targets_.stop();
  // It may have been held since the last poll, and a recording that failed does not poll again.
  if (launched_ && launched_status_ < 0 && read_state(launched_->pid()) == 'T') launched_->resume();
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
  std::set<std::string> unprobed;
  for (const MappedModule &mapped : process.mappings) {
    if (!mapped.module) continue;
    unprobed.insert(mapped.module->unprobed.begin(), mapped.module->unprobed.end());
    if (mapped.module->python) process.warning = mapped.module->python->unsupported;
  }
  if (process.executable.empty()) process.executable = read_executable(process.pid);
  if (!process.mappings.empty() && !has_allocator(process))
    process.warning = "no allocator found in " + process.executable;
  else if (!unprobed.empty())
    process.warning = "cannot be probed in " + process.executable + ": " + join(unprobed);
  const auto &[origin, parent] = origins_[process.index];
  const uint64_t time_ns = monotonic_ns();
  batch_.processes.push_back({process.index, process.pid, parent, origin, since_start(time_ns), comm,
                              process.executable, read_command_line(process.pid), read_cgroup(process.pid),
                              runtime_of(process), process.warning});
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
    if (!bytes && has_ended(pid)) missing_[pid]++;
    if (bytes && process->announced) batch_.add(head(MP_OPERATION_RSS), process->index, 0, 0, bytes, now);
  }
  forget_vanished();
}

// A module whose MAPPINGS event was lost would have neither probes nor unwind tables.
void Session::resynchronize_after_losses() {
  const uint64_t now = monotonic_ns();
  if (now < next_resynchronization_ns_) return;
  next_resynchronization_ns_ = now + kResynchronizationNs;
  const uint64_t drops = loader_.counter(MP_COUNTER_RING_DROPPED);
  if (drops == seen_drops_) return;
  seen_drops_ = drops;
  for (const auto &[pid, process] : targets_.processes()) targets_.synchronize(*process);
}

// A process whose EXIT event was lost with others in a full ring would keep the capture open for ever.
void Session::forget_vanished() {
  forget_recent();
  for (const auto &[pid, samples] : std::map(missing_)) {
    if (samples < kVanishedSamples || batch_.full(monotonic_ns())) continue;
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
  const Release held(event.event);
  forget_recent();
  if (event.event.kind == MP_EVENT_THREAD) return on_thread(event);
  if (event.event.kind == MP_EVENT_THREAD_EXIT) return on_thread_exit(event);
  Process *process = targets_.find(event.event.pid);
  if (!process) return;
  switch (event.event.kind) {
    case MP_EVENT_EXEC:
      return on_exec(*process, event);
    case MP_EVENT_MAPPINGS:
      return on_mappings(*process);
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
  const uint32_t caller = event.code;
  if (caller != event.event.pid) targets_.drop_links(process);
  on_mappings(process);
}

void Session::on_mappings(Process &process) {
  targets_.synchronize(process);
  if (process.announced || !(has_allocator(process) || is_static_program(process))) return;
  announce(process, read_comm(process.pid, process.pid));
}

void Session::on_exit(Process &process, const mp_event_task &event) {
  announce(process, std::string(event.comm, strnlen(event.comm, sizeof(event.comm))));
  threads_.erase(event.event.tid);
  const int signal = event.code & 0x7f;
  end_process(process, event.event.time_ns, signal ? -1 : static_cast<int>(event.code >> 8 & 0xff),
              signal ? signal : -1);
  targets_.remove(event.event.pid);
}

void Session::on_stack(const mp_event_stack &event, const uint64_t *frames) {
  if (Process *process = targets_.find(event.event.pid)) stacks_.add(*process, event, frames, batch_);
}

void Session::on_python_code(const mp_event_python_code &event, const uint8_t *line_table) {
  if (Process *process = targets_.find(event.event.pid)) stacks_.add_python_code(*process, event, line_table);
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
  batch_.add(head(operation, event.event.allocator), thread_of(event.event, *process), 0, event.address, 0,
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
  const KnownStack stack = stacks_.of_event(*process, event.stack, event.event, batch_);
  if (stack.is_inside_free) return;
  if (event.event.kind == MP_EVENT_UNMAP) {
    const uint32_t flags = stack.is_allocators ? MP_FLAG_INTERNAL : 0;
    batch_.add(head(MP_OPERATION_UNMAP, event.event.allocator, flags), thread, 0, event.address, event.size_bytes,
               event.event.time_ns);
    return;
  }
  batch_.add(head(MP_OPERATION_ALLOCATE, event.event.allocator, event.event.flags), thread, stack.index, event.address,
             event.size_bytes, event.event.time_ns);
}

void Session::on_remap(const mp_event_remap &event) {
  const mp_event &header = event.to.event;
  Process *process = process_of(header);
  if (!process) return;
  const uint32_t thread = thread_of(header, *process);
  if (event.old_size_bytes)
    batch_.add(head(MP_OPERATION_UNMAP, header.allocator), thread, 0, event.old_address, event.old_size_bytes,
               header.time_ns);
  batch_.add(head(MP_OPERATION_ALLOCATE, header.allocator, header.flags), thread,
             stacks_.of_event(*process, event.to.stack, header, batch_).index, event.to.address, event.to.size_bytes,
             header.time_ns);
}

}  // namespace mp
