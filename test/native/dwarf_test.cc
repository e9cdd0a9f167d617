// Lines and inlined functions, compared with addr2line at every call of small programs and of what is installed.
#include "dwarf.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "check.h"
#include "compile.h"
#include "dwarf_check.h"
#include "symbolize.h"
#include "unique_fd.h"

using mp::DwarfFile;
using mp::ElfImage;
using mp::SymbolFrame;

namespace {

constexpr const char *kHeader = R"(#include <cstdlib>
struct Buffer { char *data; size_t size; };
static inline void *grow(Buffer *buffer, size_t more) {
  buffer->size += more;
  return realloc(buffer->data, buffer->size);
}
template <class Item>
inline void append(Buffer *buffer, const Item &item) {
  size_t at = buffer->size;
  buffer->data = static_cast<char *>(grow(buffer, sizeof(item)));
  *reinterpret_cast<Item *>(buffer->data + at) = item;
}
)";

constexpr const char *kMain = R"(#include <map>
#include <string>
#include <vector>
#include "sub/../sub/buffer.h"
namespace {
struct Reader {
  Buffer buffer;
  void read(int count) {
    for (int i = 0; i < count; i++) append(&buffer, i);
  }
};
}
void consume(void *block);
__attribute__((noinline)) int count_words(int n) {
  std::map<std::string, std::vector<int>> words;
  for (int i = 0; i < n; i++) words[std::to_string(i % 7)].push_back(i);
  auto make = [&](size_t size) { return malloc(size + words.size()); };
  consume(make(n & 63));
  if (n == 77) throw std::string("seventy-seven");
  return words.size();
}
int more(int n);
int main(int argc, char **argv) {
  Reader reader{};
  reader.read(argc);
  free(reader.buffer.data);
  return count_words(argc) + more(argc);
}
)";

constexpr const char *kMore = R"(#include "sub/buffer.h"
static long sum(Buffer *buffer) { long n = 0; for (size_t i = 0; i < buffer->size; i++) n += buffer->data[i]; return n; }
void consume(void *block) { free(block); }
int more(int n) {
  Buffer buffer{};
  append(&buffer, 1.5);
  if (n > 3) append(&buffer, 'x');
  int result = sum(&buffer);
  free(buffer.data);
  return result;
}
)";

// Path of the program; "" if it can't be compiled.
std::string compile(const Workspace &workspace, const std::string &compiler) {
  workspace.run("mkdir -p sub");
  workspace.write("sub/buffer.h", kHeader);
  workspace.write("main.cc", kMain);
  workspace.write("more.cc", kMore);
  return workspace.run(compiler + " main.cc more.cc -o program") ? workspace.path("program") : "";
}

std::shared_ptr<const ElfImage> read_image(const std::string &path) {
  mp::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return ElfImage::read_file(fd.get());
}

std::unique_ptr<DwarfFile> open_dwarf(const std::string &path) {
  return DwarfFile::open(read_image(path), nullptr);
}

bool all_inlined_but_last(const std::vector<SymbolFrame> &frames) {
  for (size_t i = 0; i < frames.size(); i++) {
    if (frames[i].inlined != (i + 1 < frames.size())) return false;
  }
  return true;
}

struct Comparison {
  size_t addresses = 0;
  size_t with_inlined = 0;
  size_t different = 0;
};

std::string lines_only(std::vector<SymbolFrame> frames) {
  for (SymbolFrame &frame : frames) frame.file = "";
  return show_frames(frames, false);
}

std::string base_names(std::vector<SymbolFrame> frames) {
  for (SymbolFrame &frame : frames) frame.file = frame.file.substr(frame.file.rfind('/') + 1);
  return show_frames(frames, false);
}

std::string whole_paths(std::vector<SymbolFrame> frames) {
  return show_frames(frames, false);
}

