#include "v8_memory.h"

namespace mp {

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
  pages_.forget();
  pages_.renew_limits();
}

}  // namespace mp
