// Files whose owner wants the tracer to crash, to hang or to fill its memory.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "check.h"
#include "eh_frame.h"
#include "elf.h"
#include "elf_builder.h"
#include "mapped_file.h"
#include "unique_fd.h"

using namespace mp;
using Bytes = ElfBuilder::Bytes;

namespace {

constexpr uint64_t kHuge = uint64_t{1} << 40;  // a tebibyte, most of it a hole

// An open file without a name.
struct TemporaryFile {
  UniqueFd fd{open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  std::string path = "/proc/self/fd/" + std::to_string(fd.get());

  void write(const Bytes &bytes, uint64_t size_bytes) const {
    CHECK_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    CHECK_EQ(ftruncate(fd.get(), static_cast<off_t>(size_bytes)), 0);
  }
};

// Sets a word of the section header `index`.
void set_section_word(Bytes *image, size_t index, size_t member, uint64_t value) {
  Elf64_Ehdr header;
  memcpy(&header, image->data(), sizeof(header));
  memcpy(image->data() + header.e_shoff + index * sizeof(Elf64_Shdr) + member, &value, sizeof(value));
}

// Everything that is asked of a module when a process maps it.
void ask_everything(const std::string &path) {
  std::string error;
  const auto elf = ElfFile::open(path, &error);
  if (!elf) return;
  EhFrameStats stats;
  build_unwind_rows(*elf, &stats);
  elf->build_id();
  elf->interpreter();
  elf->symbols(false);
  elf->debuglink();
  for (int i = 0; i < 20; i++) elf->find_function("malloc" + std::to_string(i));
}

double seconds_of(const std::string &path) {
  const auto begin = std::chrono::steady_clock::now();
  ask_everything(path);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

constexpr double kMaxSeconds = 60;  // with sanitizers; without bounds it takes days, or all memory

}  // namespace

TEST(a_symbol_table_of_a_tebibyte) {
  ElfBuilder builder;
  const uint32_t names = builder.add_section(".strtab", {SHT_STRTAB}, Bytes(16));
  const uint32_t table = builder.add_section(".symtab", {SHT_SYMTAB, 0, names, sizeof(Elf64_Sym)}, Bytes(48));
  Bytes image = builder.build();
  set_section_word(&image, table, offsetof(Elf64_Shdr, sh_size), kHuge / 2);
  const TemporaryFile file;
  file.write(image, kHuge);
  CHECK(seconds_of(file.path) < kMaxSeconds);
}

TEST(unwind_tables_of_a_tebibyte) {
  ElfBuilder builder;
  const uint32_t table = builder.add_section(".eh_frame", {SHT_PROGBITS, 0x1000}, Bytes(48));
  Bytes image = builder.build();
  set_section_word(&image, table, offsetof(Elf64_Shdr, sh_size), kHuge / 2);
  const TemporaryFile file;
  file.write(image, kHuge);
  CHECK(seconds_of(file.path) < kMaxSeconds);
}

TEST(notes_of_a_tebibyte) {
  ElfBuilder builder;
  builder.add_segment({PT_NOTE, PF_R, 0x1000}, Bytes(48));
  Bytes image = builder.build();
  Elf64_Ehdr header;
  memcpy(&header, image.data(), sizeof(header));
  Elf64_Phdr segment;
  memcpy(&segment, image.data() + header.e_phoff, sizeof(segment));
  segment.p_filesz = segment.p_memsz = kHuge / 2;
  memcpy(image.data() + header.e_phoff, &segment, sizeof(segment));
  const TemporaryFile file;
  file.write(image, kHuge);
  CHECK(seconds_of(file.path) < kMaxSeconds);
}

TEST(as_many_sections_as_fit_into_a_tebibyte) {
  ElfBuilder builder;
  builder.add_section(".text", {SHT_PROGBITS}, Bytes(16));
  Bytes image = builder.build();
  set_section_word(&image, 0, offsetof(Elf64_Shdr, sh_size), kHuge / 2 / sizeof(Elf64_Shdr));
  const uint16_t extended = 0;
  memcpy(image.data() + offsetof(Elf64_Ehdr, e_shnum), &extended, sizeof(extended));
  const TemporaryFile file;
  file.write(image, kHuge);
  CHECK(seconds_of(file.path) < kMaxSeconds);
}

TEST(a_file_that_is_shortened_while_it_is_read) {
  ElfBuilder builder;
  const uint32_t names = builder.add_section(".strtab", {SHT_STRTAB}, Bytes(1 << 20, 'x'));
  builder.add_section(".symtab", {SHT_SYMTAB, 0, names, sizeof(Elf64_Sym)}, Bytes(1 << 20, 1));
  const Bytes image = builder.build();
  const TemporaryFile file;
  file.write(image, image.size());
  std::string error;
  const auto elf = ElfFile::open(file.path, &error);
  CHECK(elf != nullptr);
  CHECK_EQ(ftruncate(file.fd.get(), 100), 0);
  elf->symbols(false);
  EhFrameStats stats;
  CHECK(build_unwind_rows(*elf, &stats).empty());
}

TEST(what_a_shortened_file_has_lost_reads_as_zeros) {
  const TemporaryFile file;
  file.write(Bytes(3 * 4096, 'x'), 3 * 4096);
  const auto mapped = MappedFile::map(file.fd.get(), 3 * 4096);
  CHECK(mapped != nullptr);
  CHECK_EQ(ftruncate(file.fd.get(), 4096), 0);
  CHECK_EQ(mapped->data()[0], 'x');
  CHECK_EQ(mapped->data()[4096], 0);
  CHECK_EQ(mapped->data()[3 * 4096 - 1], 0);
}
