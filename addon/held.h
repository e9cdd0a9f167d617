#pragma once

#include <csignal>
#include <cstdint>

#include "../bpf/mp.h"

namespace mp {

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

}  // namespace mp
