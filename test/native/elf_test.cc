#include "elf.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>

#include "check.h"
#include "elf_builder.h"
#include "proc_maps.h"
#include "this_machine.h"

using namespace mp;
using Bytes = ElfBuilder::Bytes;

namespace {

constexpr uint8_t kFunction = STB_GLOBAL << 4 | STT_FUNC;
constexpr uint8_t kLocalFunction = STB_LOCAL << 4 | STT_FUNC;
constexpr uint8_t kObject = STB_GLOBAL << 4 | STT_OBJECT;

std::unique_ptr<ElfFile> view(const Bytes &image) {
  std::string error;
  return ElfFile::from_memory(image.data(), image.size(), &error);
}

Bytes build_id_note(uint32_t alignment, const Bytes &id) {
  Bytes note = ElfBuilder::bytes_of(std::vector<uint32_t>{4, 4, 5});  // another note before it
  note.insert(note.end(), {'G', 'N', 'U', 0, 1, 2, 3, 4});
  while (note.size() % alignment != 0) note.push_back(0);
  Bytes header = ElfBuilder::bytes_of(std::vector<uint32_t>{4, static_cast<uint32_t>(id.size()), NT_GNU_BUILD_ID});
  note.insert(note.end(), header.begin(), header.end());
  note.insert(note.end(), {'G', 'N', 'U', 0});
  note.insert(note.end(), id.begin(), id.end());
  return note;
}

// A library with two segments: text at 0x11100 (file offset not a page border), data at 0x23000.
struct Library {
  ElfBuilder builder;
  uint64_t text_offset;

  Library() {
    text_offset = builder.add_segment({PT_LOAD, PF_R | PF_X, 0x11100}, Bytes(0x300, 0x90));
    builder.add_segment({PT_LOAD, PF_R | PF_W, 0x23000}, Bytes(0x10, 0));
  }
};

struct Name {
  const char *name;
  uint64_t address;
  uint8_t info;
  uint16_t section;
};

void add_symbols(ElfBuilder *builder, uint32_t type, const std::vector<Name> &names) {
  std::string text(1, '\0');
  std::vector<Elf64_Sym> symbols(1);
  for (const Name &name : names) {
    symbols.push_back({static_cast<uint32_t>(text.size()), name.info, 0, name.section, name.address, 16});
    text += std::string(name.name) + '\0';
  }
  uint32_t strings = builder->add_section(".strings", {SHT_STRTAB}, ElfBuilder::bytes_of(text));
  builder->add_section(".symbols", {type, 0, strings, sizeof(Elf64_Sym)}, ElfBuilder::bytes_of(symbols));
}

}  // namespace

TEST(says_what_is_wrong) {
  std::string error;
  CHECK(ElfFile::open("/nonexistent/file", &error) == nullptr);
  CHECK_EQ(error, "cannot open /nonexistent/file: No such file or directory");
  CHECK(ElfFile::open("/dev/null", &error) == nullptr);
  CHECK_EQ(error, "/dev/null is not an ELF file");
  CHECK(ElfFile::open("/", &error) == nullptr);
  Bytes image = ElfBuilder().build();
  image[EI_CLASS] = ELFCLASS32;
  CHECK(ElfFile::from_memory(image.data(), image.size(), &error) == nullptr);
  CHECK_EQ(error, "image is not a 64-bit x86-64 ELF file");
}

TEST(finds_build_ids) {
  Bytes id = {0xab, 0x01, 0xff, 0x00, 0x10};
  for (uint32_t alignment : {4, 8}) {
    ElfBuilder by_segment;
    by_segment.add_segment({PT_NOTE, PF_R, 0x200, alignment}, build_id_note(alignment, id));
    CHECK_EQ(view(by_segment.build())->build_id(), "ab01ff0010");
  }
  ElfBuilder by_section;
  by_section.add_section(".note.gnu.build-id", {SHT_NOTE}, build_id_note(4, id));
  CHECK_EQ(view(by_section.build())->build_id(), "ab01ff0010");
  CHECK_EQ(view(ElfBuilder().build())->build_id(), "");
}

TEST(ignores_notes_that_lead_out_of_their_section) {
  Bytes note = ElfBuilder::bytes_of(std::vector<uint32_t>{4, 0xfffffff0, NT_GNU_BUILD_ID});
  note.insert(note.end(), {'G', 'N', 'U', 0, 1, 2, 3, 4});
  ElfBuilder builder;
  builder.add_section(".note.gnu.build-id", {SHT_NOTE}, note);
  CHECK_EQ(view(builder.build())->build_id(), "");
  Bytes long_name = ElfBuilder::bytes_of(std::vector<uint32_t>{0xffffffff, 4, NT_GNU_BUILD_ID});
  ElfBuilder other;
  other.add_section(".note.gnu.build-id", {SHT_NOTE}, long_name);
  CHECK_EQ(view(other.build())->build_id(), "");
}