// Files, lines and number of frames of the calls in a file. binutils 2.40 names the unit's file instead of an included
// one for functions that stand in the latter as a whole; LLVM does not. So where the two differ either is right, and
// without LLVM only the lines are compared.
template <class Show>
Comparison compare_with_addr2line(const Workspace &workspace, const std::string &file, DwarfFile *dwarf, size_t max,
                                  Show show) {
  Comparison result;
  auto addresses = call_addresses(file, max);
  auto binutils = addr2line("addr2line", workspace, file, addresses);
  std::string llvm_tool = llvm_addr2line();
  auto llvm = llvm_tool.empty() ? FramesByAddress() : addr2line(llvm_tool, workspace, file, addresses);
  for (uint64_t address : addresses) {
    std::vector<SymbolFrame> frames = dwarf->resolve(address);
    if (frames.empty()) frames.emplace_back();
    result.addresses++;
    result.with_inlined += frames.size() > 1 ? 1 : 0;
    bool same = show(frames) == show(binutils[address]);
    if (!same) {
      same =
          llvm_tool.empty() ? lines_only(frames) == lines_only(binutils[address]) : show(frames) == show(llvm[address]);
    }
    if (same && all_inlined_but_last(frames)) continue;
    if (result.different++ >= 5) continue;
    fprintf(stderr, "0x%lx: %s, not %s\n", address, show(frames).c_str(), show(binutils[address]).c_str());
  }
  return result;
}

void check_compiler(const std::string &compiler, size_t least_inlined) {
  if (!has_command(compiler.substr(0, compiler.find(' ')))) SKIP("no compiler");
  Workspace workspace;
  std::string program = compile(workspace, compiler);
  REQUIRE(!program.empty());
  auto dwarf = open_dwarf(program);
  REQUIRE(dwarf != nullptr);
  Comparison result = compare_with_addr2line(workspace, program, dwarf.get(), 10000, whole_paths);
  CHECK(result.addresses > 30);
  CHECK(result.with_inlined >= least_inlined);
  CHECK_EQ(result.different, 0);
}

void check_same(const std::string &compiler, const std::string &other_compiler) {
  if (!has_command(compiler.substr(0, compiler.find(' ')))) SKIP("no compiler");
  Workspace workspaces[2];
  std::unique_ptr<DwarfFile> dwarf[2];
  std::vector<uint64_t> addresses[2];
  for (int i = 0; i < 2; i++) {
    std::string map = " -fdebug-prefix-map=" + workspaces[i].directory() + "=/src";
    std::string program = compile(workspaces[i], (i == 0 ? compiler : other_compiler) + map);
    REQUIRE(!program.empty());
    dwarf[i] = open_dwarf(program);
    REQUIRE(dwarf[i] != nullptr);
    addresses[i] = call_addresses(program, 10000);
  }
  REQUIRE(addresses[0] == addresses[1]);
  size_t with_inlined = 0;
  for (uint64_t address : addresses[0]) {
    auto frames = dwarf[0]->resolve(address);
    with_inlined += frames.size() > 1 ? 1 : 0;
    CHECK_EQ(show_frames(frames, true), show_frames(dwarf[1]->resolve(address), true));
  }
  CHECK(with_inlined > 30);
}

// ELF address of the first call of a function within a function.
uint64_t call_address(const std::string &file, const std::string &in, const std::string &of) {
  bool inside = false;
  bool after_call = false;
  for (const std::string &line : lines_of(output_of("objdump -dC --no-show-raw-insn " + file))) {
    if (!line.empty() && line.back() == ':') inside = line.find("<" + in + ">:") != std::string::npos;
    if (inside && after_call) return std::stoull(line, nullptr, 16) - 1;
    after_call = inside && line.find("call") != std::string::npos && line.find("<" + of) != std::string::npos;
  }
  return 0;
}

}  // namespace

TEST(gcc_dwarf_5) {
  check_compiler("g++ -O2 -g -gdwarf-5", 30);
}
TEST(gcc_dwarf_4) {
  check_compiler("g++ -O2 -g -gdwarf-4", 30);
}
TEST(gcc_dwarf_3) {
  check_compiler("g++ -O2 -g -gdwarf-3 -gstrict-dwarf", 30);
}
TEST(gcc_without_optimization) {
  check_compiler("g++ -O0 -g", 0);
}
TEST(gcc_compressed) {
  check_compiler("g++ -O3 -g -gz=zlib", 30);
}
TEST(gcc_link_time_optimization) {
  check_compiler("g++ -O2 -g -flto", 30);
}
TEST(gcc_removed_sections) {
  check_compiler("g++ -O2 -g -ffunction-sections -Wl,--gc-sections", 30);
}
TEST(gcc_not_position_independent) {
  check_compiler("g++ -O2 -g -no-pie -fno-pie", 30);
}
TEST(clang_dwarf_4) {
  check_compiler("clang++-14 -O2 -g -gdwarf-4", 30);
}

