// A private copy of those parts of an ELF file that names and lines come from.
//
// The file belongs to a target, which may truncate or rewrite it at any time: a mapping of it would end in SIGBUS, and
// libelf and libdw would work on headers that nobody checked. So the wanted sections are read once into anonymous
// memory of the file's size, at their own offsets; everything else stays untouched zero pages, which cost nothing:
//
//   file    | header | .text ........ | .debug_info (compressed) | .symtab | section headers |
//   image   | header | 0000000000000  | 0000000                  | .symtab | 0000 | .debug_info | section headers |
//   0000
//
// Compressed sections are unpacked behind the end of the file. The section headers of the image are new: they list only
// what was taken, which lies within the image, is not compressed and has the name by which it was checked. Zeros follow
// every unpacked section and the image itself, because libdw 0.188 reads up to 8 bytes too far (LEB128 numbers, fixed
// forms) at the end of a section. .gnu_debugaltlink is read here and hidden from libdw, which would open the path that
// it names, wherever that leads.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mp {

// The file with the DWARF parts that dwz moved out of several debug files.
struct AltLink {
  std::string path;      // absolute, or relative to the directory of the file that has the link
  std::string build_id;  // lower-case hex
};

class ElfImage {
 public:
  // Reads exactly `size_bytes` at `offset`; false if it can't.
  using ReadBytes = std::function<bool(uint64_t offset, void *to, size_t size_bytes)>;

  // nullptr if it is no regular file, no 64-bit little-endian x86-64 ELF file, or larger than what is sane. The file
  // offset of `fd` is not used.
  static std::unique_ptr<ElfImage> read_file(int fd);
  static std::unique_ptr<ElfImage> read_memory(const uint8_t *data, size_t size_bytes);
  ~ElfImage();
  ElfImage(const ElfImage &) = delete;
  ElfImage &operator=(const ElfImage &) = delete;

  uint8_t *data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }
  // The bytes of a taken section, unpacked; empty if there is none.
  std::string_view section(const std::string &name) const;
  // End of the executable section that contains the address; UINT64_MAX if there is none.
  uint64_t code_end(uint64_t address) const;
  const std::optional<AltLink> &alt_link() const { return alt_link_; }

 private:
  struct Range {
    uint64_t start;
    uint64_t end;
  };
  // A section that is taken.
  struct Part {
    size_t index;
    std::string name;         // "" for symbol tables and their strings
    uint64_t unpacked_bytes;  // 0: not compressed
    bool debug;
  };

  ElfImage() = default;
  static std::unique_ptr<ElfImage> read(const ReadBytes &read_bytes, uint64_t file_size_bytes);
  bool read_headers(const ReadBytes &read_bytes);
  bool read_section_names(const ReadBytes &read_bytes, uint64_t names_index);
  void choose_parts();
  void choose_symbol_table(size_t index);
  void measure_packed_parts(const ReadBytes &read_bytes);
  bool fits_limits();
  bool reserve();
  void take_parts(const ReadBytes &read_bytes);
  bool unpack(const ReadBytes &read_bytes, const Part &part, uint8_t *to);
  void take_note_segments(const ReadBytes &read_bytes);
  void write_headers();
  void read_alt_link();
  bool in_file(uint64_t offset, uint64_t size_bytes) const;
  std::string section_name(size_t index) const;

  uint8_t *data_ = nullptr;
  size_t size_bytes_ = 0;
  size_t mapped_bytes_ = 0;  // with the zeros behind the image
  uint64_t file_size_bytes_ = 0;
  uint64_t headers_at_ = 0;  // where the new section headers are written
  Elf64_Ehdr header_{};
  std::vector<Elf64_Shdr> sections_;
  std::string section_names_;
  std::vector<Part> parts_;
  std::unordered_map<std::string, std::string_view> taken_;
  std::vector<Range> code_;
  std::optional<AltLink> alt_link_;
};

}  // namespace mp
