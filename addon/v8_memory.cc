#include "v8_memory.h"

#include <algorithm>
#include <cstring>

namespace mp {

bool V8Memory::call_reader(uint64_t address, void *to, size_t size_bytes) {
  if (reads_ >= kMaxReads) return false;
  reads_++;
  return reader_(address, to, size_bytes);
}

const V8Memory::Page *V8Memory::page_at(uint64_t address) {
  const auto known = pages_.find(address);
  if (known != pages_.end()) return &known->second;
  Page page;
  if (!call_reader(address, page.data(), kPageBytes)) return nullptr;
  return &pages_.emplace(address, page).first->second;
}

bool V8Memory::read_bytes(uint64_t address, void *to, size_t size_bytes) {
  if (copies_ >= kMaxCopies || size_bytes > kMaxCopiedBytes - copied_bytes_) return false;
  copies_++;
  copied_bytes_ += size_bytes;
  // more than what one call reads faster than page by page
  if (size_bytes > kPageBytes) return call_reader(address, to, size_bytes);
  auto *out = static_cast<uint8_t *>(to);
  while (size_bytes > 0) {
    const uint64_t offset = address % kPageBytes;
    const Page *page = page_at(address - offset);
    if (page == nullptr) return false;
    const size_t part = std::min<uint64_t>(size_bytes, kPageBytes - offset);
    memcpy(out, page->data() + offset, part);
    address += part;
    out += part;
    size_bytes -= part;
  }
  return true;
}

std::optional<int32_t> V8Memory::smi(uint64_t word) const {
  const V8Tags &tags = layout_.tags;
  if ((word & tags.smi_tag_mask) != 0 || word << (64 - tags.smi_shift) != 0) return std::nullopt;
  return static_cast<int32_t>(word >> tags.smi_shift);
}

std::optional<uint64_t> V8Memory::address(uint64_t object, uint64_t offset) const {
  if (!is_object(object)) return std::nullopt;
  return object - layout_.tags.heap_object_tag + offset;
}

std::optional<int32_t> V8Memory::smi(uint64_t object, uint64_t offset) {
  const auto field = word(object, offset);
  return field ? smi(*field) : std::nullopt;
}

// The map of a map is one whose map is itself. In place of the map of an object that is being moved is the address of
// the new object, without a tag (MapWord::IsForwardingAddress in src/objects/objects.h).
std::optional<uint16_t> V8Memory::type(uint64_t object) {
  const auto map = word(object, layout_.map);
  const auto meta_map = map ? word(*map, layout_.map) : std::nullopt;
  if (!meta_map || number<uint16_t>(*meta_map, layout_.map_instance_type) != layout_.types.map) return std::nullopt;
  return number<uint16_t>(*map, layout_.map_instance_type);
}

void V8Memory::forget() {
  pages_.clear();
  reads_ = copies_ = copied_bytes_ = 0;
}

}  // namespace mp
