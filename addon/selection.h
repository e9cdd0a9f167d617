// Which processes are traced without being given by pid, as the kernel's side decides it too (bpf/select.bpf.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "../bpf/mp.h"

namespace mp {

struct Selection {
  mp_selection_kind kind = MP_SELECT_NONE;
  std::string comm;            // names that the kernel has cut are the same
  uint32_t hierarchy = 0;      // of the cgroup, as in /proc/PID/cgroup; 0: version 2
  uint64_t cgroup = 0;         // inode of its directory
  std::string cgroup_path;     // as in /proc/PID/cgroup; those below are selected, too
  std::vector<int> strangers;  // pids that are not traced: other tracers

  explicit operator bool() const { return kind != MP_SELECT_NONE; }
  mp_selection for_kernel() const;
};

// Pids of the running programs that are selected, without the tracer, what it started, and those that are known.
std::vector<uint32_t> find_selected(const Selection &selection, const std::function<bool(uint32_t)> &is_known);

}  // namespace mp
