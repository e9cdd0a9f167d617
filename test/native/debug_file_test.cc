// Where separate debug files are found, and which are refused.
#include "debug_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"
#include "compile.h"
#include "symbolize.h"

using mp::DebugFileQuery;
using mp::SearchRoots;
using mp::SymbolModule;

namespace {

// A directory that serves as root of a process, with the stripped program /bin/app in it. Its debug file is app.debug
// of the workspace, and in no place where it would be found.
class StrippedProgram {
 public:
  explicit StrippedProgram(const char *link_flags = "-Wl,--build-id") {
    workspace_.write("app.c", R"(
static __attribute__((noinline)) int twice(int n) { __asm__ volatile("" : "+r"(n)); return n * 2; }
int main(int argc, char **argv) { (void)argv; return twice(argc); }
)");
    ok_ = workspace_.run(std::string("mkdir -p root/bin root/usr/lib/debug && gcc -O2 -g ") + link_flags +
                         " app.c -o app && objcopy --only-keep-debug app app.debug && objcopy -S "
                         "--add-gnu-debuglink=app.debug app root/bin/app");
    std::string symbol = output_of("nm " + workspace_.path("app") + " | grep ' twice'");
    ok_ = ok_ && !symbol.empty();
    if (ok_) address_ = std::stoull(symbol, nullptr, 16);
    std::string error;
    auto elf = mp::ElfFile::open(workspace_.path("root/bin/app"), &error);
    if (elf != nullptr) query_ = {"/bin/app", elf->build_id(), elf->debuglink()};
  }

  bool ok() const { return ok_; }
  const Workspace &workspace() const { return workspace_; }
  const DebugFileQuery &query() const { return query_; }
  SymbolModule module() const {
    return {0, "/bin/app", workspace_.path("root/bin/app"), workspace_.path("root"), query_.build_id};
  }
  // "/root/of/the/test/…" of the debug file that is found; "" if none.
  std::string found() const {
    auto elf = mp::find_debug_file(SearchRoots(workspace_.path("root")), query_);
    return elf ? elf->path : "";
  }
  std::string build_id_directory() const { return "/usr/lib/debug/.build-id/" + query_.build_id.substr(0, 2); }
  std::string build_id_path() const { return build_id_directory() + "/" + query_.build_id.substr(2) + ".debug"; }
  // Copies app.debug to a path in the root.
  bool place(const std::string &path) const {
    return workspace_.run("mkdir -p $(dirname root" + path + ") && cp app.debug root" + path);
  }
  std::string name_of_twice() const { return mp::ModuleSymbols::open(module())->resolve(address_ + 2).back().function; }
  uint64_t address() const { return address_; }

 private:
  Workspace workspace_;
  DebugFileQuery query_;
  bool ok_ = false;
  uint64_t address_ = 0;
};

}  // namespace

TEST(nothing_to_find) {
  StrippedProgram program;
  REQUIRE(program.ok());
  CHECK_EQ(program.query().build_id.size(), 40);
  REQUIRE(program.query().debuglink);
  CHECK_EQ(program.query().debuglink->first, "app.debug");
  CHECK_EQ(program.found(), "");
  CHECK_EQ(program.name_of_twice(), "");
}

TEST(by_build_id) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place(program.build_id_path()));
  CHECK_EQ(program.found(), program.build_id_path());
  CHECK_EQ(program.name_of_twice(), "twice");
}

TEST(by_debuglink) {
  for (const char *path : {"/bin/app.debug", "/bin/.debug/app.debug", "/usr/lib/debug/bin/app.debug"}) {
    StrippedProgram program;
    REQUIRE(program.ok() && program.place(path));
    CHECK_EQ(program.found(), path);
    CHECK_EQ(program.name_of_twice(), "twice");
  }
}

TEST(by_debuglink_without_build_id) {
  StrippedProgram program("-Wl,--build-id=none");
  REQUIRE(program.ok() && program.place("/bin/.debug/app.debug"));
  CHECK_EQ(program.query().build_id, "");
  CHECK_EQ(program.found(), "/bin/.debug/app.debug");
}

TEST(line_from_debug_file) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place("/bin/.debug/app.debug"));
  auto frames = mp::ModuleSymbols::open(program.module())->resolve(program.address());
  CHECK_EQ(show_frames(frames, true), "twice " + program.workspace().path("app.c") + ":2");
}

TEST(build_id_comes_first) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place("/bin/app.debug") && program.place(program.build_id_path()));
  CHECK_EQ(program.found(), program.build_id_path());
}

TEST(wrong_checksum) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place("/bin/app.debug"));
  REQUIRE(program.workspace().run("printf x >> root/bin/app.debug"));
  CHECK_EQ(program.found(), "");
}

