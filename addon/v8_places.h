// The places in JavaScript that BPF has sent, and what they stand for.
//
// A place means the same until the next mark-compact collection begins. So places are kept by the collections that had
// begun and ended when they were sent: what is said of an address before a collection is never believed of it after.
// BPF sends a place once, and stacks refer to it from then on:
//
//     V8_PLACES 3 3   a b c
//     STACK     3 3   a b c
//     STACK     3 3   a b
//     STACK     4 3   a b        a collection is under way: nothing is known of these
//     V8_PLACES 4 4   a d        other functions may be there now
//
// Events of several threads can come a moment late: what was known before the last collections is kept for those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "../bpf/mp.h"

namespace mp {

struct V8Place {
  static constexpr uint32_t kNoLocation = UINT32_MAX;

  uint64_t shared = 0;  // SharedFunctionInfo of its function
  uint32_t location = kNoLocation;
  uint32_t attempts = 0;  // to read its function
};

class V8Places {
 public:
  using ByPlace = std::unordered_map<uint64_t, V8Place>;

  // Of one generation: far more than the calls in a program.
  static constexpr size_t kMaxPlaces = 1 << 18;
  // Each collection makes two: while it is under way, and afterwards.
  static constexpr size_t kMaxGenerations = 4;

  // Takes note of these collections; true if no event before had them, or later ones.
  bool begin(uint32_t begun, uint32_t ended) {
    if (!generations_.empty() && !generations_.back().is_before(begun, ended)) return false;
    generations_.push_back({begun, ended, {}});
    if (generations_.size() > kMaxGenerations) generations_.pop_front();
    return true;
  }

  void add(const mp_event_v8_places &event, const mp_v8_place *places) {
    ByPlace *known = of(event.begun, event.ended);
    if (known == nullptr) return;
    for (uint32_t i = 0; i < event.count && known->size() < kMaxPlaces; i++)
      known->try_emplace(places[i].place, V8Place{places[i].shared});
  }

  // nullptr: these collections were never begun, or too many since.
  ByPlace *of(uint32_t begun, uint32_t ended) {
    for (auto generation = generations_.rbegin(); generation != generations_.rend(); ++generation)
      if (generation->begun == begun && generation->ended == ended) return &generation->places;
    return nullptr;
  }

 private:
  struct Generation {
    uint32_t begun, ended;
    ByPlace places;

    // Both only grow, and may wrap around.
    bool is_before(uint32_t other_begun, uint32_t other_ended) const {
      return static_cast<int32_t>(other_begun - begun + other_ended - ended) > 0;
    }
  };

  std::deque<Generation> generations_;  // newest last
};

}  // namespace mp
