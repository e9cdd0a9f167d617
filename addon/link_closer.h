// Closes BPF links in the background. Closing one waits for the kernel's grace periods, 30 ms a link: not something for
// the thread that drains the ring.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "unique_fd.h"

namespace mp {

class LinkCloser {
 public:
  LinkCloser() : thread_([this] { run(); }) {}
  // Waits for what is still open.
  ~LinkCloser();
  void close(std::vector<UniqueFd> links);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<UniqueFd> queue_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace mp