// For DWARF that addr2line of binutils 2.40 cannot read: the same code compiled with other DWARF has the same frames.
TEST(clang_dwarf_5) {
  check_same("clang++-14 -O2 -g -gdwarf-5", "clang++-14 -O2 -g -gdwarf-4");
}
TEST(gcc_64_bit_dwarf) {
  check_same("g++ -O2 -g -gdwarf64", "g++ -O2 -g -gdwarf32");
}

TEST(chain_of_inlined_functions) {
  Workspace workspace;
  std::string program = compile(workspace, "g++ -O2 -g");
  REQUIRE(!program.empty());
  auto dwarf = open_dwarf(program);
  REQUIRE(dwarf != nullptr);
  std::string header = workspace.path("sub/buffer.h");
  std::string main = workspace.path("main.cc");
  // `grow` is static, hence without a linkage name; `append` has one; `Reader` is in an unnamed namespace.
  CHECK_EQ(show_frames(dwarf->resolve(call_address(program, "main", "realloc")), true),
           "grow " + header + ":5 < void append<int>(Buffer*, int const&) " + header +
               ":10 < (anonymous namespace)::Reader::read " + main + ":9 < main " + main + ":25");
  auto lambda = dwarf->resolve(call_address(program, "count_words(int)", "malloc"));
  REQUIRE(lambda.size() == 2);
  CHECK_EQ(lambda[0].function, "count_words::<lambda>::operator()");
}

TEST(address_without_code) {
  Workspace workspace;
  std::string program = compile(workspace, "g++ -O2 -g");
  auto dwarf = open_dwarf(program);
  REQUIRE(dwarf != nullptr);
  for (uint64_t address : {uint64_t{0}, uint64_t{1}, uint64_t{0x7fffffff}, UINT64_MAX}) {
    CHECK(dwarf->resolve(address).empty());
  }
}

TEST(no_dwarf) {
  Workspace workspace;
  std::string program = compile(workspace, "g++ -O2");
  CHECK(open_dwarf(program) == nullptr);
  CHECK(DwarfFile::open(nullptr, nullptr) == nullptr);
}

TEST(rust) {
  if (!has_command("rustc")) SKIP("no rustc");
  Workspace workspace;
  workspace.write("main.rs", R"(
#[inline(always)] fn inner(n: usize) -> Vec<u8> { vec![1u8; n] }
#[inline(never)] pub fn outer(n: usize) -> usize { inner(n).len() + inner(n + 1).capacity() }
fn main() { println!("{}", outer(std::env::args().count())); }
)");
  REQUIRE(workspace.run("rustc -O -g main.rs -o program"));
  std::string program = workspace.path("program");
  auto dwarf = open_dwarf(program);
  REQUIRE(dwarf != nullptr);
  Comparison result = compare_with_addr2line(workspace, program, dwarf.get(), 2000, whole_paths);
  CHECK(result.addresses > 1000);
  CHECK(result.with_inlined > 500);
  CHECK_EQ(result.different, 0);
}

// The C library was compiled in ".", which addr2line doubles: base names are compared.
TEST(libc_with_its_debug_file) {
  mp::SearchRoots roots("");
  std::string error;
  auto libc = mp::ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  auto debug = mp::find_debug_file(roots, {libc_path(), libc->build_id(), libc->debuglink()});
  if (!debug) SKIP("libc6-dbg is not installed");
  auto dwarf = DwarfFile::open(debug->image, nullptr);
  REQUIRE(dwarf != nullptr);
  Workspace workspace;
  Comparison result = compare_with_addr2line(workspace, libc_path(), dwarf.get(), 2000, base_names);
  CHECK(result.with_inlined > 100);
  CHECK_EQ(result.different, 0);
}

