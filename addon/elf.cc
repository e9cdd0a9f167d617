#include "elf.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "byte_reader.h"
#include "unique_fd.h"

namespace mp {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kMaxBuildIdBytes = 64;
// A file can be huge without taking room on the disk. Larger than these is nothing that is real.
constexpr uint64_t kMaxSectionBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxSections = 1 << 20;
constexpr uint64_t kMaxNoteBytes = 1 << 20;

uint64_t page_floor(uint64_t value) {
  return value & ~(kPageBytes - 1);
}

bool sum_overflows(uint64_t a, uint64_t b) {
  return a + b < a;
}

uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

std::string to_hex(const uint8_t *data, size_t size_bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string hex;
  for (size_t i = 0; i < size_bytes; i++) {
    hex += digits[data[i] >> 4];
    hex += digits[data[i] & 15];
  }
  return hex;
}

// The build id among the notes of a segment or section; "" if it is not there.
std::string build_id_in_notes(const uint8_t *data, uint64_t size_bytes, uint64_t alignment) {
  // Notes are padded to 4 bytes, to 8 only where the program header says so (.note.gnu.property).
  alignment = alignment == 8 ? 8 : 4;
  size_bytes = std::min(size_bytes, kMaxNoteBytes);
  uint64_t at = 0;
  while (at + sizeof(Elf64_Nhdr) <= size_bytes) {
    Elf64_Nhdr note;
    memcpy(&note, data + at, sizeof(note));
    uint64_t name = at + sizeof(note);
    uint64_t descriptor = at + align_up(sizeof(note) + note.n_namesz, alignment);
    if (descriptor > size_bytes || note.n_descsz > size_bytes - descriptor) return "";
    bool is_build_id = note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(data + name, "GNU", 4) == 0;
    if (is_build_id && note.n_descsz > 0 && note.n_descsz <= kMaxBuildIdBytes) {
      return to_hex(data + descriptor, note.n_descsz);
    }
    at = align_up(descriptor + note.n_descsz, alignment);
  }
  return "";
}

}  // namespace

std::unique_ptr<ElfFile> ElfFile::open(const std::string &path, std::string *error) {
  // O_NONBLOCK: a path that a target names may be a FIFO.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) {
    *error = "cannot open " + path + ": " + strerror(errno);
    return nullptr;
  }
  if (!S_ISREG(status.st_mode) || status.st_size < static_cast<off_t>(sizeof(Elf64_Ehdr))) {
    *error = path + " is not an ELF file";
    return nullptr;
  }
  auto mapped = MappedFile::map(fd.get(), static_cast<size_t>(status.st_size));
  if (!mapped) {
    *error = "cannot map " + path + ": " + strerror(errno);
    return nullptr;
  }
  std::unique_ptr<ElfFile> file(new ElfFile(mapped->data(), mapped->size_bytes()));
  file->mapped_ = std::move(mapped);
  if (file->parse(error)) return file;
  *error = path + " " + *error;
  return nullptr;
}

std::unique_ptr<ElfFile> ElfFile::from_memory(const uint8_t *data, size_t size_bytes, std::string *error) {
  std::unique_ptr<ElfFile> file(new ElfFile(data, size_bytes));
  if (file->parse(error)) return file;
  *error = "image " + *error;
  return nullptr;
}

ElfFile::~ElfFile() = default;

bool ElfFile::parse(std::string *error) {
  Elf64_Ehdr header;
  if (size_bytes_ < sizeof(header) || memcmp(data_, ELFMAG, SELFMAG) != 0) {
    *error = "is not an ELF file";
    return false;
  }
  memcpy(&header, data_, sizeof(header));
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    *error = "is not a 64-bit x86-64 ELF file";
    return false;
  }
  entry_address_ = header.e_entry;
  parse_segments(header);
  parse_sections(header);
  return true;
}

bool ElfFile::contains(uint64_t offset, uint64_t size_bytes) const {
  return offset <= size_bytes_ && size_bytes <= size_bytes_ - offset;
}

void ElfFile::parse_segments(const Elf64_Ehdr &header) {
  uint64_t table_bytes = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || !contains(header.e_phoff, table_bytes)) return;
  for (unsigned i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment;
    memcpy(&segment, data_ + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_offset > size_bytes_ || sum_overflows(segment.p_vaddr, segment.p_memsz)) continue;
    segment.p_filesz = std::min({segment.p_filesz, segment.p_memsz, size_bytes_ - segment.p_offset});
    segments_.push_back(segment);
  }
}

void ElfFile::parse_sections(const Elf64_Ehdr &header) {
  if (header.e_shoff == 0 || header.e_shentsize != sizeof(Elf64_Shdr) ||
      !contains(header.e_shoff, sizeof(Elf64_Shdr))) {
    return;
  }
  Elf64_Shdr first;
  memcpy(&first, data_ + header.e_shoff, sizeof(first));
  // Numbers that do not fit into the ELF header stand in section 0 (gABI, "ELF Header").
  uint64_t count = header.e_shnum != 0 ? header.e_shnum : first.sh_size;
  uint64_t names = header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : first.sh_link;
  if (count > kMaxSections || count > (size_bytes_ - header.e_shoff) / sizeof(Elf64_Shdr)) return;
  sections_.resize(count);
  if (count > 0) memcpy(sections_.data(), data_ + header.e_shoff, count * sizeof(Elf64_Shdr));
  if (names >= count) return;
  const Elf64_Shdr &table = sections_[names];
  if (table.sh_type == SHT_STRTAB && contains(table.sh_offset, table.sh_size)) {
    section_names_ = {reinterpret_cast<const char *>(data_ + table.sh_offset), static_cast<size_t>(table.sh_size)};
  }
}

