// Whose objects are read: a process, or what a core file keeps of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../elf.h"
#include "../proc_maps.h"
#include "heap_pause.h"

namespace mp {

class HeapTarget {
 public:
  virtual ~HeapTarget() = default;

  // For messages: "process 12".
  virtual std::string name() const = 0;
  virtual const std::vector<ProcMapping> &mappings() const = 0;
  // The file that is mapped there; nullptr if it can't be had.
  virtual std::unique_ptr<ElfFile> open(const ProcMapping &mapping) = 0;
  // false if not all of it can be read.
  virtual bool read(uint64_t address, void *to, size_t size_bytes) = 0;
  // `size_bytes` at each of the addresses, up to the first where that is not possible; the number of those copied.
  virtual size_t read_scattered(const std::vector<uint64_t> &addresses, void *to, size_t size_bytes) {
    for (size_t i = 0; i < addresses.size(); i++)
      if (!read(addresses[i], static_cast<uint8_t *>(to) + i * size_bytes, size_bytes)) return i;
    return addresses.size();
  }
  // Lets it stand still; nullptr: it does so anyway. Throws Error.
  virtual std::unique_ptr<HeapPause> pause(uint64_t max_ns) = 0;
  // Of a core file that was cut short: bytes of memory that it should keep and does not.
  virtual uint64_t missing_bytes() const { return 0; }
  // Why the interpreter may not be found in it, as the rest of a sentence; "" if there is no reason known.
  virtual std::string hint() const { return ""; }
};

}  // namespace mp