TEST(wrong_build_id) {
  StrippedProgram program;
  StrippedProgram other("-Wl,--build-id=0x1234567890abcdef");
  REQUIRE(program.ok() && other.ok() && program.place(program.build_id_path()));
  REQUIRE(program.workspace().run("cp " + other.workspace().path("app.debug") + " root" + program.build_id_path()));
  CHECK_EQ(program.found(), "");
}

TEST(no_elf_file) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place(program.build_id_path()));
  REQUIRE(program.workspace().run("echo hello > root" + program.build_id_path()));
  CHECK_EQ(program.found(), "");
}

TEST(fifo_is_not_waited_for) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.workspace().run("mkdir -p root" + program.build_id_directory()));
  REQUIRE(program.workspace().run("mkfifo root" + program.build_id_path()));
  CHECK_EQ(program.found(), "");
}

// An absolute symbolic link in a container means the container's file.
TEST(links_stay_within_the_root) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place("/store/elsewhere"));
  REQUIRE(program.workspace().run("mkdir -p root" + program.build_id_directory()));
  REQUIRE(program.workspace().run("ln -s /store/elsewhere root" + program.build_id_path()));
  CHECK_EQ(program.found(), program.build_id_path());
  std::string outside = program.workspace().path("app.debug");
  REQUIRE(program.workspace().run("ln -sf " + outside + " root" + program.build_id_path()));
  CHECK_EQ(program.found(), "");
  REQUIRE(program.workspace().run("ln -sf ../../../../../../../app.debug root" + program.build_id_path()));
  CHECK_EQ(program.found(), "");
}

TEST(root_that_has_gone) {
  StrippedProgram program;
  REQUIRE(program.ok() && program.place(program.build_id_path()));
  SearchRoots roots(program.workspace().path("root"));
  CHECK_EQ(roots.size(), 2);
  REQUIRE(program.workspace().run("mv root moved"));
  CHECK(mp::find_debug_file(roots, program.query()).has_value());
  CHECK_EQ(SearchRoots(program.workspace().path("root")).size(), 1);
  CHECK_EQ(SearchRoots("").size(), 1);
  CHECK_EQ(SearchRoots("/").size(), 1);
  CHECK_EQ(SearchRoots("/proc/self/root").size(), 1);
}

namespace {

// What dwz makes of two debug files with a common part: the name of the function, "shared_name", stands in the
// alternate file (form 0x1f21, DW_FORM_GNU_strp_alt), the unit in the main file.
constexpr const char *kAlternate = R"(
.section .debug_str,"MS",@progbits,1
.asciz "shared_name"
.section .debug_abbrev,"",@progbits
.byte 1, 0x3c, 0, 0, 0, 0
.section .debug_info,"",@progbits
.long end - start
start: .short 4
.long 0
.byte 8, 1
end:
)";

constexpr const char *kMain = R"(
.text
.globl code
code: .fill 16, 1, 0x90
.section .gnu_debugaltlink,"",@progbits
.asciz "common.debug"
.quad 0x8877665544332211
.section .debug_abbrev,"",@progbits
.uleb128 1, 0x11
.byte 1
.uleb128 0x11,1, 0x12,7, 0,0
.uleb128 2, 0x2e
.byte 0
.uleb128 0x3,0x1f21, 0x11,1, 0x12,7, 0,0,  0
.section .debug_info,"",@progbits
.long end - start
start: .short 4
.long 0
.byte 8
.uleb128 1
.quad code, 16
.uleb128 2
.long 0
.quad code, 16
.byte 0
end:
)";

}  // namespace

TEST(alternate_file) {
  Workspace workspace;
  workspace.write("common.s", kAlternate);
  workspace.write("main.s", kMain);
  REQUIRE(workspace.run("gcc -shared -nostdlib -Wl,--build-id=0x1122334455667788 common.s -o common.debug"));
  REQUIRE(workspace.run("gcc -shared -nostdlib main.s -o main"));
  uint64_t code = std::stoull(output_of("nm " + workspace.path("main") + " | grep ' code$'"), nullptr, 16);
  mp::UniqueFd fd(open(workspace.path("main").c_str(), O_RDONLY));
  auto main = mp::open_elf(fd.get(), workspace.path("main"));
  REQUIRE(main && main->image->alt_link());
  CHECK_EQ(main->image->alt_link()->path, "common.debug");
  CHECK_EQ(main->image->alt_link()->build_id, "1122334455667788");

  auto name = [&] {
    auto alternate = mp::find_alternate_file(SearchRoots(""), *main->image->alt_link(), main->path);
    auto dwarf = mp::DwarfFile::open(main->image, alternate);
    auto frames = dwarf == nullptr ? std::vector<mp::SymbolFrame>() : dwarf->resolve(code + 1);
    return frames.empty() ? "no frame" : frames[0].function;
  };
  CHECK_EQ(name(), "shared_name");
  // Another file of that name is not it.
  REQUIRE(workspace.run("gcc -shared -nostdlib -Wl,--build-id=0x1122 common.s -o common.debug"));
  CHECK_EQ(name(), "");
}
