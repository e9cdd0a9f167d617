#pragma once

#include "../bpf/mp.h"
#include "loader.h"

namespace mp {

// Lets a process go that was held when the event was made, whatever becomes of the event.
class Release {
 public:
  Release(Loader &loader, const mp_event &event, uint32_t pid)
      : loader_(loader), pid_(event.flags & MP_FLAG_HELD ? pid : 0) {}
  Release(const Release &) = delete;
  ~Release() {
    if (pid_) loader_.release(pid_);
  }

 private:
  Loader &loader_;
  uint32_t pid_;
};

}  // namespace mp
