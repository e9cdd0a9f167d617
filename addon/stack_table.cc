#include "stack_table.h"

namespace mp {
namespace {

// A stack is hashed a moment before its event gets its time.
constexpr uint64_t kGraceNs = 1'000'000'000;

}  // namespace

KnownStack *StackTable::find(uint64_t hash, uint64_t time_ns) {
  while (generations_.size() > 1 && time_ns > generations_.front().retired_ns + kGraceNs) generations_.pop_front();
  for (auto generation = generations_.rbegin(); generation != generations_.rend(); ++generation)
    if (const auto found = generation->stacks.find(hash); found != generation->stacks.end())
      return generation->was_full ? &(add(hash, time_ns) = found->second) : &found->second;
  return nullptr;
}

KnownStack &StackTable::add(uint64_t hash, uint64_t time_ns) {
  if (generations_.back().stacks.size() >= capacity_) {
    generations_.back().was_full = true;
    new_seed(time_ns);
  }
  return generations_.back().stacks[hash];
}

void StackTable::new_seed(uint64_t time_ns) {
  generations_.back().retired_ns = time_ns;
  generations_.emplace_back();
}

}  // namespace mp
