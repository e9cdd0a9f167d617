// The names of a module, and the thread that looks them up.
#include "symbolize.h"

#include <chrono>
#include <set>

#include "check.h"
#include "compile.h"
#include "demangle.h"

using mp::ModuleSymbols;
using mp::SymbolFrame;
using mp::Symbolizer;
using mp::SymbolModule;
using mp::SymbolRequest;
using mp::SymbolResult;

namespace {

constexpr const char *kSource = R"(
static __attribute__((noinline)) int helper(int n) { __asm__ volatile("" : "+r"(n)); return n; }
extern "C" __attribute__((noinline)) int plain(int n) { return helper(n) + 1; }
int main(int argc, char **) { return plain(argc); }
)";

SymbolModule module_of(uint32_t index, const std::string &path) {
  return {index, path, path, "", ""};
}

// ELF address by (mangled) name; 0 if there is none.
uint64_t address_of(const std::string &file, const std::string &name) {
  std::string line = output_of("nm " + file + " | grep ' " + name + "$'");
  return line.empty() ? 0 : std::stoull(line, nullptr, 16);
}

// Takes results until `count` are there or ten seconds have passed.
std::vector<SymbolResult> take_all(Symbolizer *symbolizer, size_t count) {
  std::vector<SymbolResult> results;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (results.size() < count && std::chrono::steady_clock::now() < end) {
    for (SymbolResult &result : symbolizer->take(3)) results.push_back(std::move(result));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return results;
}

}  // namespace

TEST(demangled_names) {
  const std::pair<const char *, const char *> names[] = {
      {"malloc", "malloc"},
      {"", ""},
      {"_Z3addii", "add(int, int)"},
      {"_Z3addii.part.0", "add(int, int) [clone .part.0]"},
      {"_Z3addii.constprop.0.isra.0", "add(int, int) [clone .constprop.0.isra.0]"},
      {"_Z3addii.cold", "add(int, int) [clone .cold]"},
      {"_Z3addii.llvm.1234567", "add(int, int)"},
      {"add.cold", "add [clone .cold]"},
      {"runtime.mallocgc", "runtime.mallocgc"},
      {".plt", ".plt"},
      {"_ZN3foo3barEv", "foo::bar()"},
      {"_Znot_mangled", "_Znot_mangled"},
      {"_ZN1a5outer17h89f3d6beec236736E", "a::outer"},
      {"_ZN1a5outer17h89f3d6beec236736E.llvm.77", "a::outer"},
      {"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
       "<Test + 'static as foo::Bar<Test>>::bar"},
      {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
      {"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
      {"_RINvNtCs1_4core3ptr13drop_in_placehE", "core::ptr::drop_in_place::<u8>"},
      {"_RNCNvCs1_1a4mains_0", "a::main::{closure#1}"},
      {"_RNvXs_Cs1_1aNtB4_1SNtB4_1T1f", "<a::S as a::T>::f"},
      {"_RNvMs_Cs1_1aINtB4_3VecRShE3new", "<a::Vec<&[u8]>>::new"},
      {"_RINvCs1_1a1fTjlEE", "a::f::<(usize, i32)>"},
      {"_RINvCs1_1a1fKj10_E", "a::f::<16>"},
      {"_RINvCs1_1a1fFG_UKCRL0_hEuE", "a::f::<for<'a> unsafe extern \"C\" fn(&'a u8)>"},
      {"_RINvCs1_1a1fDNtB2_1TEL_E", "a::f::<dyn a::T>"},
      {"_Rubbish", "_Rubbish"},
      {"_RNvB_1a", "_RNvB_1a"},
  };
  for (const auto &[mangled, name] : names) CHECK_EQ(mp::demangle(mangled), name);
}

// Each back reference doubles the name: 2^60 bytes, were there no limit.
TEST(rust_name_that_expands) {
  std::string name = "_RINvC1a1f";
  std::string type = "h";
  size_t previous = name.size() - 2;
  name += "h";
  for (int i = 0; i < 60; i++) {
    size_t here = name.size() - 2;
    std::string reference = "B";
    if (previous > 0) {
      std::string digits;
      for (size_t n = previous - 1; n > 0; n /= 62) {
        digits.insert(digits.begin(), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 62]);
      }
      reference += (digits.empty() ? "0" : digits) + "_";
    }
    name += "T" + reference + reference + "E";
    previous = here;
  }
  CHECK_EQ(mp::demangle(name + "E"), name + "E");
  CHECK_EQ(mp::demangle("_R" + std::string(5000, 'N')), "_R" + std::string(5000, 'N'));
}

// f(A<h, h>, A<S0_, S0_>, A<S1_, S1_>, …)
TEST(cxx_name_that_expands) {
  auto name = [](int levels) {
    std::string text = "_Z1f1AIhhE";
    for (int i = 0; i < levels; i++) {
      std::string reference = std::string("S") + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i] + "_";
      text += "S_I" + reference + reference + "E";
    }
    return text;
  };
  CHECK_EQ(mp::demangle(name(1)),
           "f(A<unsigned char, unsigned char>, A<A<unsigned char, unsigned char>, "
           "A<unsigned char, unsigned char> >)");
  CHECK_EQ(mp::demangle(name(35)), name(35));
}

