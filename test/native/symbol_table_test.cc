// Which name an address gets.
#include "symbol_table.h"

#include <algorithm>

#include "check.h"
#include "elf.h"
#include "this_machine.h"

using mp::ElfSymbol;
using mp::SymbolTable;

namespace {

ElfSymbol local(uint64_t address, uint64_t size_bytes, const char *name) {
  return {address, size_bytes, name, STT_FUNC, false};
}
ElfSymbol exported(uint64_t address, uint64_t size_bytes, const char *name) {
  return {address, size_bytes, name, STT_FUNC, true};
}

uint64_t no_section(uint64_t) {
  return UINT64_MAX;
}

}  // namespace

TEST(empty_table) {
  SymbolTable table({}, no_section);
  CHECK_EQ(table.find(0), "");
  CHECK_EQ(table.find(UINT64_MAX), "");
}

TEST(within_size_only) {
  SymbolTable table({local(0x1100, 0x20, "second"), local(0x1000, 0x40, "first")}, no_section);
  CHECK_EQ(table.find(0xfff), "");
  CHECK_EQ(table.find(0x1000), "first");
  CHECK_EQ(table.find(0x103f), "first");
  CHECK_EQ(table.find(0x1040), "");
  CHECK_EQ(table.find(0x1100), "second");
  CHECK_EQ(table.find(0x1120), "");
}

TEST(without_size_up_to_next_symbol) {
  SymbolTable table({local(0x1000, 0, "start"), local(0x1080, 8, "next")}, no_section);
  CHECK_EQ(table.find(0x107f), "start");
  CHECK_EQ(table.find(0x1080), "next");
  CHECK_EQ(table.find(0x1090), "");
}

TEST(without_size_up_to_end_of_section) {
  SymbolTable table({local(0x1000, 0, "init"), local(0x2000, 0, "fini")},
                    [](uint64_t address) { return address < 0x1010 ? 0x1010 : 0x2010; });
  CHECK_EQ(table.find(0x100f), "init");
  CHECK_EQ(table.find(0x1010), "");
  CHECK_EQ(table.find(0x200f), "fini");
  CHECK_EQ(table.find(0x2010), "");
}

TEST(nested_functions) {
  SymbolTable table({local(0x1000, 0x100, "outer"), local(0x1020, 0x10, "inner"), local(0x1040, 0, "label")},
                    no_section);
  CHECK_EQ(table.find(0x1010), "outer");
  CHECK_EQ(table.find(0x1025), "inner");
  CHECK_EQ(table.find(0x1030), "outer");
}

TEST(aliases) {
  std::vector<ElfSymbol> symbols = {local(0x1000, 16, "aaa"),           exported(0x1000, 16, "__libc_malloc"),
                                    exported(0x1000, 16, "malloc"),     local(0x1000, 16, "_IO_malloc"),
                                    exported(0x2000, 16, "cfree_long"), exported(0x2000, 16, "free"),
                                    exported(0x3000, 16, "__b"),        exported(0x3000, 16, "_Z1bv")};
  SymbolTable table(symbols, no_section);
  std::reverse(symbols.begin(), symbols.end());
  SymbolTable reversed(symbols, no_section);
  for (const SymbolTable *each : {&table, &reversed}) {
    CHECK_EQ(each->find(0x1008), "malloc");
    CHECK_EQ(each->find(0x2008), "free");
    CHECK_EQ(each->find(0x3008), "_Z1bv");
  }
}

TEST(aliases_of_different_size) {
  SymbolTable table({exported(0x1000, 0, "mark"), local(0x1000, 0x10, "small"), local(0x1000, 0x20, "large")},
                    no_section);
  CHECK_EQ(table.find(0x1008), "small");
  CHECK_EQ(table.find(0x1018), "large");
  CHECK_EQ(table.find(0x1020), "");
}

TEST(sizes_at_the_end_of_the_address_space) {
  SymbolTable table({local(0xfffffffffffffff0, UINT64_MAX, "last"), local(1, UINT64_MAX, "all")}, no_section);
  CHECK_EQ(table.find(0xfffffffffffffff8), "last");
  CHECK_EQ(table.find(0x1000), "all");
}

// A wrong table must not make a look-up walk through all of it.
TEST(many_overlapping_functions) {
  std::vector<ElfSymbol> symbols = {local(1, 1 << 30, "cover")};
  for (uint64_t i = 0; i < 200'000; i++) symbols.push_back(local(0x1000 + i, 1, "f"));
  SymbolTable table(symbols, no_section);
  for (int i = 0; i < 1000; i++) CHECK_EQ(table.find(0x1000 + 300'000), "");
  CHECK_EQ(table.find(0x500), "cover");
}

TEST(c_library) {
  std::string error;
  auto libc = mp::ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  SymbolTable table(libc->symbols(true), no_section);
  for (const char *name : {"malloc", "free", "calloc", "realloc", "posix_memalign"}) {
    auto symbol = libc->find_function(name);
    REQUIRE(symbol);
    CHECK_EQ(table.find(symbol->address + 1), name);
  }
}
