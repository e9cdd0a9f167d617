#include "v8_pages.h"

#include <cstring>
#include <map>
#include <string>

#include "check.h"

using namespace mp;

namespace {

constexpr uint64_t kChunk = kV8ChunkAlignment;
constexpr uint64_t kHeap = 0x3381cea0;

// Words by address; what was not put there can't be read.
class Memory {
 public:
  explicit Memory(const V8ChunkLayout &layout) : layout_(layout) {}

  void put(uint64_t address, uint64_t word) { words_[address] = word; }
  void remove(uint64_t address) { words_.erase(address); }

  uint64_t fields(uint64_t address) const {
    if (layout_.metadata == 0) return address;
    return layout_.size == 16 ? address : address / 16 + 8;  // in the chunk, or somewhere else
  }

  void put_chunk(uint64_t address, uint64_t size = kChunk, uint64_t heap = kHeap) {
    if (layout_.metadata != 0) put(address + layout_.metadata, fields(address));
    put(fields(address) + layout_.size, size);
    put(fields(address) + layout_.heap, heap);
    put(fields(address) + layout_.area_start, address + 0x1148);
    put(fields(address) + layout_.area_end, address + size);
  }

  std::vector<AddressRange> find(const std::vector<AddressRange> &ranges) const {
    return find_v8_chunks(layout_, ranges, [this](uint64_t address, void *to, size_t size_bytes) {
      const auto found = words_.find(address);
      if (found == words_.end() || size_bytes != 8) return false;
      memcpy(to, &found->second, 8);
      return true;
    });
  }

 private:
  V8ChunkLayout layout_;
  std::map<uint64_t, uint64_t> words_;
};

constexpr uint64_t kBase = 0x2b82c00000;

// As `body` finds memory with two chunks.
template <typename Body>
void with_each_version(Body body) {
  for (const auto &[major, minor] : {std::pair{10, 2}, {11, 3}, {12, 4}, {13, 6}}) {
    const auto *layout = find_v8_chunk_layout(major, minor);
    REQUIRE(layout != nullptr);
    Memory memory(*layout);
    memory.put_chunk(kBase);
    memory.put_chunk(kBase + 4 * kChunk, 3 * kChunk + 4096);
    body(memory, *layout);
  }
}

constexpr AddressRange kAll = {kBase - 100, kBase + 16 * kChunk};

}  // namespace

TEST(finds_pages_and_large_objects_in_every_version) {
  with_each_version([](Memory &memory, const V8ChunkLayout &) {
    const auto chunks = memory.find({kAll});
    REQUIRE(chunks.size() == 2);
    CHECK_EQ(chunks[0].first, kBase);
    CHECK_EQ(chunks[0].second, kBase + kChunk);
    CHECK_EQ(chunks[1].second, kBase + 7 * kChunk + 4096);
    CHECK_EQ(memory.find({{kBase + 8, kBase + 16 * kChunk}}).size(), 0u);  // one alone
    CHECK_EQ(memory.find({}).size(), 0u);
  });
}

TEST(an_unknown_version_has_no_layout) {
  CHECK(find_v8_chunk_layout(9, 4) == nullptr);
  CHECK(find_v8_chunk_layout(12, 5) == nullptr);
}

TEST(numbers_that_do_not_fit_each_other_are_no_header) {
  with_each_version([](Memory &intact, const V8ChunkLayout &layout) {
    const uint64_t fields = intact.fields(kBase);
    const std::pair<uint64_t, uint64_t> damages[] = {
        {layout.size, 0},
        {layout.size, kChunk + 1},
        {layout.size, 4096},
        {layout.size, ~0ull << 12},
        {layout.heap, 0},
        {layout.heap, kHeap + 1},
        {layout.area_start, kBase},
        {layout.area_start, kBase - 8},
        {layout.area_start, kBase + 5 * 4096},
        {layout.area_end, kBase},
        {layout.area_end, kBase + kChunk + 8},
        {layout.area_end, ~0ull},
    };
    for (const auto &[field, value] : damages) {
      Memory memory = intact;
      memory.put_chunk(kBase + 8 * kChunk);
      memory.put(fields + field, value);
      CHECK_EQ(memory.find({kAll}).size(), 2u);
    }
    for (const uint64_t field : {layout.size, layout.heap, layout.area_start, layout.area_end}) {
      Memory memory = intact;
      memory.put_chunk(kBase + 8 * kChunk);
      memory.remove(fields + field);
      CHECK_EQ(memory.find({kAll}).size(), 2u);
    }
    if (layout.metadata == 0) return;
    for (const uint64_t pointer : {uint64_t{0}, fields + 1, ~uint64_t{7}, ~uint64_t{0}}) {
      Memory memory = intact;
      memory.put_chunk(kBase + 8 * kChunk);
      memory.put(kBase + layout.metadata, pointer);
      CHECK_EQ(memory.find({kAll}).size(), 2u);
    }
  });
}

TEST(a_heap_with_one_chunk_is_none) {
  with_each_version([](Memory &memory, const V8ChunkLayout &) {
    memory.put_chunk(kBase + 8 * kChunk, kChunk, kHeap + 64);
    CHECK_EQ(memory.find({kAll}).size(), 2u);
    memory.put_chunk(kBase + 9 * kChunk, kChunk, kHeap + 64);  // another isolate
    CHECK_EQ(memory.find({kAll}).size(), 4u);
  });
}

TEST(what_looks_like_a_header_inside_a_large_object_counts_once) {
  with_each_version([](Memory &memory, const V8ChunkLayout &) {
    memory.put_chunk(kBase + 5 * kChunk);
    const auto chunks = memory.find({kAll});
    REQUIRE(chunks.size() == 2);
    CHECK_EQ(chunks[1].first, kBase + 4 * kChunk);
  });
}

TEST(the_end_of_the_address_space) {
  with_each_version([](Memory &memory, const V8ChunkLayout &) {
    CHECK_EQ(memory.find({{~0ull - 16 * kChunk, ~0ull}}).size(), 0u);
    CHECK_EQ(memory.find({{~0ull, 0}, {kBase + 1, kBase}}).size(), 0u);
  });
}
