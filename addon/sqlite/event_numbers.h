// Columns of numbers in a chunk of events: the format is described in src/store/number-streams.ts. Anything may be in
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mp {

struct ByteSpan {
  const uint8_t *bytes = nullptr;
  size_t size_bytes = 0;
};

// Deflated streams one after the other.
class EventStreams {
 public:
  explicit EventStreams(ByteSpan data) : data_(data) {}

  // Unpacks the next one into `out`. False if it is damaged or has more bytes than that.
  bool next(size_t most_bytes, std::vector<uint8_t> &out);

 private:
  std::optional<size_t> length();

  ByteSpan data_;
};

class EventNumbers {
 public:
  // Takes a column of at most `most` numbers. False if it is damaged.
  bool open(EventStreams &streams, size_t most);
  // Nothing if there is none left.
  std::optional<uint64_t> next();

 private:
  std::vector<uint8_t> symbols_, high_, low_;
  size_t symbol_ = 0, high_at_ = 0, low_at_ = 0;
};

// 0, -1, 1, -2 … of 0, 1, 2, 3 …
inline int64_t unzigzag(uint64_t value) {
  const auto half = static_cast<int64_t>(value / 2);
  return value % 2 == 0 ? half : -half - 1;
}

}  // namespace mp
