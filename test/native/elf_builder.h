// Makes small ELF files in memory, for tests and fuzzers.
//
//   ElfBuilder builder;
//   builder.add_segment({PT_LOAD, PF_R | PF_X, 0x1000}, text);
//   builder.add_section(".eh_frame", {SHT_PROGBITS, 0x2000}, bytes);
//   std::vector<uint8_t> image = builder.build();
//
// Layout: ELF header, contents in the order in which they were added (aligned to 16), section names, program headers,
// section headers. Section 0 is the null section, the last one .shstrtab.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

class ElfBuilder {
 public:
  using Bytes = std::vector<uint8_t>;

  struct Segment {
    uint32_t type;
    uint32_t flags;
    uint64_t address;
    uint64_t alignment = 4096;
  };

  struct Section {
    uint32_t type;
    uint64_t address = 0;
    uint32_t link = 0;
    uint64_t entry_bytes = 0;
  };

  ElfBuilder() : image_(sizeof(Elf64_Ehdr)) { sections_.push_back(Elf64_Shdr{}); }

  // Returns the file offset of the contents.
  uint64_t add_segment(const Segment &segment, const Bytes &contents) {
    uint64_t offset = append(contents);
    segments_.push_back({segment.type, segment.flags, offset, segment.address, segment.address, contents.size(),
                         contents.size(), segment.alignment});
    return offset;
  }

  // Returns the index of the section.
  uint32_t add_section(const std::string &name, const Section &section, const Bytes &contents) {
    Elf64_Shdr header{};
    header.sh_name = add_name(name);
    header.sh_type = section.type;
    header.sh_addr = section.address;
    header.sh_offset = append(contents);
    header.sh_size = contents.size();
    header.sh_link = section.link;
    header.sh_entsize = section.entry_bytes;
    sections_.push_back(header);
    return static_cast<uint32_t>(sections_.size() - 1);
  }

  Bytes build() {
    Elf64_Shdr names{};
    names.sh_name = add_name(".shstrtab");
    names.sh_type = SHT_STRTAB;
    names.sh_offset = append(names_);
    names.sh_size = names_.size();
    sections_.push_back(names);
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<uint16_t>(segments_.size());
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(sections_.size());
    header.e_shstrndx = static_cast<uint16_t>(sections_.size() - 1);
    header.e_phoff = append(bytes_of(segments_));
    header.e_shoff = append(bytes_of(sections_));
    memcpy(image_.data(), &header, sizeof(header));
    return image_;
  }

  template <class T>
  static Bytes bytes_of(const std::vector<T> &values) {
    auto data = reinterpret_cast<const uint8_t *>(values.data());
    return Bytes(data, data + values.size() * sizeof(T));
  }

  static Bytes bytes_of(const std::string &text) { return Bytes(text.begin(), text.end()); }

 private:
  uint64_t append(const Bytes &contents) {
    image_.resize((image_.size() + 15) / 16 * 16);
    uint64_t offset = image_.size();
    image_.insert(image_.end(), contents.begin(), contents.end());
    return offset;
  }

  uint32_t add_name(const std::string &name) {
    auto offset = static_cast<uint32_t>(names_.size());
    names_.insert(names_.end(), name.c_str(), name.c_str() + name.size() + 1);
    return offset;
  }

  Bytes image_;
  Bytes names_{0};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
};
