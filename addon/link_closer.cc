#include "link_closer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mp {
namespace {

constexpr size_t kMaxThreads = 32;

}  // namespace

LinkCloser::~LinkCloser() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  queued_.notify_all();
  for (std::thread &thread : threads_) thread.join();
}

void LinkCloser::close(std::vector<UniqueFd> links) {
  const std::lock_guard lock(mutex_);
  std::move(links.begin(), links.end(), std::back_inserter(queue_));
  for (size_t more = queue_.size() - std::min(queue_.size(), idle_); more && threads_.size() < kMaxThreads; more--)
    threads_.emplace_back([this] { run(); });
  queued_.notify_all();
}

void LinkCloser::wait() {
  std::unique_lock lock(mutex_);
  closed_.wait(lock, [this] { return queue_.empty() && !closing_; });
}

bool LinkCloser::is_idle() {
  const std::lock_guard lock(mutex_);
  return queue_.empty() && !closing_;
}

void LinkCloser::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_++;
    queued_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    idle_--;
    if (queue_.empty()) return;
    UniqueFd link = std::move(queue_.front());
    queue_.pop_front();
    closing_++;
    lock.unlock();
    link.reset();
    lock.lock();
    closing_--;
    if (queue_.empty() && !closing_) closed_.notify_all();
  }
}

}  // namespace mp
