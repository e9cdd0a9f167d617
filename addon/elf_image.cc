#include "elf_image.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "byte_reader.h"

namespace mp {
namespace {

// The image is reserved address space; only what is wanted is read into it.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 36;
// Of everything that is read and unpacked. Beyond it a file gives its symbols only, then nothing.
constexpr uint64_t kMaxDebugBytes = uint64_t{2} << 30;
constexpr uint64_t kMaxSymbolBytes = uint64_t{1} << 30;
constexpr uint64_t kMaxSections = 1 << 16;
constexpr uint64_t kMaxSectionNamesBytes = 4 << 20;
constexpr uint64_t kMaxNoteBytes = 1 << 20;
// zlib cannot do better; a header that claims more is wrong.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kPaddingBytes = 4096;
// The new section table: at most 16 sections with short names.
constexpr uint64_t kHeadersBytes = 4096;
constexpr size_t kMaxCodeSections = 64;

constexpr const char *kDebugSections[] = {
    ".debug_info",        ".debug_abbrev", ".debug_line",   ".debug_line_str", ".debug_str",
    ".debug_str_offsets", ".debug_addr",   ".debug_ranges", ".debug_rnglists",
};

bool is_debug_section(const std::string &name) {
  return std::find(std::begin(kDebugSections), std::end(kDebugSections), name) != std::end(kDebugSections);
}

bool is_link_or_note(const std::string &name) {
  return name == ".gnu_debuglink" || name == ".gnu_debugaltlink" || name == ".note.gnu.build-id";
}

std::string to_hex(std::string_view bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

uint64_t padded(uint64_t size_bytes) {
  return ((size_bytes + 15) & ~uint64_t{15}) + 64;
}

}  // namespace

std::unique_ptr<ElfImage> ElfImage::read_file(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) return nullptr;
  auto read_bytes = [fd](uint64_t offset, void *to, size_t size_bytes) {
    auto *at = static_cast<uint8_t *>(to);
    while (size_bytes > 0) {
      ssize_t count = pread(fd, at, size_bytes, static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      at += count;
      offset += static_cast<uint64_t>(count);
      size_bytes -= static_cast<size_t>(count);
    }
    return true;
  };
  return read(read_bytes, static_cast<uint64_t>(status.st_size));
}

std::unique_ptr<ElfImage> ElfImage::read_memory(const uint8_t *data, size_t size_bytes) {
  auto read_bytes = [data, size_bytes](uint64_t offset, void *to, size_t count) {
    if (offset > size_bytes || count > size_bytes - offset) return false;
    if (count > 0) memcpy(to, data + offset, count);
    return true;
  };
  return read(read_bytes, size_bytes);
}

std::unique_ptr<ElfImage> ElfImage::read(const ReadBytes &read_bytes, uint64_t file_size_bytes) {
  if (file_size_bytes < sizeof(Elf64_Ehdr) || file_size_bytes > kMaxFileBytes) return nullptr;
  std::unique_ptr<ElfImage> image(new ElfImage());
  image->file_size_bytes_ = file_size_bytes;
  if (!image->read_headers(read_bytes)) return nullptr;
  image->choose_parts();
  image->measure_packed_parts(read_bytes);
  if (!image->fits_limits() || !image->reserve()) return nullptr;
  image->take_parts(read_bytes);
  image->take_note_segments(read_bytes);
  image->read_alt_link();
  image->write_headers();
  return image;
}

ElfImage::~ElfImage() {
  if (data_ != nullptr) munmap(data_, mapped_bytes_);
}

bool ElfImage::in_file(uint64_t offset, uint64_t size_bytes) const {
  return offset <= file_size_bytes_ && size_bytes <= file_size_bytes_ - offset;
}

bool ElfImage::read_headers(const ReadBytes &read_bytes) {
  if (!read_bytes(0, &header_, sizeof(header_)) || memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB) return false;
  if (header_.e_machine != EM_X86_64 || header_.e_shentsize != sizeof(Elf64_Shdr)) return false;
  Elf64_Shdr first{};
  if (header_.e_shoff == 0 || header_.e_shoff % alignof(Elf64_Shdr) != 0) return false;
  if (!in_file(header_.e_shoff, sizeof(first)) || !read_bytes(header_.e_shoff, &first, sizeof(first))) return false;
  uint64_t count = header_.e_shnum != 0 ? header_.e_shnum : first.sh_size;
  uint64_t names_index = header_.e_shstrndx != SHN_XINDEX ? header_.e_shstrndx : first.sh_link;
  if (count == 0 || count > kMaxSections || names_index >= count) return false;
  if (!in_file(header_.e_shoff, count * sizeof(Elf64_Shdr))) return false;
  sections_.resize(count);
  if (!read_bytes(header_.e_shoff, sections_.data(), count * sizeof(Elf64_Shdr))) return false;
  return read_section_names(read_bytes, names_index);
}

bool ElfImage::read_section_names(const ReadBytes &read_bytes, uint64_t names_index) {
  const Elf64_Shdr &names = sections_[names_index];
  if (names.sh_type != SHT_STRTAB || names.sh_size == 0 || names.sh_size > kMaxSectionNamesBytes) return false;
  if (!in_file(names.sh_offset, names.sh_size)) return false;
  section_names_.resize(names.sh_size);
  if (!read_bytes(names.sh_offset, section_names_.data(), names.sh_size)) return false;
  section_names_.back() = '\0';
  return true;
}

std::string ElfImage::section_name(size_t index) const {
  uint32_t offset = sections_[index].sh_name;
  return offset < section_names_.size() ? std::string(section_names_.c_str() + offset) : "";
}

// The first section of each wanted name, and the first symbol table of each type with its strings.
void ElfImage::choose_parts() {
  std::set<std::string> names;
  std::set<uint32_t> symbol_tables;
  for (size_t i = 0; i < sections_.size(); i++) {
    const Elf64_Shdr &section = sections_[i];
    bool code = (section.sh_flags & SHF_EXECINSTR) != 0 && section.sh_addr + section.sh_size > section.sh_addr;
    if (code && code_.size() < kMaxCodeSections) {
      code_.push_back({section.sh_addr, section.sh_addr + section.sh_size});
    }
    if (section.sh_type == SHT_NULL || section.sh_type == SHT_NOBITS || section.sh_size == 0) continue;
    if (!in_file(section.sh_offset, section.sh_size)) continue;
    bool symbols = section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM;
    if (symbols && symbol_tables.insert(section.sh_type).second) choose_symbol_table(i);
    std::string name = section_name(i);
    bool debug = is_debug_section(name);
    if ((debug || is_link_or_note(name)) && names.insert(name).second) parts_.push_back({i, name, 0, debug});
  }
}

void ElfImage::choose_symbol_table(size_t index) {
  parts_.push_back({index, "", 0, false});
  if (sections_[index].sh_link >= sections_.size()) return;
  const Elf64_Shdr &strings = sections_[sections_[index].sh_link];
  if (strings.sh_type != SHT_STRTAB || !in_file(strings.sh_offset, strings.sh_size)) return;
  parts_.push_back({sections_[index].sh_link, "", 0, false});
}

void ElfImage::measure_packed_parts(const ReadBytes &read_bytes) {
  auto unusable = [&](Part &part) {
    const Elf64_Shdr &section = sections_[part.index];
    if ((section.sh_flags & SHF_COMPRESSED) == 0) return false;
    Elf64_Chdr packed{};
    if (section.sh_size < sizeof(packed) || !read_bytes(section.sh_offset, &packed, sizeof(packed))) return true;
    part.unpacked_bytes = packed.ch_size;
    return packed.ch_type != ELFCOMPRESS_ZLIB || packed.ch_size == 0 ||
           packed.ch_size / kMaxDeflateRatio > section.sh_size;
  };
  parts_.erase(std::remove_if(parts_.begin(), parts_.end(), unusable), parts_.end());
}

// Gives up the debug sections if they are too large together. false: even the symbols are.
bool ElfImage::fits_limits() {
  uint64_t symbol_bytes = 0;
  uint64_t debug_bytes = 0;
  for (const Part &part : parts_) {
    uint64_t size_bytes = std::max<uint64_t>(sections_[part.index].sh_size, part.unpacked_bytes);
    if (size_bytes > kMaxFileBytes) size_bytes = kMaxFileBytes;
    (part.debug ? debug_bytes : symbol_bytes) += size_bytes;
  }
  if (debug_bytes > kMaxDebugBytes) {
    parts_.erase(std::remove_if(parts_.begin(), parts_.end(), [](const Part &part) { return part.debug; }),
                 parts_.end());
  }
  return symbol_bytes <= kMaxSymbolBytes;
}

bool ElfImage::reserve() {
  headers_at_ = padded(file_size_bytes_);
  for (const Part &part : parts_) headers_at_ += part.unpacked_bytes == 0 ? 0 : padded(part.unpacked_bytes);
  size_bytes_ = headers_at_ + kHeadersBytes;
  mapped_bytes_ = size_bytes_ + kPaddingBytes;
  void *data = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return false;
  data_ = static_cast<uint8_t *>(data);
  return true;
}

void ElfImage::take_parts(const ReadBytes &read_bytes) {
  uint64_t unpack_at = padded(file_size_bytes_);
  auto failed = [&](const Part &part) {
    Elf64_Shdr &section = sections_[part.index];
    if (part.unpacked_bytes == 0) {
      if (!read_bytes(section.sh_offset, data_ + section.sh_offset, section.sh_size)) return true;
    } else {
      if (!unpack(read_bytes, part, data_ + unpack_at)) return true;
      section.sh_offset = unpack_at;
      section.sh_size = part.unpacked_bytes;
      unpack_at += padded(part.unpacked_bytes);
    }
    section.sh_flags &= ~uint64_t{SHF_COMPRESSED | SHF_GROUP};
    if (part.debug) section.sh_type = SHT_PROGBITS;
    if (!part.name.empty()) {
      taken_[part.name] = {reinterpret_cast<const char *>(data_ + section.sh_offset), section.sh_size};
    }
    return false;
  };
  parts_.erase(std::remove_if(parts_.begin(), parts_.end(), failed), parts_.end());
}

bool ElfImage::unpack(const ReadBytes &read_bytes, const Part &part, uint8_t *to) {
  const Elf64_Shdr &section = sections_[part.index];
  std::vector<uint8_t> packed(section.sh_size - sizeof(Elf64_Chdr));
  if (!read_bytes(section.sh_offset + sizeof(Elf64_Chdr), packed.data(), packed.size())) return false;
  uLongf unpacked_bytes = part.unpacked_bytes;
  return uncompress(to, &unpacked_bytes, packed.data(), packed.size()) == Z_OK && unpacked_bytes == part.unpacked_bytes;
}

// The build id may stand in a segment only.
void ElfImage::take_note_segments(const ReadBytes &read_bytes) {
  uint64_t table_bytes = uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr);
  if (header_.e_phentsize != sizeof(Elf64_Phdr) || !in_file(header_.e_phoff, table_bytes)) return;
  std::vector<Elf64_Phdr> segments(header_.e_phnum);
  if (!read_bytes(header_.e_phoff, segments.data(), table_bytes)) return;
  uint64_t budget_bytes = kMaxNoteBytes;
  for (const Elf64_Phdr &segment : segments) {
    if (segment.p_type != PT_NOTE || segment.p_filesz > budget_bytes) continue;
    if (!in_file(segment.p_offset, segment.p_filesz)) continue;
    read_bytes(segment.p_offset, data_ + segment.p_offset, segment.p_filesz);
    budget_bytes -= segment.p_filesz;
  }
  if (table_bytes > 0) memcpy(data_ + header_.e_phoff, segments.data(), table_bytes);
}

void ElfImage::read_alt_link() {
  std::string_view link = section(".gnu_debugaltlink");
  ByteReader reader(reinterpret_cast<const uint8_t *>(link.data()), link.size());
  std::string path(reader.c_string());
  if (reader.ok() && !path.empty()) alt_link_ = AltLink{path, to_hex(link.substr(reader.position()))};
  auto is_alt_link = [](const Part &part) { return part.name == ".gnu_debugaltlink"; };
  parts_.erase(std::remove_if(parts_.begin(), parts_.end(), is_alt_link), parts_.end());
}

// A new section table and its names, behind everything else: in a hostile file the old ones overlap what was checked.
void ElfImage::write_headers() {
  std::vector<uint32_t> new_index(sections_.size(), 0);
  for (size_t i = 0; i < parts_.size(); i++) new_index[parts_[i].index] = static_cast<uint32_t>(i + 1);
  std::vector<Elf64_Shdr> table(1);
  std::string names(1, '\0');
  for (const Part &part : parts_) {
    Elf64_Shdr section = sections_[part.index];
    section.sh_name = static_cast<uint32_t>(part.name.empty() ? 0 : names.size());
    section.sh_link = section.sh_link < new_index.size() ? new_index[section.sh_link] : 0;
    if (!part.name.empty()) names += part.name + '\0';
    table.push_back(section);
  }
  Elf64_Shdr strings{};
  strings.sh_type = SHT_STRTAB;
  strings.sh_offset = headers_at_;
  strings.sh_size = names.size();
  table.push_back(strings);
  memcpy(data_ + headers_at_, names.data(), names.size());
  header_.e_shoff = headers_at_ + padded(names.size());
  header_.e_shnum = static_cast<uint16_t>(table.size());
  header_.e_shstrndx = static_cast<uint16_t>(table.size() - 1);
  memcpy(data_ + header_.e_shoff, table.data(), table.size() * sizeof(Elf64_Shdr));
  memcpy(data_, &header_, sizeof(header_));
}

std::string_view ElfImage::section(const std::string &name) const {
  auto found = taken_.find(name);
  return found == taken_.end() ? std::string_view() : found->second;
}

uint64_t ElfImage::code_end(uint64_t address) const {
  for (const Range &range : code_) {
    if (address >= range.start && address < range.end) return range.end;
  }
  return UINT64_MAX;
}

}  // namespace mp
