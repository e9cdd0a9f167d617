// The dynamic relocations of an ElfFile that stand for a symbol of another module: SHT_RELA sections, whose sh_link is
// the symbol table that they speak of (.dynsym).
#include <algorithm>
#include <cstring>

#include "elf.h"

namespace mp {
namespace {

constexpr size_t kMaxNameBytes = 4096;
constexpr uint64_t kMaxRelocations = 1 << 20;  // looked at for one slot; libraries have thousands

bool is_slot(uint32_t type) {
  return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || type == R_X86_64_64;
}

}  // namespace

std::string_view ElfFile::relocation_symbol(uint64_t slot) const {
  uint64_t seen = 0;
  for (const Elf64_Shdr &section : sections_) {
    if (section.sh_type != SHT_RELA || section.sh_entsize != sizeof(Elf64_Rela)) continue;
    if (!contains(section.sh_offset, section.sh_size)) continue;
    for (uint64_t i = 0; i < section.sh_size / sizeof(Elf64_Rela) && seen < kMaxRelocations; i++, seen++) {
      Elf64_Rela relocation;
      memcpy(&relocation, data_ + section.sh_offset + i * sizeof(relocation), sizeof(relocation));
      if (relocation.r_offset == slot && is_slot(ELF64_R_TYPE(relocation.r_info)))
        return symbol_name(section.sh_link, ELF64_R_SYM(relocation.r_info));
    }
  }
  return {};
}

std::string_view ElfFile::symbol_name(uint32_t table, uint32_t index) const {
  if (table >= sections_.size()) return {};
  const Elf64_Shdr &symbols = sections_[table];
  if (symbols.sh_entsize != sizeof(Elf64_Sym) || !contains(symbols.sh_offset, symbols.sh_size)) return {};
  if (index >= symbols.sh_size / sizeof(Elf64_Sym) || symbols.sh_link >= sections_.size()) return {};
  const Elf64_Shdr &names = sections_[symbols.sh_link];
  if (names.sh_type != SHT_STRTAB || !contains(names.sh_offset, names.sh_size)) return {};
  Elf64_Sym symbol;
  memcpy(&symbol, data_ + symbols.sh_offset + index * sizeof(symbol), sizeof(symbol));
  if (symbol.st_name >= names.sh_size) return {};
  const std::string_view rest(reinterpret_cast<const char *>(data_ + names.sh_offset + symbol.st_name),
                              std::min<uint64_t>(names.sh_size - symbol.st_name, kMaxNameBytes));
  const size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

}  // namespace mp
