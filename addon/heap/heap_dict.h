// The tables of dicts: PyDictObject, PyDictKeysObject and PyDictValues (Include/internal/pycore_dict.h, before 3.11
// Objects/dict-common.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "heap_layout.h"
#include "heap_memory.h"

namespace mp {

struct DictKeys {
  uint64_t references;   // dk_refcnt: of a table of its own 1
  uint64_t count;        // dk_nentries: entries in use, and deleted ones
  uint64_t usable;       // dk_usable: entries that are still free
  uint64_t entries;      // address of the first
  uint64_t entry_words;  // 3 {hash, key, value}, or 2 {key, value}
  uint64_t size_bytes;   // _PyDict_KeysSize
};

// nullopt if what stands there can be none.
std::optional<DictKeys> read_dict_keys(const HeapLayout &layout, HeapMemory &memory, uint64_t address);

struct Dict {
  uint64_t used;
  uint64_t keys;
  uint64_t values;  // 0: they are in the entries
};
std::optional<Dict> read_dict(HeapMemory &memory, uint64_t address);

using VisitItem = std::function<void(uint64_t key, uint64_t value)>;

// The entries that have a value: their own one, or, if `values` is not 0, the one in the array there. false if not all
// can be read.
bool visit_table(const HeapLayout &layout, HeapMemory &memory, uint64_t keys, uint64_t values, const VisitItem &visit);
// Those of the dict at an address.
bool visit_dict(const HeapLayout &layout, HeapMemory &memory, uint64_t address, const VisitItem &visit);

// Where the pointers of a PyDictValues are. From 3.13 they stand behind a header of eight bytes.
constexpr uint64_t dict_values_offset(int minor) {
  return minor >= 13 ? 8 : 0;
}

}  // namespace mp
