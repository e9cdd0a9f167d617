// Where probes go into a running interpreter: functions that no symbol leads to in a stripped build, but pointers in
// its memory do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elf.h"
#include "probes.h"
#include "python_layout.h"

namespace mp {

// The interpreter in a process, as mapped.
struct MappedPython {
  int pid;
  const ElfFile &elf;
  const PythonImage &image;
  uint64_t bias;
};

// The destructor of code objects; nullopt if the program is not relocated yet.
std::optional<UprobeSite> find_code_destructor(const MappedPython &python);

struct PythonAllocatorSites {
  std::vector<UprobeSite> allocators;
  std::vector<UprobeSite> deallocators;  // none if blocks end in libc's free, which is probed anyway
  std::string refused;                   // why calls would be missed, as the end of a sentence; "": they would not
};

// The functions behind Python's object allocator; nullopt if the program is not relocated yet. With `raw` those of the
// raw allocator, which PYTHONMALLOC=malloc, once it is read, makes that of all objects.
std::optional<PythonAllocatorSites> find_python_allocators(const MappedPython &python, bool raw);

// Whether the interpreter, which runs by now, gets the memory of objects from its raw allocator.
bool has_raw_objects(const MappedPython &python);

}  // namespace mp
