// Chunks of events made by hand: columns of small numbers, in streams that are stored, not packed.
#pragma once

#include <cstdint>
#include <vector>

using Bytes = std::vector<uint8_t>;

inline void add_stream(Bytes &chunk, const uint8_t *bytes, size_t size_bytes) {
  if (size_bytes == 0) {
    chunk.push_back(0);
    return;
  }
  // RFC 1951, 3.2.4: the last block, stored; its length and the complement of that.
  const size_t packed = size_bytes + 5;
  for (size_t rest = packed; rest > 0; rest >>= 7) chunk.push_back((rest & 127) | (rest >= 128 ? 128 : 0));
  const uint8_t low = size_bytes & 255, high = (size_bytes >> 8) & 255;
  for (const uint8_t byte : {uint8_t{1}, low, high, uint8_t(~low), uint8_t(~high)}) chunk.push_back(byte);
  chunk.insert(chunk.end(), bytes, bytes + size_bytes);
}

// Each column: symbols, high, low.
inline Bytes make_chunk(uint8_t flags, const std::vector<Bytes> &streams) {
  Bytes chunk{0x1f, flags};
  for (const auto &stream : streams) add_stream(chunk, stream.data(), stream.size());
  return chunk;
}