std::string_view ElfFile::section_name(const Elf64_Shdr &section) const {
  if (section.sh_name >= section_names_.size()) return {};
  std::string_view rest = section_names_.substr(section.sh_name);
  return rest.substr(0, std::min(rest.find('\0'), rest.size()));
}

const Elf64_Shdr *ElfFile::section_of_type(uint32_t type) const {
  for (const Elf64_Shdr &section : sections_) {
    if (section.sh_type == type && contains(section.sh_offset, section.sh_size)) return &section;
  }
  return nullptr;
}

std::optional<ElfSection> ElfFile::section(std::string_view name) const {
  for (const Elf64_Shdr &section : sections_) {
    if (section.sh_type == SHT_NULL || section.sh_type == SHT_NOBITS || section_name(section) != name) continue;
    if (section.sh_size > kMaxSectionBytes || !contains(section.sh_offset, section.sh_size)) continue;
    return ElfSection{data_ + section.sh_offset, section.sh_size, section.sh_addr, section.sh_offset};
  }
  return std::nullopt;
}

std::optional<ElfSection> ElfFile::segment(uint32_t type) const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != type) continue;
    return ElfSection{data_ + segment.p_offset, segment.p_filesz, segment.p_vaddr, segment.p_offset};
  }
  return std::nullopt;
}

std::string ElfFile::build_id() const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_NOTE) continue;
    std::string id = build_id_in_notes(data_ + segment.p_offset, segment.p_filesz, segment.p_align);
    if (!id.empty()) return id;
  }
  // Separate debug files keep the section, but their program headers show nothing.
  auto notes = section(".note.gnu.build-id");
  return notes ? build_id_in_notes(notes->data, notes->size_bytes, 4) : "";
}

bool ElfFile::has_interpreter() const {
  return segment(PT_INTERP).has_value();
}

std::string ElfFile::interpreter() const {
  auto path = segment(PT_INTERP);
  if (!path) return "";
  return std::string(ByteReader(path->data, path->size_bytes).c_string());
}

bool ElfFile::is_dynamic() const {
  return segment(PT_DYNAMIC).has_value();
}

bool ElfFile::is_pie() const {
  const auto dynamic = segment(PT_DYNAMIC);
  if (!dynamic) return false;
  ByteReader reader(dynamic->data, dynamic->size_bytes);
  while (reader.remaining() >= sizeof(Elf64_Dyn)) {
    const auto entry = reader.read<Elf64_Dyn>();
    if (entry.d_tag == DT_NULL) return false;
    if (entry.d_tag == DT_FLAGS_1) return (entry.d_un.d_val & DF_1_PIE) != 0;
  }
  return false;
}

uint64_t ElfFile::lowest_address() const {
  uint64_t lowest = UINT64_MAX;
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type == PT_LOAD) lowest = std::min(lowest, page_floor(segment.p_vaddr));
  }
  return lowest == UINT64_MAX ? 0 : lowest;
}

std::optional<uint64_t> ElfFile::load_bias(uint64_t mapping_start, uint64_t mapping_offset) const {
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    // A mapping begins and ends at page borders, the segment anywhere in its pages.
    if (mapping_offset < page_floor(segment.p_offset)) continue;
    if (mapping_offset >= align_up(segment.p_offset + segment.p_filesz, kPageBytes)) continue;
    return mapping_start - (segment.p_vaddr + mapping_offset - segment.p_offset);
  }
  return std::nullopt;
}

const Elf64_Phdr *ElfFile::segment_at(uint64_t address) const {
  for (const Elf64_Phdr &segment : segments_) {
    bool covers = address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz;
    if (segment.p_type == PT_LOAD && covers) return &segment;
  }
  return nullptr;
}

std::optional<uint64_t> ElfFile::file_offset(uint64_t address) const {
  const Elf64_Phdr *segment = segment_at(address);
  if (segment == nullptr) return std::nullopt;
  return segment->p_offset + (address - segment->p_vaddr);
}

std::optional<uint64_t> ElfFile::address_of_offset(uint64_t file_offset) const {
  std::optional<uint64_t> address;
  for (const Elf64_Phdr &segment : segments_) {
    if (segment.p_type != PT_LOAD || file_offset < segment.p_offset) continue;
    if (file_offset - segment.p_offset >= segment.p_filesz) continue;
    bool executable = (segment.p_flags & PF_X) != 0;
    if (executable || !address) address = segment.p_vaddr + (file_offset - segment.p_offset);
    if (executable) break;
  }
  return address;
}

std::pair<const uint8_t *, size_t> ElfFile::bytes_at(uint64_t address, size_t max_bytes) const {
  const Elf64_Phdr *segment = segment_at(address);
  if (segment == nullptr) return {nullptr, 0};
  uint64_t skipped = address - segment->p_vaddr;
  uint64_t available = segment->p_filesz - skipped;
  return {data_ + segment->p_offset + skipped, static_cast<size_t>(std::min<uint64_t>(available, max_bytes))};
}

std::optional<std::pair<std::string, uint32_t>> ElfFile::debuglink() const {
  auto link = section(".gnu_debuglink");
  if (!link) return std::nullopt;
  ByteReader reader(link->data, link->size_bytes);
  std::string name(reader.c_string());
  size_t crc_position = align_up(reader.position(), 4);
  reader.take(crc_position - reader.position());
  auto crc = reader.read<uint32_t>();
  // The name becomes part of a path; a directory in it would lead out of the debug directories.
  if (!reader.ok() || name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return std::nullopt;
  }
  return std::make_pair(name, crc);
}

}  // namespace mp
