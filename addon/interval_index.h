// Which range contains an address, for ranges that may nest: functions of a symbol table, units and functions of DWARF.
//
//   add(10, 50, outer)  add(20, 30, inner)  add(60, 70, next)   sort()
//   find(25) inner     find(40) outer     find(55) nothing     find(60) next
//
// Ranges are sorted by start. From the last one that starts at or before the address the search walks back until one
// contains it, or until no earlier range reaches that far. Ranges that cross instead of nesting, which only a wrong
// file has, end the walk after kMaxSteps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mp {

template <class Value>
class IntervalIndex {
 public:
  // [start, end)
  void add(uint64_t start, uint64_t end, Value value) {
    if (start < end) ranges_.push_back({start, end, 0, value});
  }

  size_t size() const { return ranges_.size(); }

  // To be called once between the last add and the first find. Of equal ranges the one added first is found.
  void sort() {
    std::stable_sort(ranges_.begin(), ranges_.end(), [](const Range &a, const Range &b) {
      return a.start != b.start ? a.start < b.start : a.end > b.end;
    });
    auto same = [](const Range &a, const Range &b) { return a.start == b.start && a.end == b.end; };
    ranges_.erase(std::unique(ranges_.begin(), ranges_.end(), same), ranges_.end());
    uint64_t reach = 0;
    for (Range &range : ranges_) range.reach = reach = std::max(reach, range.end);
  }

  // nullptr if no range contains the address.
  const Value *find(uint64_t address) const {
    auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                  [](uint64_t value, const Range &range) { return value < range.start; });
    for (size_t step = 0; step < kMaxSteps && after != ranges_.begin(); step++) {
      --after;
      if (address < after->end) return &after->value;
      if (address >= after->reach) return nullptr;
    }
    return nullptr;
  }

 private:
  static constexpr size_t kMaxSteps = 4096;

  struct Range {
    uint64_t start;
    uint64_t end;
    uint64_t reach;  // largest end of this and all earlier ranges
    Value value;
  };
  std::vector<Range> ranges_;
};

}  // namespace mp
