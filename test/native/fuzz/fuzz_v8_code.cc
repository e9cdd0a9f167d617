// Any words as the memory of a program with V8 in it, those of the input over and over, in which a Code and the object
// with its instructions refer to each other. Reading ends, and is limited.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "v8_code.h"

namespace {

// The front of the input. Words follow.
struct Header {
  uint8_t version;     // modulo the number of layouts
  uint8_t pc;          // in steps of 16 bytes from the first instruction
  uint16_t reads;      // how many reads succeed
  uint32_t words[32];  // of the Code: what its fields hold that no other object must know
};

constexpr uint64_t kBase = 0x100000, kStart = kBase + 1024, kCode = kBase + 4096, kMap = kBase + 8192;
constexpr size_t kMemoryBytes = 1 << 14;
constexpr uint16_t kMapType = 250, kCodeType = 251, kSharedType = 252, kByteCodeType = 253;

mp::V8Layout heap_layout() {
  mp::V8Layout layout;
  layout.map_instance_type = 12;
  layout.types.map = kMapType;
  layout.types.code = kCodeType;
  layout.types.shared_function_info = kSharedType;
  layout.types.bytecode_array = kByteCodeType;
  layout.function_shared = 24;
  layout.shared_data = 8;
  layout.array_length = 8;
  layout.bytecode_length = 8;
  layout.array_elements = 16;
  layout.bytecode_bytes = 56;
  return layout;
}

mp::V8CodeLayout code_layout(int version) {
  mp::V8CodeLayout layout{};
  const bool is_10_2 = version == 0, is_13_6 = version == 2;
  layout.stream = is_10_2 ? decltype(layout.stream){mp::kNoV8Offset, 128} : decltype(layout.stream){8, 32};
  layout.code = {32, 40, 48, 52, 56, 8, 16};
  layout.kinds = {10, 11, 12};
  layout.deoptimization =
      is_13_6 ? decltype(layout.deoptimization){0, 3, 2, 12} : decltype(layout.deoptimization){0, 2, 0, 11};
  layout.turbofan_safepoints = {uint8_t(is_13_6 ? 4 : 0), uint8_t(is_13_6 ? 12 : 8), false};
  layout.maglev_safepoints = {uint8_t(is_13_6 ? 4 : 0), 16, true};
  layout.translations = {{6, 4, 3, 2, 3, 3, 1, 1}, {4, 5}, {0, 1}, {2, 2}, !is_10_2, is_13_6};
  for (auto &sizes : layout.byte_codes.by_scale) sizes.assign(200, 2);
  return layout;
}

class Memory {
 public:
  Memory(const Header &header, const mp::V8CodeLayout &layout, const uint8_t *data, size_t size_bytes)
      : reads_left_(header.reads) {
    const size_t count = size_bytes / sizeof(uint64_t);
    for (size_t i = 0; count > 0 && i < bytes_.size() / sizeof(uint64_t); i++) {
      uint64_t word;
      memcpy(&word, data + i % count * sizeof(word), sizeof(word));
      put(kBase + i * sizeof(word), as_word(word));
    }
    const uint64_t stream = kStart - layout.stream.instructions;
    const uint64_t code = layout.stream.code == mp::kNoV8Offset ? stream : kCode;
    memcpy(&bytes_[code % bytes_.size()], header.words, sizeof(header.words));
    for (const uint16_t offset : {layout.code.data, layout.code.offset_table})
      put(code + offset, as_word(header.words[offset / sizeof(uint32_t)]));
    put(stream, kMap + 1);
    put(code, kMap + 1);
    put(kMap, kMap + 64 + 1);
    put(kMap + 8, uint64_t{kCodeType} << 32);
    put(kMap + 64, kMap + 64 + 1);
    put(kMap + 64 + 8, uint64_t{kMapType} << 32);
    if (code == stream) return;
    put(stream + layout.stream.code, code + 1);
    put(code + layout.code.stream, stream + 1);
    put(code + layout.code.instruction_start, kStart);
  }

  bool read(uint64_t address, void *to, size_t size_bytes) {
    if (++reads_ > mp::V8Memory::kMaxReads) abort();
    if (reads_left_ == 0 || address < kBase - 4 * kMemoryBytes || address > kBase + 64 * kMemoryBytes) return false;
    reads_left_--;
    auto *out = static_cast<uint8_t *>(to);
    for (size_t i = 0; i < size_bytes; i++) out[i] = bytes_[(address + i) % bytes_.size()];
    return true;
  }

 private:
  // Odd ones refer to an object.
  static uint64_t as_word(uint64_t word) { return word % 2 == 0 ? word : kBase + word % kMemoryBytes / 8 * 8 + 1; }
  void put(uint64_t address, uint64_t word) { memcpy(&bytes_[address % bytes_.size()], &word, sizeof(word)); }

  std::array<uint8_t, kMemoryBytes> bytes_ = {};
  uint64_t reads_left_, reads_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Header header;
  if (size_bytes < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  const mp::V8CodeLayout layout = code_layout(header.version % 3);
  Memory memory(header, layout, data + sizeof(header), size_bytes - sizeof(header));
  mp::V8Memory heap(heap_layout(),
                    [&](uint64_t address, void *to, size_t size) { return memory.read(address, to, size); });
  mp::V8CodeReader reader(heap, layout);
  const auto result = reader.activations(kBase + 1, kStart + header.pc * 16);
  if (result.kind != mp::V8CodeKind::kNone && result.activations.size() > 2 * kMemoryBytes) abort();
  return 0;
}
