// The distinct stacks of a capture, numbered in the order in which they came.
//
// What a recording holds grows with them, in the recorder as in the file. A program that calls itself in ever new ways,
// or makes new code all the time, could have any number: when there are as many as fit, further ones are merged, all
// with the same innermost frame into one, which says so by its status. No allocation is lost by that, only its callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace mp {

class StackIndexes {
 public:
  struct Limits {
    size_t stacks = size_t{1} << 19;
    size_t frames = size_t{16} << 20;  // of all of them together
  };
  struct Added {
    uint32_t index;
    bool is_new;
  };

  StackIndexes() = default;
  explicit StackIndexes(const Limits &limits) : limits_(limits) {}

  // `locations`: innermost first. Both are changed when the stack is merged.
  Added add(const char *&status, std::vector<uint32_t> &locations);

 private:
  Limits limits_;
  size_t frames_ = 0;
  std::unordered_map<uint64_t, uint32_t> indexes_;  // by hash of status and locations
};

}  // namespace mp