TEST(symbols_without_dwarf) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 a.cc -o a"));
  std::string program = workspace.path("a");
  auto symbols = ModuleSymbols::open(module_of(0, program));
  auto frames = symbols->resolve(address_of(program, "_ZL6helperi") + 1);
  REQUIRE(frames.size() == 1);
  CHECK_EQ(frames[0].function, "helper(int)");
  CHECK_EQ(frames[0].file, "");
  CHECK_EQ(frames[0].line, 0);
  CHECK_EQ(symbols->resolve(address_of(program, "plain"))[0].function, "plain");
}

// DWARF calls it "helper" only: a static function has no linkage name.
TEST(symbol_names_real_functions) {
  Workspace workspace;
  std::string source = workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 -g a.cc -o a"));
  std::string program = workspace.path("a");
  auto frames = ModuleSymbols::open(module_of(0, program))->resolve(address_of(program, "_ZL6helperi"));
  CHECK_EQ(show_frames(frames, true), "helper(int) " + source + ":2");
}

TEST(unreadable_modules) {
  for (const char *path : {"", "/nonexistent", "/", "/dev/null", "/etc/passwd"}) {
    auto frames = ModuleSymbols::open(module_of(0, path))->resolve(0x1234);
    REQUIRE(frames.size() == 1);
    CHECK_EQ(show_frames(frames, true), " :0");
  }
}

TEST(replaced_file) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 -Wl,--build-id=0x1234 a.cc -o a"));
  SymbolModule module = module_of(0, workspace.path("a"));
  uint64_t address = address_of(module.path, "plain");
  module.build_id = "1234";
  CHECK_EQ(ModuleSymbols::open(module)->resolve(address)[0].function, "plain");
  module.build_id = "5678";
  CHECK_EQ(ModuleSymbols::open(module)->resolve(address)[0].function, "");
}

TEST(answers_every_request_once) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 -g a.cc -o a"));
  std::string program = workspace.path("a");
  uint64_t address = address_of(program, "plain");
  Symbolizer symbolizer;
  CHECK_EQ(symbolizer.pending(), 0);
  CHECK(symbolizer.take(10).empty());
  symbolizer.add_module(module_of(5, program));
  symbolizer.add_module(module_of(6, "/nonexistent"));
  for (uint32_t i = 0; i < 100; i++) symbolizer.request({i, 5 + i % 3, address});  // module 7 is unknown
  CHECK_EQ(symbolizer.pending(), 100);
  auto results = take_all(&symbolizer, 100);
  REQUIRE(results.size() == 100);
  CHECK_EQ(symbolizer.pending(), 0);
  for (uint32_t i = 0; i < 100; i++) {
    CHECK_EQ(results[i].location, i);
    CHECK_EQ(results[i].frames.back().function, i % 3 == 0 ? "plain" : "");
  }
}

TEST(file_may_vanish_after_add_module) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 -g a.cc -o a"));
  std::string program = workspace.path("a");
  uint64_t address = address_of(program, "plain");
  Symbolizer symbolizer;
  symbolizer.add_module(module_of(0, program));
  REQUIRE(workspace.run("rm a"));
  symbolizer.request({1, 0, address});
  auto results = take_all(&symbolizer, 1);
  REQUIRE(results.size() == 1);
  CHECK_EQ(results[0].frames.back().function, "plain");
}

// A mapping of the file would end in SIGBUS.
TEST(file_may_shrink_while_it_is_used) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 -g a.cc -o a"));
  std::string program = workspace.path("a");
  uint64_t address = address_of(program, "plain");
  auto symbols = ModuleSymbols::open(module_of(0, program));
  REQUIRE(workspace.run(": > a"));
  CHECK_EQ(symbols->resolve(address)[0].function, "plain");
}

TEST(replaced_module) {
  Workspace workspace;
  workspace.write("a.cc", kSource);
  REQUIRE(workspace.run("g++ -O2 a.cc -o a"));
  std::string program = workspace.path("a");
  SymbolRequest request{1, 0, address_of(program, "plain")};
  Symbolizer symbolizer;
  symbolizer.add_module(module_of(0, program));
  symbolizer.request(request);
  symbolizer.add_module(module_of(0, "/nonexistent"));
  symbolizer.request(request);
  auto results = take_all(&symbolizer, 2);
  REQUIRE(results.size() == 2);
  CHECK_EQ(results[0].frames.back().function, "plain");
  CHECK_EQ(results[1].frames.back().function, "");
}

TEST(ends_with_requests_pending) {
  Symbolizer symbolizer;
  symbolizer.add_module(module_of(0, libc_path()));
  for (uint32_t i = 0; i < 10'000; i++) symbolizer.request({i, 0, 0x1000 + i * 97});
  CHECK(symbolizer.pending() > 0);
}
