#include "thread_rows.h"

#include <algorithm>

namespace mp {

ThreadRows::Row ThreadRows::add(uint32_t process, const std::string &comm) {
  OfProcess &of_process = processes_[process];
  auto &ended = of_process.ended;
  if (of_process.rows < rows_ || ended.empty()) {
    of_process.rows++;
    return {next_++, false};
  }
  auto taken = std::find_if(ended.begin(), ended.end(), [&](const Ended &other) { return other.comm == comm; });
  if (taken == ended.end()) taken = ended.begin();
  const uint32_t index = taken->index;
  ended.erase(taken);
  merged_++;
  return {index, true};
}

void ThreadRows::end(uint32_t process, uint32_t index, const std::string &comm) {
  ended_now_.emplace_back(process, Ended{index, comm});
}

void ThreadRows::begin_batch() {
  for (auto &[process, ended] : ended_now_)
    if (const auto found = processes_.find(process); found != processes_.end())
      found->second.ended.push_back(std::move(ended));
  ended_now_.clear();
}

}  // namespace mp
