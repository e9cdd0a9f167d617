#include "heap_block.h"

#include <cstdlib>
#include <cstring>
#include <optional>

namespace mp {
namespace {

constexpr uint64_t kUnit = 16;        // of the sizes of blocks
constexpr uint64_t kMaxCount = 4096;  // of items in a block

uint64_t word(const uint8_t *object, uint64_t offset) {
  uint64_t value;
  memcpy(&value, object + offset, sizeof(value));
  return value;
}

// Bytes of the header and the text of a str; nullopt if the block can't hold it.
std::optional<uint64_t> bytes_of_str(const HeapLayout &layout, const HeapType &type, const uint8_t *object,
                                     uint32_t block_bytes) {
  if (block_bytes < layout.ascii_bytes) return std::nullopt;
  const uint64_t length = word(object, kObjectSize), state = word(object, 32);
  if (length > kMaxCount) return std::nullopt;
  if ((state >> 5 & 1) == 0) return type.basic_size;
  const bool is_ascii = (state >> 6 & 1) != 0;
  return is_ascii ? layout.ascii_bytes + length + 1 : layout.compact_bytes + (length + 1) * (state >> 2 & 7);
}

// ob_size, which holds a sign, too; from 3.12 that of an int is the number of digits << 3
uint64_t count_of(const HeapLayout &layout, const HeapType &type, const uint8_t *object) {
  const uint64_t size = word(object, kObjectSize);
  if (type.kind == ObjectKind::kInt && layout.minor >= 12) return size >> 3;
  return static_cast<uint64_t>(std::llabs(static_cast<int64_t>(size)));
}

}  // namespace

// A block that was made smaller stays where it is as long as that wastes less than a quarter of it (pymalloc_realloc).
// An int can turn out smaller than what was asked for.
bool fills_block(const HeapLayout &layout, const HeapType &type, const uint8_t *object, uint32_t block_bytes) {
  const bool is_str = type.kind == ObjectKind::kStr;
  if (!is_str && type.item_size == 0) {
    const bool has_values = type.is(kInlineValues) && layout.minor >= 13;
    return type.basic_size <= block_bytes && (has_values || type.basic_size + kUnit > block_bytes);
  }
  if (!is_str && type.basic_size > block_bytes) return false;
  std::optional<uint64_t> needed = type.basic_size;
  const bool counts = block_bytes >= kObjectSize + sizeof(uint64_t) && type.kind != ObjectKind::kGenerator &&
                      type.kind != ObjectKind::kFrame;
  if (is_str) {
    needed = bytes_of_str(layout, type, object, block_bytes);
  } else if (counts) {
    const uint64_t count = count_of(layout, type, object);
    if (count > kMaxCount) return false;
    *needed += count * type.item_size;
  }
  if (!needed || *needed > block_bytes) return false;
  const bool may_be_larger = !counts || type.kind == ObjectKind::kInt;
  return may_be_larger || 4 * (*needed + type.item_size + kUnit) >= 3 * uint64_t{block_bytes};
}

}  // namespace mp
