// The memory of a process whose objects are read: copied in large pieces, because a call into the kernel for each
// object would take longer than all else, and kept as long as there is room.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "../process_memory.h"

namespace mp {

class HeapMemory {
 public:
  static constexpr uint64_t kPieceBytes = 64 << 10;
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kMaxKeptBytes = 256 << 20;
  static constexpr uint64_t kMaxAddress = 1ull << 47;  // user space of x86-64
  // More than a hundred million objects need. What leads in a circle ends here.
  static constexpr uint64_t kMaxCopiedBytes = 64ull << 30;

  explicit HeapMemory(MemoryReader reader, uint64_t max_copied_bytes = kMaxCopiedBytes)
      : reader_(std::move(reader)), left_bytes_(max_copied_bytes) {}

  // false if not all of it can be read.
  bool read_bytes(uint64_t address, void *to, uint64_t size_bytes) {
    if (address >= kMaxAddress || size_bytes > kMaxAddress - address || size_bytes > left_bytes_) return false;
    left_bytes_ -= size_bytes;
    auto *out = static_cast<uint8_t *>(to);
    while (size_bytes > 0) {
      const uint64_t offset = address % kPieceBytes;
      const uint64_t part = std::min(size_bytes, kPieceBytes - offset);
      const Piece &piece = piece_at(address - offset);
      for (uint64_t page = offset / kPageBytes; page <= (offset + part - 1) / kPageBytes; page++)
        if ((piece.readable >> page & 1) == 0) return false;
      memcpy(out, piece.bytes.data() + offset, part);
      address += part;
      out += part;
      size_bytes -= part;
    }
    return true;
  }

  template <typename T>
  std::optional<T> read(uint64_t address) {
    T value;
    if (!read_bytes(address, &value, sizeof(value))) return std::nullopt;
    return value;
  }

  bool is_exhausted() const { return left_bytes_ < kPageBytes; }

  // Memory is read anew from here on.
  void forget() {
    pieces_.clear();
    recent_.fill(nullptr);
  }

 private:
  static constexpr size_t kRecent = 1024;

  struct Piece {
    uint64_t address = 0;
    uint16_t readable = 0;  // bit n: page n
    std::array<uint8_t, kPieceBytes> bytes;
  };

  const Piece &piece_at(uint64_t address) {
    Piece *&recent = recent_[address / kPieceBytes % kRecent];
    if (recent != nullptr && recent->address == address) return *recent;
    auto known = pieces_.find(address);
    if (known == pieces_.end()) {
      if ((pieces_.size() + 1) * kPieceBytes > kMaxKeptBytes) forget();
      known = pieces_.emplace(address, copy(address)).first;
    }
    return *(recent = known->second.get());
  }

  std::unique_ptr<Piece> copy(uint64_t address) {
    std::unique_ptr<Piece> piece(new Piece);
    piece->address = address;
    if (reader_(address, piece->bytes.data(), kPieceBytes)) {
      piece->readable = 0xffff;
      return piece;
    }
    for (uint64_t page = 0; page < kPieceBytes / kPageBytes; page++)
      if (reader_(address + page * kPageBytes, piece->bytes.data() + page * kPageBytes, kPageBytes))
        piece->readable |= static_cast<uint16_t>(1 << page);
    return piece;
  }

  MemoryReader reader_;
  uint64_t left_bytes_;
  std::unordered_map<uint64_t, std::unique_ptr<Piece>> pieces_;  // by address
  std::array<Piece *, kRecent> recent_ = {};                     // by address modulo its size
};

}  // namespace mp