namespace {

// DWARF 4 by hand: a unit at [code, code + 16) with the function "f"; `lines` and `abbreviations` are the test's.
std::string hand_made(const std::string &abbreviations, const std::string &lines) {
  return R"(
.text
code: .fill 16, 1, 0x90
.section .debug_abbrev,"",@progbits
.uleb128 1, 0x11
.byte 1
.uleb128 0x11,1, 0x12,7, 0x10,0x17, 0x3,8, 0,0
.uleb128 2, 0x2e
.byte 0
.uleb128 0x3,8, 0x11,1, 0x12,7, 0,0
)" + abbreviations +
         R"(
.uleb128 0
.section .debug_info,"",@progbits
.long info_end - info
info: .short 4
.long 0
.byte 8
.uleb128 1
.quad code, 16
.long 0
.asciz "f.c"
.uleb128 2
.asciz "f"
.quad code, 16
.byte 0
info_end:
.section .debug_line,"",@progbits
.long lines_end - lines
lines: .short 4
.long program - header
header: .byte 1, 1, 1, -5, 14, 13, 0,1,1,1,1,0,0,0,1,0,0,1
)" + lines +
         R"(
program: .byte 0, 9, 2
.quad code
.byte 20, 2, 16, 0, 1, 1
lines_end:
)";
}

std::shared_ptr<const ElfImage> assemble(const Workspace &workspace, const std::string &source) {
  workspace.write("made.s", source);
  if (!workspace.run("gcc -shared -nostdlib made.s -o made")) return nullptr;
  return read_image(workspace.path("made"));
}

uint64_t code_address(const Workspace &workspace) {
  return std::stoull(output_of("nm " + workspace.path("made") + " | grep ' code$'"), nullptr, 16);
}

}  // namespace

TEST(hand_made_dwarf) {
  Workspace workspace;
  auto image = assemble(workspace, hand_made("", ".asciz \"/src\"\n.byte 0\n.asciz \"f.c\"\n.byte 1, 0, 0, 0\n"));
  REQUIRE(image != nullptr);
  auto dwarf = DwarfFile::open(image, nullptr);
  REQUIRE(dwarf != nullptr);
  CHECK_EQ(show_frames(dwarf->resolve(code_address(workspace) + 1), true), "f /src/f.c:3");
}

// 100,000 files, each stored with a directory of 60,000 bytes in front: 6 GB for 700 KB.
TEST(amplified_file_names) {
  Workspace workspace;
  auto image = assemble(workspace, hand_made("", R"(
.fill 60000, 1, 'd'
.byte 0, 0
.rept 100000
.asciz "f"
.byte 1, 0, 0
.endr
.byte 0
)"));
  REQUIRE(image != nullptr);
  auto dwarf = DwarfFile::open(image, nullptr);
  REQUIRE(dwarf != nullptr);
  struct rusage before {};
  struct rusage after {};
  getrusage(RUSAGE_SELF, &before);
  CHECK_EQ(show_frames(dwarf->resolve(code_address(workspace) + 1), true), "f :0");
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 100'000);
}

TEST(too_many_abbreviations) {
  Workspace workspace;
  auto image = assemble(workspace, hand_made(".rept 70000\n.uleb128 3, 0x34\n.byte 0, 0, 0\n.endr\n", ".byte 0, 0\n"));
  REQUIRE(image != nullptr);
  CHECK(!mp::dwarf_units_are_sane(*image));
  CHECK(DwarfFile::open(image, nullptr) == nullptr);
}

TEST(damaged_files) {
  Workspace workspace;
  std::string program = compile(workspace, "g++ -O2 -g -shared -fPIC -nostdlib");
  REQUIRE(!program.empty());
  std::ifstream stream(program, std::ios::binary);
  std::string good((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  auto try_out = [](const std::string &bytes) {
    auto symbols = mp::ModuleSymbols::from_memory(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    for (uint64_t address = 0x1000; address < 0x2000; address += 97) CHECK(!symbols->resolve(address).empty());
  };
  try_out("");
  for (size_t size_bytes = 1; size_bytes < good.size(); size_bytes += good.size() / 60)
    try_out(good.substr(0, size_bytes));
  std::string error;
  auto elf = mp::ElfFile::from_memory(reinterpret_cast<const uint8_t *>(good.data()), good.size(), &error);
  REQUIRE(elf != nullptr);
  for (const char *name : {".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str",
                           ".debug_rnglists", ".shstrtab", ".symtab"}) {
    auto section = elf->section(name);
    REQUIRE(section);
    for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string bad = good;
      memset(bad.data() + section->file_offset + section->size_bytes / 3, value, section->size_bytes / 3);
      try_out(bad);
      memset(bad.data() + section->file_offset, value, section->size_bytes);
      try_out(bad);
    }
  }
}
