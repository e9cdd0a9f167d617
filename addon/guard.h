// Targets are stopped for moments while tables are loaded. A tracer that is killed in such a moment must not leave one
// stopped: a small process holds the other end of a pipe, the map of who is stopped and the one that ends that
// (bpf/hold.bpf.h). It lets them go when the tracer's end closes unannounced.
#pragma once

#include <sys/types.h>

#include "unique_fd.h"

namespace mp {

class Guard {
 public:
  // Forks the guard. Throws Error.
  Guard(int held_map, int ended_map);
  Guard(const Guard &) = delete;
  // Dismisses it.
  ~Guard();

 private:
  pid_t pid_ = -1;
  UniqueFd pipe_;  // a byte: all is well; end of file: the tracer died
};

}  // namespace mp
