#include "symbol_table.h"

#include <algorithm>
#include <tuple>

namespace mp {
namespace {

size_t leading_underscores(std::string_view name) {
  // "_Z" and "_R" begin mangled names, which are no internal aliases for that.
  if (name.substr(0, 2) == "_Z" || name.substr(0, 2) == "_R") return 0;
  return std::min(name.find_first_not_of('_'), name.size());
}

// Smaller is better.
auto preference(const ElfSymbol &symbol) {
  return std::make_tuple(!symbol.dynamic, leading_underscores(symbol.name), symbol.name.size(), symbol.name);
}

}  // namespace

SymbolTable::SymbolTable(std::vector<ElfSymbol> symbols, const SectionEnd &section_end) {
  std::sort(symbols.begin(), symbols.end(), [](const ElfSymbol &a, const ElfSymbol &b) {
    return a.address != b.address ? a.address < b.address : preference(a) < preference(b);
  });
  for (size_t i = 0; i < symbols.size();) {
    size_t next = i;
    while (next < symbols.size() && symbols[next].address == symbols[i].address) next++;
    uint64_t address = symbols[i].address;
    bool sized = false;
    for (size_t alias = i; alias < next; alias++) {
      uint64_t size_bytes = std::min(symbols[alias].size_bytes, UINT64_MAX - address);
      functions_.add(address, address + size_bytes, symbols[alias].name);
      sized = sized || size_bytes > 0;
    }
    if (!sized) {
      uint64_t end = section_end(address);
      if (next < symbols.size()) end = std::min(end, symbols[next].address);
      functions_.add(address, end, symbols[i].name);
    }
    i = next;
  }
  functions_.sort();
}

std::string_view SymbolTable::find(uint64_t address) const {
  const std::string_view *name = functions_.find(address);
  return name == nullptr ? std::string_view() : *name;
}

}  // namespace mp
