#include "python_layouts.h"

#include <cstdlib>
#include <map>
#include <string>

#include "elf_builder.h"
#include "python_layout.h"

namespace {

constexpr uint64_t kImage = 0x1000;
constexpr uint64_t kVersion = kImage, kRuntime = kImage + 16, kCodeType = kImage + 512, kLoop = kImage + 768;

// The first words of _PyRuntime of 3.13.0, from a build for x86-64; see _Py_DebugOffsets in pycore_runtime.h.
constexpr uint64_t kDebugOffsets[] = {
    0,      0x030d00f0, 0,                                                             // version, free-threaded
    283320, 608,        632,                                                           // runtime state
    194968, 7272,       7264, 7344, 7400, 7656, 7640, 7648, 16,  7752, 0, 7768, 7760,  // interpreter state
    304,    0,          8,    16,   72,   152,  160,  232,  32,                        // thread state
    80,     8,          0,    56,   72,   70,                                          // interpreter frame
    208,    112,        120,  128,  136,  68,   52,   96,   104, 200,                  // code object
};

Elf64_Sym symbol_of(uint32_t name, uint8_t type, uint64_t address) {
  Elf64_Sym symbol{};
  symbol.st_name = name;
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, type);
  symbol.st_shndx = 1;
  symbol.st_value = address;
  symbol.st_size = 64;
  return symbol;
}

mp_python find_layout(int minor) {
  ElfBuilder::Bytes image(1024);
  const uint64_t version = 0x030000f0u | uint32_t(minor) << 16;
  memcpy(image.data(), &version, sizeof(version));
  memcpy(image.data() + kRuntime - kImage, kDebugOffsets, sizeof(kDebugOffsets));
  memcpy(image.data() + kRuntime - kImage, "xdebugpy", 8);
  std::string names(1, '\0');
  const auto name = [&](const char *text) {
    names.append(text, strlen(text) + 1);
    return static_cast<uint32_t>(names.size() - strlen(text) - 1);
  };
  const std::vector<Elf64_Sym> symbols = {
      {},
      symbol_of(name("_PyEval_EvalFrameDefault"), STT_FUNC, kLoop),
      symbol_of(name("_PyRuntime"), STT_OBJECT, kRuntime),
      symbol_of(name("PyCode_Type"), STT_OBJECT, kCodeType),
      symbol_of(name("Py_Version"), STT_OBJECT, kVersion),
  };
  ElfBuilder builder;
  builder.add_segment({PT_LOAD, PF_R | PF_X, kImage}, image);
  const uint32_t strings = builder.add_section(".dynstr", {SHT_STRTAB}, ElfBuilder::bytes_of(names));
  builder.add_section(".dynsym", {SHT_DYNSYM, 0, strings, sizeof(Elf64_Sym)}, ElfBuilder::bytes_of(symbols));
  const ElfBuilder::Bytes file = builder.build();
  std::string error;
  const auto elf = mp::ElfFile::from_memory(file.data(), file.size(), &error);
  const auto python = elf ? mp::find_python(*elf) : std::nullopt;
  if (!python || python->minor != minor || !python->unsupported.empty()) abort();
  return python->layout;
}

}  // namespace

mp_python python_layout_of(int minor) {
  static std::map<int, mp_python> known;
  const auto [entry, is_new] = known.try_emplace(minor);
  if (is_new) entry->second = find_layout(minor);
  return entry->second;
}
