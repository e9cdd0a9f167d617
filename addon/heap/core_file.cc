#include "core_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace mp {
namespace {

constexpr uint64_t kMaxAddress = 1ull << 47;  // user space of x86-64
constexpr uint64_t kMaxSegments = 1 << 20, kMaxFiles = 1 << 20;
constexpr uint64_t kPidOffset = 32;  // pr_pid of struct elf_prstatus

// The mapping that holds an address, of a sorted list; nullptr if there is none.
const ProcMapping *mapping_at(const std::vector<ProcMapping> &mappings, uint64_t address) {
  const auto next = std::upper_bound(mappings.begin(), mappings.end(), address,
                                     [](uint64_t at, const ProcMapping &mapping) { return at < mapping.start; });
  return next != mappings.begin() && address < std::prev(next)->end ? &*std::prev(next) : nullptr;
}

void sort_by_start(std::vector<ProcMapping> &mappings) {
  std::stable_sort(mappings.begin(), mappings.end(),
                   [](const ProcMapping &a, const ProcMapping &b) { return a.start < b.start; });
}

}  // namespace

std::unique_ptr<CoreFile> CoreFile::parse(const uint8_t *data, size_t size_bytes, std::string *error) {
  Elf64_Ehdr header;
  if (size_bytes < sizeof(header) || memcmp(data, ELFMAG, SELFMAG) != 0) {
    *error = "is no core file";
    return nullptr;
  }
  memcpy(&header, data, sizeof(header));
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 || header.e_type != ET_CORE) {
    *error = "is no core file of an x86-64 process";
    return nullptr;
  }
  uint64_t count = header.e_phnum;
  if (count == PN_XNUM && header.e_shoff <= size_bytes && size_bytes - header.e_shoff >= sizeof(Elf64_Shdr)) {
    Elf64_Shdr first;
    memcpy(&first, data + header.e_shoff, sizeof(first));
    count = first.sh_info;
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size_bytes || count > kMaxSegments ||
      count > (size_bytes - header.e_phoff) / sizeof(Elf64_Phdr)) {
    *error = "is a core file without its beginning";
    return nullptr;
  }
  std::unique_ptr<CoreFile> core(new CoreFile(data, size_bytes));
  for (uint64_t i = 0; i < count; i++) core->add_segment(data + header.e_phoff + i * sizeof(Elf64_Phdr));
  std::stable_sort(core->segments_.begin(), core->segments_.end(),
                   [](const Segment &a, const Segment &b) { return a.address < b.address; });
  sort_by_start(core->mappings_);
  core->add_anonymous();
  return core;
}

void CoreFile::add_segment(const uint8_t *bytes) {
  Elf64_Phdr header;
  memcpy(&header, bytes, sizeof(header));
  const uint64_t there = header.p_offset < size_bytes_ ? size_bytes_ - header.p_offset : 0;
  const uint64_t kept_bytes = std::min(header.p_filesz, there);
  if (header.p_type == PT_NOTE && kept_bytes > 0) read_notes(ByteReader(data_ + header.p_offset, kept_bytes));
  if (header.p_type != PT_LOAD || header.p_vaddr >= kMaxAddress || header.p_memsz > kMaxAddress - header.p_vaddr)
    return;
  const uint64_t dumped_bytes = std::min(header.p_filesz, header.p_memsz);
  segments_.push_back({header.p_vaddr, header.p_memsz, dumped_bytes, std::min(dumped_bytes, kept_bytes),
                       header.p_offset, (header.p_flags & PF_R) != 0, (header.p_flags & PF_X) != 0});
  missing_bytes_ += segments_.back().dumped_bytes - segments_.back().kept_bytes;
}

