#include "stack_indexes.h"

namespace mp {
namespace {

// FNV-1a over words, mixed at the end. Never compared by content: 64 bits are enough to tell stacks apart.
uint64_t hash_stack(const char *status, const std::vector<uint32_t> &locations) {
  uint64_t hash = 0xcbf29ce484222325ull;
  const auto mix = [&](uint64_t word) { hash = (hash ^ word) * 0x100000001b3ull; };
  for (const char *c = status; *c; c++) mix(static_cast<unsigned char>(*c));
  for (uint32_t location : locations) mix(location + 0x100ull);
  hash ^= hash >> 32;
  return hash * 0x9E3779B97F4A7C15ull;
}

}  // namespace

StackIndexes::Added StackIndexes::add(const char *&status, std::vector<uint32_t> &locations) {
  const uint64_t hash = hash_stack(status, locations);
  if (const auto found = indexes_.find(hash); found != indexes_.end()) return {found->second, false};
  const bool has_room = indexes_.size() < limits_.stacks && frames_ + locations.size() <= limits_.frames;
  if (!has_room && locations.size() > 1) {
    locations.resize(1);
    status = "merged";
    return add(status, locations);
  }
  const auto index = static_cast<uint32_t>(indexes_.size());
  indexes_.emplace(hash, index);
  frames_ += locations.size();
  return {index, true};
}

}  // namespace mp
