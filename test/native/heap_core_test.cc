// Core files made by hand: what they keep, what is read from the files that were mapped, and which of these.
#include "heap/heap_core.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "check.h"
#include "elf_builder.h"
#include "error.h"
#include "made_core.h"
#include "made_heap.h"

using namespace mp;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kPage = 4096, kAnonymous = 0x7f0000000000, kMapped = 0x550000000000;

// A directory that goes with its owner.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/mp-test-XXXXXX";
    if (mkdtemp(name) != nullptr) path_ = name;
  }
  ~Folder() { std::system(("rm -rf " + path_).c_str()); }

  std::string write(const std::string &name, const Bytes &bytes) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return path;
  }

 private:
  std::string path_;
};

// An ELF file of two and a half pages, with a build id.
Bytes mapped_file(uint8_t id) {
  ElfBuilder builder;
  Bytes note{4, 0, 0, 0, 4, 0, 0, 0, NT_GNU_BUILD_ID, 0, 0, 0, 'G', 'N', 'U', 0, id, 1, 2, 3};
  builder.add_segment({PT_NOTE, PF_R, 0x400, 4}, note);
  Bytes file = builder.build();
  file.resize(2 * kPage + kPage / 2, 0xcc);
  return file;
}

// Two pages of memory that are kept, and a file of which only the first is.
MadeCore made_core(const std::string &path, const Bytes &file) {
  MadeCore core;
  core.segments.push_back({kAnonymous, 2 * kPage, Bytes(2 * kPage, 0xaa)});
  core.segments.push_back({kMapped, kPage, Bytes(file.begin(), file.begin() + kPage), PF_R});
  core.segments.push_back({kMapped + kPage, 2 * kPage, {}, PF_R | PF_X});
  core.files.push_back({kMapped, kMapped + kPage, 0, path});
  core.files.push_back({kMapped + kPage, kMapped + 3 * kPage, 1, path});
  return core;
}

int byte_at(HeapCore &core, uint64_t address) {
  uint8_t byte = 0;
  return core.read(address, &byte, 1) ? byte : -1;
}

std::string error_of(const std::string &path) {
  try {
    HeapCore core(path, {});
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST(reads_what_is_kept_and_nothing_else) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(1));
  HeapCore core(folder.write("core", made_core(path, mapped_file(1)).build()), {});
  CHECK_EQ(byte_at(core, kAnonymous), 0xaa);
  CHECK_EQ(byte_at(core, kAnonymous + 2 * kPage - 1), 0xaa);
  for (const uint64_t address :
       {kAnonymous - 1, kAnonymous + 2 * kPage, uint64_t{0}, ~uint64_t{0}, kMapped + 3 * kPage})
    CHECK_EQ(byte_at(core, address), -1);
  Bytes across(2 * kPage);
  CHECK(!core.read(kAnonymous + kPage, across.data(), across.size()));
  CHECK_EQ(core.missing_bytes(), 0u);
  CHECK(core.name().find("of process 4711") != std::string::npos);
}

TEST(reads_the_rest_from_the_file_that_was_mapped) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(1));
  HeapCore core(folder.write("core", made_core(path, mapped_file(1)).build()), {});
  CHECK_EQ(byte_at(core, kMapped), 0x7f);
  CHECK_EQ(byte_at(core, kMapped + kPage), 0xcc);
  CHECK_EQ(byte_at(core, kMapped + 2 * kPage + kPage / 2 - 1), 0xcc);
  CHECK_EQ(byte_at(core, kMapped + 2 * kPage + kPage / 2), 0);  // behind its end
  Bytes all(3 * kPage);
  CHECK(core.read(kMapped, all.data(), all.size()));
  CHECK(core.open(core.mappings().at(1)) != nullptr);
}

