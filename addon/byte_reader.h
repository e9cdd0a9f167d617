// Reads little-endian values and LEB128 numbers from bytes that a target controls.
//
// No read goes past the end. A read that would sets ok() to false for good and gives 0, so that a parser may read a
// whole header and ask once:
//
//   ByteReader reader(data, size_bytes);
//   auto version = reader.read<uint8_t>();
//   uint64_t length_bytes = reader.uleb();
//   if (!reader.ok()) return std::nullopt;
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mp {

class ByteReader {
 public:
  ByteReader(const uint8_t *data, size_t size_bytes) : begin_(data), at_(data), end_(data + size_bytes) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool at_end() const { return at_ == end_; }
  size_t position() const { return static_cast<size_t>(at_ - begin_); }
  const uint8_t *data() const { return at_; }

  template <class T>
  T read() {
    T value{};
    if (remaining() < sizeof(T)) {
      fail();
      return value;
    }
    memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  uint64_t uleb() {
    unsigned shift = 0;
    return leb(&shift);
  }

  int64_t sleb() {
    unsigned shift = 0;
    uint64_t value = leb(&shift);
    bool negative = ok_ && (at_[-1] & 0x40) != 0;
    if (negative && shift < 64) value |= ~uint64_t{0} << shift;
    return static_cast<int64_t>(value);
  }

  // Up to, and past, the next NUL.
  std::string_view c_string() {
    const void *nul = at_end() ? nullptr : memchr(at_, 0, remaining());
    if (nul == nullptr) {
      fail();
      return {};
    }
    std::string_view text(reinterpret_cast<const char *>(at_),
                          static_cast<size_t>(static_cast<const uint8_t *>(nul) - at_));
    at_ += text.size() + 1;
    return text;
  }

  // A reader of the next `size_bytes` bytes, which this one skips.
  ByteReader take(uint64_t size_bytes) {
    if (size_bytes > remaining()) {
      fail();
      return ByteReader(at_, 0);
    }
    ByteReader part(at_, static_cast<size_t>(size_bytes));
    at_ += size_bytes;
    return part;
  }

 private:
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  uint64_t leb(unsigned *shift) {
    uint64_t value = 0;
    while (at_ < end_) {
      uint8_t byte = *at_++;
      if (*shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << *shift;
      *shift += 7;
      if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }

  const uint8_t *begin_;
  const uint8_t *at_;
  const uint8_t *end_;
  bool ok_ = true;
};

}  // namespace mp
