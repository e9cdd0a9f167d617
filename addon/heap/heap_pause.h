// A process stands still for the moment in which its memory is read. It goes on when that is over, after a given time
// whatever happens, and when mp is killed: a small process of its own sees to that.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "../unique_fd.h"

namespace mp {

class HeapPause {
 public:
  // Stops it; one that was stopped already stays so afterwards. Throws Error.
  HeapPause(int pid, uint64_t max_ns);
  HeapPause(const HeapPause &) = delete;
  ~HeapPause();

  // Nanoseconds that it stood still; ends the pause.
  uint64_t end();
  // Whether it had to go on before end().
  bool was_cut() const { return was_cut_; }

 private:
  void continue_target();

  int pid_;
  uint64_t max_ns_;
  uint64_t began_ns_ = 0;
  uint64_t lasted_ns_ = 0;
  bool is_ours_ = false;
  bool was_cut_ = false;
  UniqueFd process_;  // of pidfd_open: a pid may be another's by now
  pid_t guard_ = -1;
  UniqueFd pipe_;  // end of file: the tracer died, or is done
};

}  // namespace mp