TEST(converts_addresses) {
  Library library;
  Bytes image = library.builder.build();
  auto elf = view(image);
  CHECK_EQ(elf->lowest_address(), 0x11000u);
  CHECK_EQ(elf->file_offset(0x11100), library.text_offset);
  CHECK_EQ(elf->file_offset(0x113ff), library.text_offset + 0x2ff);
  CHECK_EQ(elf->file_offset(0x11400), std::nullopt);
  CHECK_EQ(elf->file_offset(0x110ff), std::nullopt);
  CHECK_EQ(elf->address_of_offset(library.text_offset + 8), 0x11108u);
  CHECK_EQ(elf->address_of_offset(0), std::nullopt);
  // The kernel maps whole pages: file offset 0 is seen at the page of 0x11100 - text_offset.
  uint64_t bias = 0x7f0000000000 - (0x11100 - library.text_offset);
  CHECK_EQ(elf->load_bias(0x7f0000000000, 0), bias);
  CHECK_EQ(elf->load_bias(0x7f0000000000, 0x1000), std::nullopt);
}

TEST(gives_code) {
  Library library;
  Bytes image = library.builder.build();
  auto elf = view(image);
  CHECK_EQ(elf->bytes_at(0x11100, 16).second, 16u);
  CHECK_EQ(elf->bytes_at(0x113f8, 16).second, 8u);
  CHECK_EQ(elf->bytes_at(0x113f8, SIZE_MAX).second, 8u);
  CHECK(elf->bytes_at(0x11400, 16).first == nullptr);
  CHECK(elf->bytes_at(0x11100, 16).first == image.data() + library.text_offset);
}

TEST(segments_are_cut_to_the_file) {
  ElfBuilder builder;
  builder.add_segment({PT_LOAD, PF_R | PF_X, 0x1000}, Bytes(16, 0x90));
  Bytes image = builder.build();
  auto header = reinterpret_cast<Elf64_Ehdr *>(image.data());
  auto segment = reinterpret_cast<Elf64_Phdr *>(image.data() + header->e_phoff);
  segment->p_filesz = segment->p_memsz = UINT64_MAX / 2;
  auto [data, size_bytes] = view(image)->bytes_at(0x1000, SIZE_MAX);
  CHECK(data + size_bytes == image.data() + image.size());
  segment->p_vaddr = UINT64_MAX - 8;
  CHECK_EQ(view(image)->file_offset(UINT64_MAX - 8), std::nullopt);
}

TEST(sections_have_to_be_in_the_file) {
  ElfBuilder builder;
  builder.add_section(".here", {SHT_PROGBITS, 0x5000}, {1, 2, 3});
  builder.add_section(".nobits", {SHT_NOBITS}, {});
  uint32_t outside = builder.add_section(".outside", {SHT_PROGBITS}, {1});
  Bytes image = builder.build();
  auto header = reinterpret_cast<Elf64_Ehdr *>(image.data());
  reinterpret_cast<Elf64_Shdr *>(image.data() + header->e_shoff)[outside].sh_size = UINT64_MAX;
  auto elf = view(image);
  auto here = elf->section(".here");
  REQUIRE(here.has_value());
  CHECK_EQ(here->size_bytes, 3u);
  CHECK_EQ(here->address, 0x5000u);
  CHECK_EQ(here->data[2], 3);
  CHECK(!elf->section(".nobits"));
  CHECK(!elf->section(".outside"));
  CHECK(!elf->section(".her"));
}

TEST(merges_symbol_tables) {
  ElfBuilder builder;
  add_symbols(&builder, SHT_DYNSYM,
              {{"b", 0x2000, kFunction, 1}, {"undefined", 0, kFunction, SHN_UNDEF}, {"data", 0x3000, kObject, 1}});
  add_symbols(&builder, SHT_SYMTAB, {{"b@@V1", 0x2000, kFunction, 1}, {"a", 0x1000, kLocalFunction, 1}});
  auto image = builder.build();
  auto elf = view(image);
  auto functions = elf->symbols(true);
  REQUIRE(functions.size() == 2);
  CHECK_EQ(functions[0].name, "a");
  CHECK(!functions[0].dynamic);
  CHECK_EQ(functions[1].name, "b");
  CHECK_EQ(functions[1].size_bytes, 16u);
  CHECK(functions[1].dynamic);
  CHECK_EQ(elf->symbols(false).size(), 3u);
}

TEST(prefers_the_default_version) {
  ElfBuilder builder;
  add_symbols(&builder, SHT_DYNSYM,
              {{"f", 0x1000, kFunction, 1}, {"f", 0x2000, kFunction, 1}, {"old", 0x3000, kFunction, 1}});
  builder.add_section(".gnu.version", {SHT_GNU_versym},
                      ElfBuilder::bytes_of(std::vector<uint16_t>{0, 0x8002, 3, 0x8002}));
  add_symbols(&builder, SHT_SYMTAB,
              {{"g", 0x4000, kLocalFunction, 1}, {"g@V1", 0x5000, kFunction, 1}, {"g@@V2", 0x6000, kFunction, 1}});
  auto image = builder.build();
  auto elf = view(image);
  CHECK_EQ(elf->find_function("f")->address, 0x2000u);
  CHECK_EQ(elf->find_function("old")->address, 0x3000u);
  CHECK_EQ(elf->find_function("g")->address, 0x6000u);
  CHECK(!elf->find_function("g@@V2"));
  CHECK(!elf->find_function(""));
}

