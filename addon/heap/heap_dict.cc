#include "heap_dict.h"

#include <algorithm>
#include <array>
#include <vector>

namespace mp {
namespace {

constexpr uint64_t kHeaderBytes = 40, kShortHeaderBytes = 32;  // sizeof(PyDictKeysObject) up to 3.10, and from 3.11
constexpr uint64_t kMaxLog2Size = 36;

// Entries that a table of a size has room for: USABLE_FRACTION
constexpr uint64_t usable_fraction(uint64_t size) {
  return (size << 1) / 3;
}

// Bytes of an index into the entries: DK_IXSIZE
constexpr uint64_t index_bytes(uint64_t size) {
  return size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
}

}  // namespace

std::optional<DictKeys> read_dict_keys(const HeapLayout &layout, HeapMemory &memory, uint64_t address) {
  uint64_t size = 0;
  DictKeys keys{};
  if (layout.minor <= 10) {  // dk_refcnt, dk_size, dk_lookup, dk_usable, dk_nentries, dk_indices
    const auto header = memory.read<std::array<uint64_t, 5>>(address);
    if (!header || (*header)[1] > 1ull << kMaxLog2Size) return std::nullopt;
    size = (*header)[1];
    const uint64_t indices = size * index_bytes(size);
    keys = {(*header)[0],
            (*header)[4],
            (*header)[3],
            address + kHeaderBytes + indices,
            3,
            kHeaderBytes + indices + usable_fraction(size) * 24};
  } else {  // dk_refcnt; dk_log2_size, dk_log2_index_bytes, dk_kind, of one byte each, dk_version; dk_usable,
            // dk_nentries
    const auto header = memory.read<std::array<uint64_t, 4>>(address);
    if (!header) return std::nullopt;
    const unsigned log2_size = (*header)[1] & 0xff, log2_indices = (*header)[1] >> 8 & 0xff;
    if (log2_size > kMaxLog2Size || log2_indices > kMaxLog2Size + 3) return std::nullopt;
    size = 1ull << log2_size;
    const uint64_t words = ((*header)[1] >> 16 & 0xff) == 0 ? 3 : 2, indices = 1ull << log2_indices;
    keys = {(*header)[0], (*header)[3],
            (*header)[2], address + kShortHeaderBytes + indices,
            words,        kShortHeaderBytes + indices + usable_fraction(size) * words * 8};
  }
  if (keys.count > size || keys.usable > size) return std::nullopt;
  return keys;
}

std::optional<Dict> read_dict(HeapMemory &memory, uint64_t address) {
  // PyObject, ma_used, ma_version_tag, ma_keys, ma_values
  const auto words = memory.read<std::array<uint64_t, 6>>(address);
  if (!words) return std::nullopt;
  return Dict{(*words)[2], (*words)[4], (*words)[5]};
}

bool visit_table(const HeapLayout &layout, HeapMemory &memory, uint64_t address, uint64_t values,
                 const VisitItem &visit) {
  const auto keys = read_dict_keys(layout, memory, address);
  if (!keys) return false;
  constexpr uint64_t kEntriesAtOnce = 1024;
  uint64_t words[kEntriesAtOnce * 3], split[kEntriesAtOnce];
  for (uint64_t done = 0; done < keys->count; done += kEntriesAtOnce) {
    const uint64_t count = std::min(kEntriesAtOnce, keys->count - done), entry_bytes = keys->entry_words * 8;
    if (!memory.read_bytes(keys->entries + done * entry_bytes, words, count * entry_bytes)) return false;
    if (values != 0 && !memory.read_bytes(values + done * 8, split, count * 8)) return false;
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t *end = words + (i + 1) * keys->entry_words;
      const uint64_t value = values != 0 ? split[i] : end[-1];
      if (end[-2] != 0 && value != 0) visit(end[-2], value);
    }
  }
  return true;
}

bool visit_dict(const HeapLayout &layout, HeapMemory &memory, uint64_t address, const VisitItem &visit) {
  const auto dict = read_dict(memory, address);
  const uint64_t values = !dict || dict->values == 0 ? 0 : dict->values + dict_values_offset(layout.minor);
  return dict && visit_table(layout, memory, dict->keys, values, visit);
}

}  // namespace mp
