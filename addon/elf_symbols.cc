// The symbol tables of an ElfFile.
//
// A versioned library defines a name several times, at different addresses: memcpy@@GLIBC_2.14 is what a program linked
// today gets (the default version), memcpy@GLIBC_2.2.5 what old programs get. In .dynsym the version stands in a table
// of its own (.gnu.version, bit 15: not the default); in .symtab it is part of the name.
#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_map>

#include "elf.h"

namespace mp {
namespace {

constexpr uint16_t kVersionHidden = 0x8000;
// The largest tables known have half of that; a file with holes can claim any number.
constexpr size_t kMaxSymbols = 1 << 22;
// Mangled names of this length do not occur; a bound keeps a table of unterminated names from costing its square.
constexpr size_t kMaxNameBytes = 32768;
constexpr int kNoRank = 3;  // above every rank

bool is_function(uint8_t type) {
  return type == STT_FUNC || type == STT_GNU_IFUNC;
}

struct VersionedName {
  std::string_view name;
  bool default_version;
};

VersionedName split_version(std::string_view name) {
  size_t at = name.find('@');
  if (at == std::string_view::npos || at == 0) return {name, true};
  return {name.substr(0, at), name.substr(at, 2) == "@@"};
}

}  // namespace

struct ElfFile::SymbolTable {
  const uint8_t *entries;
  size_t count;
  std::string_view names;
  const uint8_t *versions;  // one uint16_t per symbol; nullptr: none
  size_t version_count;
  bool dynamic;

  Elf64_Sym entry(size_t index) const {
    Elf64_Sym symbol;
    memcpy(&symbol, entries + index * sizeof(symbol), sizeof(symbol));
    return symbol;
  }

  std::string_view raw_name(const Elf64_Sym &symbol) const {
    if (symbol.st_name >= names.size()) return {};
    std::string_view rest = names.substr(symbol.st_name, kMaxNameBytes);
    size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  }

  bool hidden(size_t index) const {
    if (index >= version_count) return false;
    uint16_t version;
    memcpy(&version, versions + index * sizeof(version), sizeof(version));
    return (version & kVersionHidden) != 0;
  }

  // The symbol if it is a defined one of a type that is asked for.
  std::optional<ElfSymbol> symbol(size_t index, bool functions_only) const {
    Elf64_Sym raw = entry(index);
    uint8_t type = ELF64_ST_TYPE(raw.st_info);
    bool wanted = is_function(type) || (!functions_only && type == STT_OBJECT);
    if (!wanted || raw.st_shndx == SHN_UNDEF || raw.st_value == 0) return std::nullopt;
    std::string_view name = split_version(raw_name(raw)).name;
    if (name.empty()) return std::nullopt;
    return ElfSymbol{raw.st_value, raw.st_size, name, type, dynamic};
  }

  // 0: what a linker would choose; higher: only for want of a better one.
  int rank(size_t index) const {
    Elf64_Sym raw = entry(index);
    if (ELF64_ST_BIND(raw.st_info) == STB_LOCAL) return 2;
    return hidden(index) || !split_version(raw_name(raw)).default_version ? 1 : 0;
  }
};

std::optional<ElfFile::SymbolTable> ElfFile::symbol_table(uint32_t type) const {
  const Elf64_Shdr *section = section_of_type(type);
  if (section == nullptr || section->sh_entsize != sizeof(Elf64_Sym)) return std::nullopt;
  if (section->sh_link >= sections_.size()) return std::nullopt;
  const Elf64_Shdr &names = sections_[section->sh_link];
  if (names.sh_type != SHT_STRTAB || !contains(names.sh_offset, names.sh_size)) return std::nullopt;
  SymbolTable table{};
  table.entries = data_ + section->sh_offset;
  table.count = std::min<size_t>(section->sh_size / sizeof(Elf64_Sym), kMaxSymbols);
  table.names = {reinterpret_cast<const char *>(data_ + names.sh_offset), static_cast<size_t>(names.sh_size)};
  table.dynamic = type == SHT_DYNSYM;
  const Elf64_Shdr *versions = table.dynamic ? section_of_type(SHT_GNU_versym) : nullptr;
  if (versions != nullptr) {
    table.versions = data_ + versions->sh_offset;
    table.version_count = versions->sh_size / sizeof(uint16_t);
  }
  return table;
}

std::vector<ElfSymbol> ElfFile::symbols(bool functions_only) const {
  std::vector<ElfSymbol> symbols;
  for (uint32_t type : {SHT_DYNSYM, SHT_SYMTAB}) {
    auto table = symbol_table(type);
    if (!table) continue;
    for (size_t i = 0; i < table->count; i++) {
      if (auto symbol = table->symbol(i, functions_only)) symbols.push_back(*symbol);
    }
  }
  // Not sort(): the file may change meanwhile, and with it the order, which only this one survives.
  std::stable_sort(symbols.begin(), symbols.end(), [](const ElfSymbol &a, const ElfSymbol &b) {
    return std::make_tuple(a.address, a.name, !a.dynamic, ~a.size_bytes) <
           std::make_tuple(b.address, b.name, !b.dynamic, ~b.size_bytes);
  });
  auto same = [](const ElfSymbol &a, const ElfSymbol &b) { return a.address == b.address && a.name == b.name; };
  symbols.erase(std::unique(symbols.begin(), symbols.end(), same), symbols.end());
  return symbols;
}

std::optional<ElfSymbol> ElfFile::find_function(std::string_view name) const {
  return find_functions({name}).front();
}

std::vector<std::optional<ElfSymbol>> ElfFile::find_functions(const std::vector<std::string_view> &names) const {
  std::unordered_map<std::string_view, size_t> indexes;
  for (size_t i = 0; i < names.size(); i++) indexes.emplace(names[i], i);
  std::vector<std::optional<ElfSymbol>> found(names.size());
  std::vector<int> ranks(names.size(), kNoRank);
  for (uint32_t type : {SHT_DYNSYM, SHT_SYMTAB}) {
    auto table = symbol_table(type);
    if (!table) continue;
    for (size_t i = 0; i < table->count; i++) {
      auto symbol = table->symbol(i, true);
      if (!symbol) continue;
      const auto wanted = indexes.find(symbol->name);
      if (wanted == indexes.end()) continue;
      const size_t index = wanted->second;
      if (found[index] && found[index]->dynamic && !table->dynamic) continue;
      if (table->rank(i) >= ranks[index]) continue;
      found[index] = symbol;
      ranks[index] = table->rank(i);
    }
  }
  for (size_t i = 0; i < names.size(); i++) found[i] = found[indexes[names[i]]];
  return found;
}

}  // namespace mp