TEST(ignores_names_outside_the_string_table) {
  ElfBuilder builder;
  uint32_t strings = builder.add_section(".strings", {SHT_STRTAB}, ElfBuilder::bytes_of("\0unterminated"));
  std::vector<Elf64_Sym> symbols = {{0x10000, kFunction, 0, 1, 0x1000, 1}, {1, kFunction, 0, 1, 0x1000, 1}};
  builder.add_section(".symbols", {SHT_SYMTAB, 0, strings, sizeof(Elf64_Sym)}, ElfBuilder::bytes_of(symbols));
  auto image = builder.build();
  CHECK_EQ(view(image)->symbols(false).size(), 0u);
}

TEST(reads_debuglinks) {
  Bytes link = {'a', '.', 'd', 'e', 'b', 'u', 'g', 0, 0x78, 0x56, 0x34, 0x12};
  ElfBuilder builder;
  builder.add_section(".gnu_debuglink", {SHT_PROGBITS}, link);
  auto found = view(builder.build())->debuglink();
  REQUIRE(found.has_value());
  CHECK_EQ(found->first, "a.debug");
  CHECK_EQ(found->second, 0x12345678u);
  link[1] = '/';
  ElfBuilder directory;
  directory.add_section(".gnu_debuglink", {SHT_PROGBITS}, link);
  CHECK(!view(directory.build())->debuglink());
}

TEST(knows_how_a_program_is_linked) {
  ElfBuilder builder;
  builder.add_segment({PT_INTERP, PF_R, 0x300}, ElfBuilder::bytes_of(std::string("/lib/ld.so\0", 11)));
  builder.add_segment({PT_DYNAMIC, PF_R, 0x400}, Bytes(16, 0));
  auto image = builder.build();
  CHECK_EQ(view(image)->interpreter(), "/lib/ld.so");
  CHECK(view(image)->has_interpreter());
  CHECK(view(image)->is_dynamic());
  auto plain = ElfBuilder().build();
  CHECK_EQ(view(plain)->interpreter(), "");
  CHECK(!view(plain)->has_interpreter());
  CHECK(!view(plain)->is_dynamic());
}

TEST(agrees_with_the_dynamic_linker) {
  std::string error;
  auto libc = ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  Dl_info info{};
  auto runtime = reinterpret_cast<uint64_t>(&gnu_get_libc_version);
  REQUIRE(dladdr(reinterpret_cast<const void *>(runtime), &info) != 0);
  auto bias = reinterpret_cast<uint64_t>(info.dli_fbase) - libc->lowest_address();
  auto symbol = libc->find_function("gnu_get_libc_version");
  REQUIRE(symbol.has_value());
  CHECK_EQ(symbol->address + bias, runtime);
  auto mappings = read_proc_maps(getpid());
  REQUIRE(mappings.has_value());
  int mapped = 0;
  for (const ProcMapping &mapping : *mappings) {
    if (!mapping.executable || runtime < mapping.start || runtime >= mapping.end) continue;
    CHECK_EQ(libc->load_bias(mapping.start, mapping.offset), bias);
    CHECK_EQ(libc->file_offset(symbol->address), runtime - mapping.start + mapping.offset);
    mapped++;
  }
  CHECK_EQ(mapped, 1);
  auto [code, size_bytes] = libc->bytes_at(symbol->address, symbol->size_bytes);
  REQUIRE(code != nullptr);
  CHECK(memcmp(code, reinterpret_cast<const void *>(runtime), size_bytes) == 0);
}

TEST(agrees_with_readelf) {
  std::string libc_file = libc_path();
  std::string id = first_line(output_of("readelf -n '" + libc_file + "' 2>/dev/null | sed -n 's/.*Build ID: //p'"));
  if (id.empty()) SKIP("readelf gives no build id");
  std::string error;
  auto libc = ElfFile::open(libc_file, &error);
  REQUIRE(libc != nullptr);
  CHECK_EQ(libc->build_id(), id);
  std::string command = "readelf --dyn-syms -W '" + libc_file +
                        "' | awk '($4 == \"FUNC\" || $4 == \"IFUNC\") && $7 != \"UND\" "
                        "{ sub(/@.*/, \"\", $8); print $2, $8 }' | sort -u | wc -l";
  auto functions = libc->symbols(true);
  auto dynamic = std::count_if(functions.begin(), functions.end(), [](const ElfSymbol &s) { return s.dynamic; });
  CHECK_EQ(std::to_string(dynamic), first_line(output_of(command)));
  CHECK(std::is_sorted(functions.begin(), functions.end(),
                       [](const ElfSymbol &a, const ElfSymbol &b) { return a.address < b.address; }));
}