// Names and descriptions are padded to four bytes.
void CoreFile::read_notes(ByteReader notes) {
  while (notes.remaining() >= sizeof(Elf64_Nhdr)) {
    const auto header = notes.read<Elf64_Nhdr>();
    ByteReader name = notes.take((uint64_t{header.n_namesz} + 3) & ~3ull);
    const bool is_core = header.n_namesz == sizeof("CORE") && name.c_string() == "CORE";
    ByteReader note = notes.take(header.n_descsz);
    if (!notes.ok()) return;
    notes.take(std::min<uint64_t>(notes.remaining(), (4 - header.n_descsz % 4) % 4));
    if (is_core && header.n_type == NT_FILE) read_files(note);
    if (is_core && header.n_type == NT_PRSTATUS && pid_ == 0) {  // the first is of the thread that was dumped for
      note.take(kPidOffset);
      pid_ = note.read<int32_t>();
    }
  }
}

// NT_FILE: how many, page size; for each its start, end and offset in pages; then their names.
void CoreFile::read_files(ByteReader note) {
  const auto count = note.read<uint64_t>(), page_bytes = note.read<uint64_t>();
  if (count > kMaxFiles || count > note.remaining() / 24 || page_bytes > 1 << 30) return;
  ByteReader ranges = note.take(count * 24);
  for (uint64_t i = 0; i < count; i++) {
    ProcMapping mapping{};
    mapping.start = ranges.read<uint64_t>();
    mapping.end = ranges.read<uint64_t>();
    mapping.offset = ranges.read<uint64_t>() * page_bytes;
    mapping.path = note.c_string();
    mapping.inode = 1;
    // one that has no segment was left out as nothing but what its file has: code, most often
    mapping.readable = mapping.executable = true;
    if (!note.ok() || mapping.start >= mapping.end || mapping.end > kMaxAddress) return;
    mappings_.push_back(std::move(mapping));
  }
}

// What the files tell of, as it was mapped; and memory without a file.
void CoreFile::add_anonymous() {
  std::vector<ProcMapping> anonymous;
  for (ProcMapping &mapping : mappings_)
    if (const Segment *segment = segment_at(mapping.start)) {
      mapping.readable = segment->readable;
      mapping.executable = segment->executable;
    }
  for (const Segment &segment : segments_) {
    if (mapping_at(mappings_, segment.address) != nullptr) continue;
    ProcMapping mapping{};
    mapping.start = segment.address;
    mapping.end = segment.address + segment.memory_bytes;
    mapping.readable = segment.readable;
    mapping.executable = segment.executable;
    anonymous.push_back(std::move(mapping));
  }
  mappings_.insert(mappings_.end(), std::make_move_iterator(anonymous.begin()),
                   std::make_move_iterator(anonymous.end()));
  sort_by_start(mappings_);
}

const CoreFile::Segment *CoreFile::segment_at(uint64_t address) const {
  const auto next = std::upper_bound(segments_.begin(), segments_.end(), address,
                                     [](uint64_t at, const Segment &segment) { return at < segment.address; });
  if (next == segments_.begin()) return nullptr;
  const Segment &segment = *std::prev(next);
  return address - segment.address < segment.memory_bytes ? &segment : nullptr;
}

size_t CoreFile::copy(uint64_t address, void *to, size_t size_bytes) const {
  const Segment *segment = segment_at(address);
  const uint64_t skipped = segment == nullptr ? 0 : address - segment->address;
  if (segment == nullptr || skipped >= segment->kept_bytes) return 0;
  const auto copied = static_cast<size_t>(std::min<uint64_t>(size_bytes, segment->kept_bytes - skipped));
  memcpy(to, data_ + segment->offset + skipped, copied);
  return copied;
}

const ProcMapping *CoreFile::file_at(uint64_t address) const {
  const Segment *segment = segment_at(address);
  if (segment != nullptr && address - segment->address < segment->dumped_bytes) return nullptr;
  const ProcMapping *mapping = mapping_at(mappings_, address);
  return mapping != nullptr && mapping->inode != 0 ? mapping : nullptr;
}

}  // namespace mp