TEST(refuses_a_file_that_is_another_one_by_now) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(2)), original = folder.write("moved", mapped_file(1));
  const std::string core_path = folder.write("core", made_core(path, mapped_file(1)).build());
  HeapCore core(core_path, {});
  CHECK_EQ(byte_at(core, kMapped), 0x7f);
  CHECK_EQ(byte_at(core, kMapped + kPage), -1);
  CHECK(core.open(core.mappings().at(0)) == nullptr);
  CHECK(core.hint().find(path) != std::string::npos);
  HeapCore other(core_path, {"/nowhere", folder.write("third", mapped_file(3)), original});
  CHECK_EQ(byte_at(other, kMapped + kPage), 0xcc);
  CHECK_EQ(other.hint(), "");
}

TEST(does_not_trust_a_file_whose_beginning_was_not_kept) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(1));
  MadeCore made = made_core(path, mapped_file(1));
  made.segments[1].kept.clear();
  HeapCore core(folder.write("core", made.build()), {path});
  CHECK_EQ(byte_at(core, kMapped + kPage), -1);
  CHECK(core.hint().find("does not keep the beginning of " + path) != std::string::npos);
}

// Memory that was written to and then not kept was not what the file has.
TEST(does_not_take_a_core_file_that_was_cut_short_for_a_whole_one) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(1));
  MadeCore made = made_core(path, mapped_file(1));
  made.segments[2].kept = Bytes(2 * kPage, 0xdd);
  Bytes bytes = made.build();
  bytes.resize(bytes.size() - kPage);
  HeapCore core(folder.write("core", bytes), {});
  CHECK_EQ(byte_at(core, kMapped + kPage), 0xdd);
  CHECK_EQ(byte_at(core, kMapped + 2 * kPage), -1);
  CHECK_EQ(core.missing_bytes(), kPage);
  CHECK(core.hint().find("cut short") != std::string::npos);
}

TEST(has_the_mappings_of_the_process) {
  const Folder folder;
  const std::string path = folder.write("file", mapped_file(1));
  MadeCore made = made_core(path, mapped_file(1));
  made.segments.pop_back();  // as gdb does with what is only read
  HeapCore core(folder.write("core", made.build()), {});
  const auto &maps = core.mappings();
  REQUIRE(maps.size() == 3);
  CHECK(maps[0].start == kMapped && maps[0].end == kMapped + kPage && maps[0].path == path && !maps[0].executable);
  CHECK(maps[1].start == kMapped + kPage && maps[1].offset == kPage && maps[1].executable && maps[1].inode != 0);
  CHECK(maps[2].start == kAnonymous && maps[2].path.empty() && maps[2].readable && maps[2].inode == 0);
  CHECK_EQ(byte_at(core, kMapped + kPage), 0xcc);
}

TEST(says_what_is_no_core_file) {
  const Folder folder;
  CHECK(error_of(folder.write("text", Bytes(5000, 'x'))).find("no core file") != std::string::npos);
  CHECK(error_of(folder.write("program", mapped_file(1))).find("no core file of an x86-64") != std::string::npos);
  const Bytes core = made_core("/nowhere", mapped_file(1)).build();
  CHECK(error_of(folder.write("short", Bytes(core.begin(), core.begin() + 100))).find("beginning") !=
        std::string::npos);
  CHECK(error_of("/nowhere/core").find("cannot read /nowhere/core") == 0);
  CHECK(error_of("/dev/null").find("cannot read /dev/null") == 0);
}

TEST(gives_the_objects_that_the_process_had) {
  for (int minor = 8; minor <= 13; minor++) {
    MadeHeap heap(minor);
    const uint64_t number = heap.floating(), list = heap.list({number, number}, 4);
    heap.dict({{number, list}});
    heap.bytes.resize((heap.bytes.size() + kPage - 1) / kPage * kPage);
    MadeCore made;
    made.segments.push_back({MadeHeap::kBase, heap.bytes.size(), heap.bytes});
    const Folder folder;
    HeapCore core(folder.write("core", made.build()), {});
    HeapMemory memory([&](uint64_t address, void *to, size_t size) { return core.read(address, to, size); });
    const HeapSnapshot live = heap.read(), read = read_heap(heap.layout(), memory, heap.roots());
    CHECK(read.addresses == live.addresses && read.sizes == live.sizes && read.targets == live.targets);
    CHECK_EQ(read.addresses.size(), 3u);
  }
}
