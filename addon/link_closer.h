// Closes BPF links in the background. Closing one waits for the kernel's grace periods, 30 to 80 ms a link: not
// something for the thread that drains the ring. Threads that wait at the same time share the grace periods, so there
// are many.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "unique_fd.h"

namespace mp {

class LinkCloser {
 public:
  LinkCloser() = default;
  LinkCloser(const LinkCloser &) = delete;
  // Waits for what is still open.
  ~LinkCloser();
  void close(std::vector<UniqueFd> links);
  // Returns when everything that was handed over is closed.
  void wait();
  bool is_idle();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable queued_, closed_;
  std::deque<UniqueFd> queue_;
  size_t closing_ = 0, idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mp
