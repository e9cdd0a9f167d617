#include "session.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include <cstring>

#include "clock.h"
#include "error.h"
#include "proc_info.h"
#include "python_threads.h"

namespace mp {
namespace {

constexpr uint64_t kRssIntervalNs = 10'000'000;
constexpr size_t kSymbolsPerPoll = 4096;
constexpr int kVanishedSamples = 100;
constexpr uint64_t kResynchronizationNs = 100'000'000;
constexpr uint64_t kThreadNamesNs = 20'000'000;

}  // namespace

Session::Session(const LoaderOptions &options)
    : selection_(options.selection),
      follow_fork_(options.follow_fork || selection_),
      start_ns_(monotonic_ns()),
      loader_(options),
      modules_(loader_, symbolizer_, options.allocator_prefixes),
      targets_(loader_, modules_, options.trace_python_allocators, selection_.kind == MP_SELECT_ALL),
      stacks_(symbolizer_, options.native_frames),
      ring_(ring_buffer__new(loader_.ring_fd(), handle_event, this, nullptr), ring_buffer__free) {
  if (!ring_) throw Error("LOAD", "cannot map the ring buffer", errno);
  // who is held must be let go, whatever user it has become
  if (follow_fork_ && !can_signal_anyone())
    throw Error("UNSUPPORTED", "to follow new processes mp needs CAP_KILL, too: run it with sudo", 0);
  wakes_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  epoll_event edge = {};
  edge.events = EPOLLIN | EPOLLET;
  if (!wakes_ || epoll_ctl(wakes_.get(), EPOLL_CTL_ADD, loader_.ring_fd(), &edge))
    throw Error("LOAD", "cannot wait for the ring buffer", errno);
}

Session::~Session() {
  // somebody may be held while tables are loaded, and nobody else would let it go
  if (!is_stopped()) loader_.end();
  loader_.release_all();
}

// Whoever stops processes has one. After a fork of ours, so that no target inherits its pipe.
void Session::guard() {
  if (!guard_) guard_.emplace(loader_.held_fd(), loader_.ended_fd());
}

void Session::wait(int timeout_ms) const {
  epoll_event event;
  epoll_wait(wakes_.get(), &event, 1, timeout_ms);
}

uint64_t Session::now_ns() const {
  return since_start(monotonic_ns());
}

uint32_t Session::launch(const LaunchOptions &options) {
  launched_ = std::make_unique<LaunchedProcess>(options);
  guard();
  Process &process = targets_.add(launched_->pid(), process_count_++, true, follow_fork_);
  origins_[process.index] = {"launch", -1};
  return process.pid;
}

void Session::start() {
  launched_->start();
}

Process *Session::add_running(uint32_t pid) {
  Process &process = targets_.add(pid, process_count_++, false, follow_fork_);
  origins_[process.index] = {"attach", -1};
  if (synchronize(process) && !process.mappings.empty()) return &process;
  targets_.remove(pid);
  return nullptr;
}

void Session::attach(uint32_t pid) {
  const int tgid = read_tgid(pid);
  if (tgid == 0) throw Error("NO_PROCESS", "No such process: " + std::to_string(pid), 0);
  if (static_cast<uint32_t>(tgid) != pid)
    throw Error("NO_PROCESS", std::to_string(pid) + " is a thread of process " + std::to_string(tgid) + "; trace that",
                0);
  if (follow_fork_) guard();
  Process *process = add_running(pid);
  if (!process)
    throw Error("NO_PROCESS", "process " + std::to_string(pid) + " has no memory to trace (kernel thread or ended)", 0);
  if (!process->python.refused.empty()) {
    const std::string reason = process->python.refused;
    targets_.remove(pid);
    throw Error("UNSUPPORTED",
                "cannot trace Python's allocator in process " + std::to_string(pid) + ": " + reason +
                    "; start the program with mp run --trace-python-allocators, or leave that option out",
                0);
  }
  announce(*process, read_comm(pid, pid), monotonic_ns());
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
  thread_rows_.begin_batch();
  poll_launched();
  if (deferred_bytes_) decode_event(deferred_event_.data(), std::exchange(deferred_bytes_, 0), *this);
  if (!is_stopped()) attach_selected();  // first: a busy ring fills every batch
  ring_buffer__consume(ring_.get());
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (!is_stopped()) {
    resynchronize_after_losses();
    if (!batch_.full(monotonic_ns())) sample_rss();
    if (!batch_.full(monotonic_ns())) sample_resident();
    name_python_threads();
  } else if (!std::exchange(has_sampled_last_, true)) {
    sample_last_resident();
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
      session.let_go(*event, size_bytes);
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
  loader_.end();
  stopped_losses_ = loader_.losses();
  targets_.stop();
  // Some may have been held since the last poll, and a recording that failed does not poll again.
  loader_.release_all();
}

std::map<std::string, uint64_t> Session::losses() const {
  auto losses = is_stopped() ? stopped_losses_ : loader_.losses();
  losses["event_invalid"] = invalid_events_;
  losses["child_lost"] += lost_children_;
  losses["process_unheld"] = unheld_;
  losses["thread_merged"] = thread_rows_.merged();
  losses["module_merged"] = modules_.merged();
  return losses;
}

// To look at a hundred processes takes longer than to look at one.
uint64_t Session::interval_ns(uint64_t of_few_ns) const {
  constexpr size_t kFew = 16;
  return of_few_ns * (1 + targets_.processes().size() / kFew);
}

void Session::sample_rss() {
  const uint64_t now = monotonic_ns();
  if (now < next_rss_ns_) return;
  next_rss_ns_ = now + interval_ns(kRssIntervalNs);
  for (const auto &[pid, process] : targets_.processes()) {
    if (batch_.full(now)) break;
    const uint64_t bytes = read_rss_bytes(pid);
    if (bytes) missing_.erase(pid);
    if (!bytes && has_ended(pid)) missing_[pid]++;
    if (!bytes || !process->announced) continue;
    batch_.add(record_head(MP_OPERATION_RSS), process->index, 0, 0, bytes, now);
    resident_.note(process->index, bytes, now);
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
  for (const auto &[pid, process] : targets_.processes()) synchronize(*process);
}

// Python's threads have names that the kernel does not know. They get them a moment after they have begun, and may
// change them. A thread keeps its index when its name is found: what it did before was done by the same thread. And a
// name is kept until the events of the thread have come, which may be long after its end.
void Session::name_python_threads() {
  const uint64_t now = monotonic_ns();
  if (now < next_thread_names_ns_) return;
  next_thread_names_ns_ = now + interval_ns(kThreadNamesNs);
  for (const auto &[pid, process] : targets_.processes()) {
    const PythonProcess &python = process->python;
    if (!python.module || !process->announced) continue;
    for (const auto &[tid, name] : read_python_thread_names(pid, *python.module->python, python.bias)) {
      python_names_[tid] = name;
      const auto found = threads_.find(tid);
      if (found == threads_.end() || found->second.index < 0 || found->second.shares_row) continue;
      if (found->second.name == name) continue;
      found->second.name = name;
      batch_.threads.push_back({static_cast<uint32_t>(found->second.index), process->index, tid, name});
    }
  }
}

// A process whose EXIT event was lost with others in a full ring would keep the capture open for ever.
void Session::forget_vanished() {
  forget_recent();
  for (const auto &[pid, samples] : std::map(missing_)) {
    if (samples < kVanishedSamples || batch_.full(monotonic_ns())) continue;
    missing_.erase(pid);
    if (Process *process = targets_.find(pid)) {
      announce(*process, "", monotonic_ns());
      end_process(*process, monotonic_ns(), -1, -1);
      targets_.remove(pid);
    }
  }
}

}  // namespace mp
