// Which functions of real libraries get probes: those of Debian's allocator libraries, and none of libstdc++.
#include "probe_sites.h"

#include <algorithm>

#include "call_targets.h"
#include "check.h"
#include "compile.h"

using mp::ElfFile;

namespace {

constexpr const char *kFolder = "/usr/lib/x86_64-linux-gnu/";

std::unique_ptr<ElfFile> open(const std::string &name) {
  std::string error;
  auto elf = ElfFile::open(kFolder + name, &error);
  CHECK(elf != nullptr);
  return elf;
}

std::vector<std::string> names(const mp::ProbeSites &sites) {
  std::vector<std::string> result;
  for (const auto &function : sites.functions) result.push_back(function.name);
  return result;
}

bool has(const std::vector<std::string> &names, const char *name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(operators_of_an_allocator_are_its_own_unless_they_end_in_its_functions) {
  const auto jemalloc = names(find_probe_sites(*open("libjemalloc.so.2"), {}));
  for (const char *name : {"malloc", "free", "mallocx", "sdallocx", "_Znwm", "_Znam", "_ZdlPvm"})
    CHECK(has(jemalloc, name));
  CHECK(!has(jemalloc, "_ZnwmSt11align_val_t"));  // calls aligned_alloc
  const auto tcmalloc = names(find_probe_sites(*open("libtcmalloc_minimal.so.4"), {}));
  for (const char *name : {"malloc", "tc_malloc", "_Znwm", "_ZnwmSt11align_val_t", "mmap", "munmap"})
    CHECK(has(tcmalloc, name));
  const auto mimalloc = names(find_probe_sites(*open("libmimalloc.so.2.0"), {}));
  for (const char *name : {"malloc", "mi_malloc", "mi_heap_malloc", "_Znwm", "mi_new_n"}) CHECK(has(mimalloc, name));
}

TEST(operators_without_an_allocator_are_not_probed) {
  CHECK(find_probe_sites(*open("libstdc++.so.6"), {}).functions.empty());
}

TEST(a_wrapper_of_a_system_call_in_another_module_is_watched_at_entry_and_return) {
  for (const auto &function : find_probe_sites(*open("libtcmalloc_minimal.so.4"), {}).functions)
    if (function.name == "mmap" || function.name == "munmap") CHECK(function.returns);
  for (const auto &function : find_probe_sites(*open("libc.so.6"), {}).functions)
    if (function.name == "mmap" || function.name == "munmap") CHECK(!function.returns);
}

TEST(no_function_of_an_allocator_that_matters_is_single_stepped) {
  for (const char *library : {"libc.so.6", "libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2.0"})
    for (const auto &function : find_probe_sites(*open(library), {}).functions)
      if (function.name == "malloc" || function.name == "free" || function.name == "_Znwm" ||
          function.name == "realloc")
        CHECK(!function.single_stepped);
}

// The functions that get probes in a library or program of that source.
std::vector<std::string> names_of(const char *file, const std::string &source, const std::string &flags) {
  const Workspace workspace;
  workspace.write(file, source);
  const char *compiler = std::string(file).find(".cpp") == std::string::npos ? "gcc" : "g++";
  CHECK(workspace.run(std::string(compiler) + " -g -w " + flags + " -o it " + file));
  std::string error;
  const auto elf = ElfFile::open(workspace.path("it"), &error);
  CHECK(elf != nullptr);
  return names(find_probe_sites(*elf, {}));
}

constexpr const char *kOperators = R"(
#include <new>
#include <stdlib.h>
static char pool[4096], *next = pool, *end = pool + sizeof pool;
void *operator new(size_t size) { BODY }
void *operator new[](size_t size) { return operator new(size); }
void operator delete(void *block) noexcept { FREE }
int main() { delete new int; }
)";

TEST(operators_of_a_program_count_if_it_gives_memory_of_its_own) {
  for (const std::string level : {"-O0 ", "-O2 "}) {
    const std::string flags = level + "-fno-inline ";
    const auto bump = names_of("it.cpp", kOperators, flags + "-DBODY='return next += size;' -DFREE=");
    CHECK(has(bump, "_Znwm") && has(bump, "_ZdlPv") && !has(bump, "malloc"));
    // a pool that gets its memory from malloc when it is used up
    const auto pooled = names_of("it.cpp", kOperators,
                                 flags +
                                     "-DBODY='if (next + size > end) { next = (char *)malloc(4096); end = next + 4096; "
                                     "} return next += size;' -DFREE=");
    CHECK(has(pooled, "_Znwm"));
    // one that counts, and passes on
    const auto counting = names_of("it.cpp", kOperators,
                                   flags +
                                       "-DBODY='static int n; n++; void *p = malloc(size); if (!p) throw "
                                       "std::bad_alloc(); return p;' -DFREE='free(block);'");
    CHECK(counting.empty());
  }
}

TEST(functions_of_rust_count_if_they_are_an_allocator) {
  const std::string source = R"(
#include <stdlib.h>
static char pool[4096], *next = pool;
#define NAME(name) __asm__(PREFIX name)
void *alloc(size_t size, size_t align) NAME("alloc");
void dealloc(void *block, size_t size, size_t align) NAME("dealloc");
void *alloc(size_t size, size_t align) { BODY }
void dealloc(void *block, size_t size, size_t align) { FREE }
int main() { dealloc(alloc(1, 1), 1, 1); }
)";
  const std::string flags = "-O2 -fno-inline -fno-ipa-pure-const -fno-ipa-modref ";
  const std::string own = "-DBODY='return next += size;' -DFREE='next = block;' ";
  const std::string system =
      "-DBODY='void *p; if (align < 16) return malloc(size); return posix_memalign(&p, align, size) ? 0 : p;' "
      "-DFREE='free(block);' ";
  for (const char *prefix : {"__rust_", "__rg_"}) {
    const std::string named = "-DPREFIX='\"" + std::string(prefix) + "\"' ";
    CHECK_EQ(names_of("it.c", source, flags + named + own).size(), 2u);
    CHECK(names_of("it.c", source, flags + named + system).empty());
  }
}

