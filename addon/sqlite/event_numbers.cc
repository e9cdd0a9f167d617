#include "event_numbers.h"

#include <zlib.h>

namespace mp {
namespace {

constexpr uint64_t kFirstClass = 128;
constexpr unsigned kFirstExponent = 7;
constexpr unsigned kLastExponent = 52;
constexpr size_t kMostLowBytes = 6;
constexpr unsigned kMostLengthBits = 28;

}  // namespace

std::optional<size_t> EventStreams::length() {
  size_t value = 0;
  for (unsigned shift = 0; shift < kMostLengthBits && data_.size_bytes > 0; shift += 7) {
    const uint8_t byte = *data_.bytes++;
    data_.size_bytes--;
    value |= static_cast<size_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

bool EventStreams::next(size_t most_bytes, std::vector<uint8_t> &out) {
  out.clear();
  const auto size_bytes = length();
  if (!size_bytes || *size_bytes > data_.size_bytes) return false;
  if (*size_bytes == 0) return true;
  out.resize(most_bytes + 1);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = const_cast<Bytef *>(data_.bytes);
  stream.avail_in = static_cast<uInt>(*size_bytes);
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  data_.bytes += *size_bytes;
  data_.size_bytes -= *size_bytes;
  return result == Z_STREAM_END && out.size() <= most_bytes;
}

bool EventNumbers::open(EventStreams &streams, size_t most) {
  symbol_ = high_at_ = low_at_ = 0;
  return streams.next(most, symbols_) && streams.next(most, high_) && streams.next(most * kMostLowBytes, low_);
}

std::optional<uint64_t> EventNumbers::next() {
  if (symbol_ >= symbols_.size()) return std::nullopt;
  const uint8_t symbol = symbols_[symbol_++];
  if (symbol < kFirstClass) return symbol;
  const unsigned exponent = kFirstExponent + ((symbol - kFirstClass) >> 1);
  if (exponent > kLastExponent) return std::nullopt;
  uint64_t value = 0;
  unsigned bits = exponent - 1, shift = 0;
  for (; bits >= 8; bits -= 8, shift += 8) {
    if (low_at_ >= low_.size()) return std::nullopt;
    value |= static_cast<uint64_t>(low_[low_at_++]) << shift;
  }
  if (bits > 0) {
    if (high_at_ >= high_.size()) return std::nullopt;
    value |= static_cast<uint64_t>(high_[high_at_++] & ((1u << bits) - 1)) << shift;
  }
  return value + (static_cast<uint64_t>(2 + (symbol & 1)) << (exponent - 1));
}

}  // namespace mp
