// Where the interpreter keeps what BPF reads: found in the ELF file of a CPython, 3.8 to 3.13.
//
// Offsets of structures that CPython does not document differ between minor versions, not between patch releases. Up to
// 3.12 they are in a table here, taken from the headers of the versions (Include/internal, offsetof); from 3.13 on they
// are read from _Py_DebugOffsets, which stands at the beginning of _PyRuntime for that purpose (pycore_runtime.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../bpf/mp.h"
#include "elf.h"

namespace mp {

struct PythonImage {
  int minor = 0;            // 3.minor
  std::string unsupported;  // why it can't be walked, as a sentence; "": it can
  uint64_t runtime = 0;     // ELF address of _PyRuntime
  uint64_t code_type = 0;   // ELF address of PyCode_Type
  // ELF addresses [first, second) of the evaluation loop.
  std::vector<std::pair<uint64_t, uint64_t>> evaluation;
  uint32_t current = 0;   // from _PyRuntime to the pointer to the thread state that holds the lock; 0: not needed
  uint32_t tss_key = 0;   // from _PyRuntime to the Py_tss_t of the thread states
  mp_python layout = {};  // the addresses and tss_values are not known yet

  bool is_evaluation(uint64_t address) const;
};

// nullopt if the file holds no Python interpreter.
std::optional<PythonImage> find_python(const ElfFile &elf);

// The bytes from the thread pointer to the {sequence number, value} of the first pthread key, from the code of glibc's
// pthread_getspecific; nullopt if the file has none that is understood.
std::optional<uint32_t> find_tss_values(const ElfFile &elf);

}  // namespace mp
