#include "v8_pages.h"

#include <algorithm>
#include <map>
#include <optional>

namespace mp {
namespace {

constexpr uint64_t kPageBytes = 4096;
// V8 refuses objects that are larger (kMaxRegularHeapObjectSize, FixedArray::kMaxLength, in bytes).
constexpr uint64_t kMaxChunkBytes = 4ull << 30;
constexpr uint64_t kWordBytes = sizeof(uint64_t);

// One row for each version, which is the one of a line of Node releases. Files are those of V8's sources.
struct Version {
  int major, minor;
  V8ChunkLayout chunk;
};

constexpr Version kVersions[] = {
    // src/heap/memory-chunk-layout.h: Size, Flags, Heap, AreaStart, AreaEnd
    {10, 2, {0, 0, 16, 24, 32}},  // Node 18
    {11, 3, {0, 0, 16, 24, 32}},  // Node 20
    // src/heap/memory-chunk.h: flags, metadata; src/heap/memory-chunk-metadata.h: its fields stand behind them
    {12, 4, {8, 16, 24, 32, 40}},  // Node 22
    // The same files: metadata is a block of its own, which begins with VirtualMemory reservation_, allocated_bytes_,
    // wasted_memory_, high_water_mark_
    {13, 6, {8, 48, 64, 72, 56}},  // Node 24
};

class Headers {
 public:
  Headers(const V8ChunkLayout &layout, const MemoryReader &reader) : layout_(layout), reader_(reader) {}

  struct Chunk {
    uint64_t start, end, heap;
  };

  // nullopt: there is none.
  std::optional<Chunk> read(uint64_t address) const {
    uint64_t fields = address;
    if (layout_.metadata != 0) {
      const auto metadata = word(address, layout_.metadata);
      if (!metadata || *metadata == 0 || *metadata % kWordBytes != 0) return std::nullopt;
      fields = *metadata;
    }
    const auto area_start = word(fields, layout_.area_start);
    // most memory ends here
    if (!area_start || *area_start <= address || *area_start - address > kPageBytes * 4) return std::nullopt;
    const auto size = word(fields, layout_.size), heap = word(fields, layout_.heap);
    const auto area_end = word(fields, layout_.area_end);
    if (!size || !heap || !area_end) return std::nullopt;
    const bool is_size = *size >= kPageBytes && *size <= kMaxChunkBytes && *size % kPageBytes == 0;
    const bool is_area = *area_end >= *area_start && *area_end - address <= *size;
    if (!is_size || !is_area || *heap == 0 || *heap % kWordBytes != 0) return std::nullopt;
    return Chunk{address, address + *size, *heap};
  }

 private:
  std::optional<uint64_t> word(uint64_t address, uint64_t offset) const {
    uint64_t value;
    if (address > UINT64_MAX - offset - kWordBytes || !reader_(address + offset, &value, sizeof(value)))
      return std::nullopt;
    return value;
  }

  V8ChunkLayout layout_;
  const MemoryReader &reader_;
};

}  // namespace

const V8ChunkLayout *find_v8_chunk_layout(int major, int minor) {
  for (const Version &version : kVersions)
    if (version.major == major && version.minor == minor) return &version.chunk;
  return nullptr;
}

std::vector<AddressRange> find_v8_chunks(const V8ChunkLayout &layout, const std::vector<AddressRange> &ranges,
                                         const MemoryReader &reader) {
  const Headers headers(layout, reader);
  std::vector<Headers::Chunk> chunks;
  std::map<uint64_t, int> heaps;  // chunks of each
  for (const auto &[start, end] : ranges) {
    if (start > UINT64_MAX - kMaxChunkBytes) continue;
    for (uint64_t at = (start + kV8ChunkAlignment - 1) / kV8ChunkAlignment * kV8ChunkAlignment; at < end;) {
      const auto chunk = headers.read(at);
      if (chunk) {
        chunks.push_back(*chunk);
        heaps[chunk->heap]++;
      }
      at += kV8ChunkAlignment;
      if (at < kV8ChunkAlignment) break;
    }
  }
  std::sort(chunks.begin(), chunks.end(), [](const auto &a, const auto &b) { return a.start < b.start; });
  std::vector<AddressRange> found;
  for (const auto &chunk : chunks) {
    const bool is_inside = !found.empty() && chunk.start < found.back().second;
    if (heaps[chunk.heap] > 1 && !is_inside) found.emplace_back(chunk.start, chunk.end);
  }
  return found;
}

}  // namespace mp