TEST(jemalloc_of_a_rust_crate_is_found) {
  const std::string source = R"(
#include <stddef.h>
static char pool[4096], *next = pool;
void *_rjem_malloc(size_t size) { return next += size; }
void *_rjem_mallocx(size_t size, int flags) { return next += size; }
void _rjem_sdallocx(void *block, size_t size, int flags) {}
void *__rust_alloc(size_t size, size_t align) { return align < 16 ? _rjem_malloc(size) : _rjem_mallocx(size, 4); }
void __rust_dealloc(void *block, size_t size, size_t align) { _rjem_sdallocx(block, size, 0); }
int main() { __rust_dealloc(__rust_alloc(1, 1), 1, 1); }
)";
  const auto found = names_of("it.c", source, "-O1 -fno-inline -fno-ipa-pure-const -fno-ipa-modref");
  const std::vector<std::string> expected = {"_rjem_malloc", "_rjem_mallocx", "_rjem_sdallocx"};
  CHECK(found == expected);
}

TEST(a_prefix_finds_renamed_functions) {
  const auto elf = open("libtcmalloc_minimal.so.4");
  CHECK(!has(names(find_probe_sites(*elf, {})), "__libc_malloc"));
  CHECK(has(names(find_probe_sites(*elf, {"__libc_"})), "__libc_malloc"));
}

TEST(calls_through_the_plt_have_names) {
  const auto elf = open("libjemalloc.so.2");
  const auto symbol = elf->find_function("_ZdlPv");
  CHECK(symbol.has_value());
  const auto targets = mp::call_targets(*elf, symbol->address, symbol->size_bytes);
  CHECK_EQ(targets.size(), 1u);
  CHECK_EQ(std::string(targets[0].imported), "free");
}

TEST(many_names_are_found_as_one_is) {
  const auto elf = open("libc.so.6");
  const std::vector<std::string_view> wanted = {"malloc", "no_such_function", "memcpy", "malloc"};
  const auto found = elf->find_functions(wanted);
  CHECK_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); i++) {
    const auto one = elf->find_function(wanted[i]);
    CHECK_EQ(found[i].has_value(), one.has_value());
    if (one) CHECK_EQ(found[i]->address, one->address);
  }
}

}  // namespace
