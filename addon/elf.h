// A bounds-checked, read-only view of an ELF64 x86-64 file.
//
// Three kinds of number name the same byte of code; this class converts between them:
//
//   file offset 0x099930   where the byte is in the file: what a uprobe is attached to
//   ELF address 0x09a930   what symbols and unwind rows speak of; PT_LOAD maps it to the file offset
//   runtime address        ELF address + load bias: what a process sees; the bias differs per process and module
//
// The file belongs to a target and is not trusted: a header, section or string that does not lie within the file is
// treated as absent. Files are mapped, not read: `std::string_view`s and pointers live as long as the ElfFile.
#pragma once

#include <elf.h>

#ifndef EM_X86_64
#error "<elf.h> found this file: this directory must be searched for quoted includes only (-iquote, not -I)"
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapped_file.h"

namespace mp {

struct ElfSymbol {
  uint64_t address;
  uint64_t size_bytes;
  std::string_view name;  // without @VERSION
  uint8_t type;           // STT_*
  bool dynamic;           // from .dynsym
};

struct ElfSection {
  const uint8_t *data;
  uint64_t size_bytes;
  uint64_t address;  // 0: not loaded
  uint64_t file_offset;
};

class ElfFile {
 public:
  // nullptr and one sentence in *error if the file cannot be opened or is no 64-bit little-endian x86-64 ELF file.
  static std::unique_ptr<ElfFile> open(const std::string &path, std::string *error);
  // The same for bytes in memory, which stay the caller's and must outlive the result.
  static std::unique_ptr<ElfFile> from_memory(const uint8_t *data, size_t size_bytes, std::string *error);
  ~ElfFile();
  ElfFile(const ElfFile &) = delete;
  ElfFile &operator=(const ElfFile &) = delete;

  // Lower-case hex of the GNU build id; "" if there is none.
  std::string build_id() const;
  bool has_interpreter() const;
  // Path of the dynamic linker; "" if there is none.
  std::string interpreter() const;
  bool is_dynamic() const;
  // A position-independent program, with or without a dynamic linker (DF_1_PIE, which binutils and lld set).
  bool is_pie() const;
  // Of the first instruction; 0 if there is none.
  uint64_t entry_address() const { return entry_address_; }

  // Page-aligned lowest PT_LOAD address: what the pcs of unwind rows are relative to. 0 if nothing is loaded.
  uint64_t lowest_address() const;
  // Runtime address - ELF address in a mapping of this file that starts at `mapping_start` and shows the file from
  // `mapping_offset` on; nullopt unless an executable PT_LOAD covers that offset.
  std::optional<uint64_t> load_bias(uint64_t mapping_start, uint64_t mapping_offset) const;
  std::optional<uint64_t> file_offset(uint64_t address) const;
  // An executable segment is preferred where several show the same offset.
  std::optional<uint64_t> address_of_offset(uint64_t file_offset) const;

  // nullopt if there is no such section or it has no bytes in the file (SHT_NOBITS). Compressed sections are given as
  // they are.
  std::optional<ElfSection> section(std::string_view name) const;
  // The bytes of the first program header of type PT_*.
  std::optional<ElfSection> segment(uint32_t type) const;
  // The bytes at an ELF address, up to `max_bytes` and not past the segment; {nullptr, 0} if none.
  std::pair<const uint8_t *, size_t> bytes_at(uint64_t address, size_t max_bytes) const;

  // Defined functions (STT_FUNC, STT_GNU_IFUNC) and, unless `functions_only`, objects, of .symtab and .dynsym, sorted
  // by address; one of each (address, name).
  std::vector<ElfSymbol> symbols(bool functions_only) const;
  // The function that a program linked against this file would get: .dynsym before .symtab, the default version before
  // others, global before local.
  std::optional<ElfSymbol> find_function(std::string_view name) const;
  // The same for many names at once, in their order; each table is read once.
  std::vector<std::optional<ElfSymbol>> find_functions(const std::vector<std::string_view> &names) const;
  // The symbol whose address the dynamic linker puts into the word at an ELF address; "" if there is none.
  std::string_view relocation_symbol(uint64_t slot) const;

  // File name (no directory) and CRC-32 of the separate debug file, from .gnu_debuglink.
  std::optional<std::pair<std::string, uint32_t>> debuglink() const;

 private:
  struct SymbolTable;

  ElfFile(const uint8_t *data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  bool parse(std::string *error);
  void parse_segments(const Elf64_Ehdr &header);
  void parse_sections(const Elf64_Ehdr &header);
  bool contains(uint64_t offset, uint64_t size_bytes) const;
  std::string_view section_name(const Elf64_Shdr &section) const;
  const Elf64_Shdr *section_of_type(uint32_t type) const;
  const Elf64_Phdr *segment_at(uint64_t address) const;
  std::optional<SymbolTable> symbol_table(uint32_t type) const;
  std::string_view symbol_name(uint32_t table, uint32_t index) const;

  const uint8_t *data_;
  size_t size_bytes_;
  uint64_t entry_address_ = 0;
  std::unique_ptr<MappedFile> mapped_;  // nullptr: the bytes are the caller's
  std::vector<Elf64_Phdr> segments_;    // file part lies in the file, memory part in the address space
  std::vector<Elf64_Shdr> sections_;
  std::string_view section_names_;
};

}  // namespace mp
