// Small questions to a DWARF entry (DIE): children, address ranges, names. Shared by what indexes and what names.
#pragma once

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace mp {

// How many entries and ranges may still be visited.
class Budget {
 public:
  explicit Budget(uint64_t visits) : visits_(visits) {}
  bool spend() { return visits_ > 0 && visits_-- > 0; }
  bool exhausted() const { return visits_ == 0; }

 private:
  uint64_t visits_;
};

// Calls visit(Dwarf_Die *) for each child until it returns true; true if it did.
template <class Visit>
bool any_child(Dwarf_Die *entry, Budget *budget, Visit visit) {
  Dwarf_Die child;
  if (dwarf_child(entry, &child) != 0) return false;
  do {
    if (!budget->spend()) return false;
    if (visit(&child)) return true;
    Dwarf_Die current = child;
    if (dwarf_siblingof(&current, &child) != 0) return false;
  } while (true);
}

// Calls visit(start, end) for each non-empty range until it returns true; true if it did. Linkers set the address of
// code that they removed to 0, where no code can be.
template <class Visit>
bool any_range(Dwarf_Die *entry, Budget *budget, Visit visit) {
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  ptrdiff_t offset = 0;
  while ((offset = dwarf_ranges(entry, offset, &base, &start, &end)) > 0 && budget->spend()) {
    if (start != 0 && start < end && visit(start, end)) return true;
  }
  return false;
}

inline bool contains(Dwarf_Die *entry, uint64_t address, Budget *budget) {
  return any_range(entry, budget,
                   [address](uint64_t start, uint64_t end) { return address >= start && address < end; });
}

// Names of functions, each made once.
class FunctionNames {
 public:
  // Demangled, or with the enclosing namespaces and classes in front; "" if the entry has no name.
  const std::string &name(Dwarf_Die *function, Budget *budget);

 private:
  static std::string make_name(Dwarf_Die *origin, Budget *budget);
  std::unordered_map<const void *, std::string> names_;  // by the entry that declares the function
};

}  // namespace mp
