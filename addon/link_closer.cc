#include "link_closer.h"

#include <iterator>
#include <utility>

namespace mp {

LinkCloser::~LinkCloser() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LinkCloser::close(std::vector<UniqueFd> links) {
  {
    std::lock_guard lock(mutex_);
    queue_.insert(queue_.end(), std::make_move_iterator(links.begin()), std::make_move_iterator(links.end()));
  }
  changed_.notify_one();
}

void LinkCloser::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<UniqueFd> closing = std::exchange(queue_, {});
    lock.unlock();
    closing.clear();
    lock.lock();
  }
}

}  // namespace mp
