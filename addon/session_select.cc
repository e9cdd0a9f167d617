// Processes that nobody gave by pid: those that run already, a few at each poll, and those that begin.
#include <string>
#include <vector>

#include "clock.h"
#include "error.h"
#include "proc_info.h"
#include "session.h"

namespace mp {
namespace {

// Beginnings are told by the kernel; this is for those of the first moment, and for who took another name or cgroup.
constexpr uint64_t kScanNs = 1'000'000'000;
constexpr uint32_t kFirstScans = 4;
// The ring fills while a process gets its probes and tables.
constexpr uint64_t kAttachNs = 10'000'000;

}  // namespace

void Session::attach_selected() {
  if (!selection_) return;
  guard();  // it is found as a child of the tracer
  const uint64_t now = monotonic_ns();
  if (selected_.empty() && now >= next_scan_ns_) scan();
  while (!selected_.empty() && !batch_.full(now) && monotonic_ns() < now + kAttachNs) {
    const uint32_t pid = selected_.back();
    selected_.pop_back();
    attach_selected(pid);
  }
}

// At once again as long as somebody is found: others begin meanwhile. But not for ever, on a machine that is busy.
void Session::scan() {
  if (++scans_ > 1) is_settled_ = true;
  selected_ = find_selected(selection_,
                            [this](uint32_t pid) { return loader_.has_process(pid) || unselectable_.count(pid) > 0; });
  std::erase_if(unselectable_, [](uint32_t pid) { return has_ended(pid); });
  if (selected_.empty()) is_settled_ = true;
  if (selected_.empty() || scans_ > kFirstScans) next_scan_ns_ = monotonic_ns() + kScanNs;
}

void Session::attach_selected(uint32_t pid) {
  if (loader_.has_process(pid)) return;
  if (targets_.is_full()) {
    lost_children_++;
    unselectable_.insert(pid);
    return;
  }
  Process *process = add_running(pid);
  if (!process) {
    unselectable_.insert(pid);
    return;
  }
  if (!process->python.refused.empty())
    process->warning = "small objects of Python are not traced: " + process->python.refused;
  announce(*process, read_comm(pid, pid), monotonic_ns());
}

// BPF knows it already.
void Session::on_selected(const mp_event_task &event) {
  const uint32_t pid = event.event.pid;
  if (targets_.is_full()) {
    lost_children_++;
    unselectable_.insert(pid);
    loader_.clear_process_slot(pid);
    return;
  }
  if (!(event.event.flags & MP_FLAG_HELD)) unheld_++;
  Process &process = targets_.add(pid, process_count_++, false, true);
  process.hold = true;
  origins_[process.index] = {"exec", -1};
  on_mappings(process);
}

// One process that can't be probed is no reason to end the recording of the others.
bool Session::synchronize(Process &process) {
  if (!selection_) return targets_.synchronize(process);
  try {
    return targets_.synchronize(process);
  } catch (const Error &error) {
    const std::string text = "not everything of process " + std::to_string(process.pid) + " is traced: " + error.what();
    if (process.announced)
      batch_.warnings.push_back({process.index, text});
    else
      process.warning = text;
    return true;
  }
}

}  // namespace mp
