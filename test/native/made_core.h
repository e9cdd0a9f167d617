// ELF core files of processes that were never alive, as the kernel writes them (fs/binfmt_elf.c, elf_core_dump): the
// header, program headers, notes (NT_PRSTATUS, NT_FILE), then what of each segment is kept.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

struct MadeCore {
  using Bytes = std::vector<uint8_t>;

  struct Segment {
    uint64_t address;
    uint64_t memory_bytes;
    Bytes kept;
    uint32_t flags = PF_R | PF_W;
  };

  struct File {
    uint64_t start;
    uint64_t end;
    uint64_t page;  // of the file, that is mapped at `start`
    std::string path;
  };

  int pid = 4711;
  std::vector<Segment> segments;
  std::vector<File> files;

  Bytes build() const {
    const Bytes notes = build_notes();
    const uint64_t headers_bytes = (1 + segments.size()) * sizeof(Elf64_Phdr);
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<uint16_t>(1 + segments.size());
    Bytes core;
    append(core, header);
    uint64_t offset = sizeof(header) + headers_bytes;
    append(core, Elf64_Phdr{PT_NOTE, 0, offset, 0, 0, notes.size(), 0, 4});
    offset += notes.size();
    for (const Segment &segment : segments) {
      append(core, Elf64_Phdr{PT_LOAD, segment.flags, offset, segment.address, 0, segment.kept.size(),
                              segment.memory_bytes, 4096});
      offset += segment.kept.size();
    }
    core.insert(core.end(), notes.begin(), notes.end());
    for (const Segment &segment : segments) core.insert(core.end(), segment.kept.begin(), segment.kept.end());
    return core;
  }

 private:
  template <class T>
  static void append(Bytes &bytes, const T &value) {
    const auto *begin = reinterpret_cast<const uint8_t *>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof(value));
  }

  static void append_note(Bytes &notes, uint32_t type, const Bytes &content) {
    append(notes, Elf64_Nhdr{5, static_cast<uint32_t>(content.size()), type});
    notes.insert(notes.end(), {'C', 'O', 'R', 'E', 0, 0, 0, 0});
    notes.insert(notes.end(), content.begin(), content.end());
    notes.resize((notes.size() + 3) / 4 * 4);
  }

  Bytes build_notes() const {
    Bytes notes, status(336), mapped;  // sizeof(struct elf_prstatus)
    memcpy(status.data() + 32, &pid, sizeof(pid));
    append_note(notes, NT_PRSTATUS, status);
    append(mapped, uint64_t{files.size()});
    append(mapped, uint64_t{4096});
    for (const File &file : files)
      for (const uint64_t word : {file.start, file.end, file.page}) append(mapped, word);
    for (const File &file : files)
      mapped.insert(mapped.end(), file.path.c_str(), file.path.c_str() + file.path.size() + 1);
    append_note(notes, NT_FILE, mapped);
    return notes;
  }
};
