// Which functions of real libraries get probes: those of Debian's allocator libraries, and none of libstdc++.
#include "probe_sites.h"

#include <algorithm>

#include "call_targets.h"
#include "check.h"

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
