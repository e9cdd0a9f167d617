#include "dwarf_entry.h"

#include <string_view>

#include "demangle.h"

namespace mp {
namespace {

constexpr int kMaxOrigins = 16;
constexpr int kMaxDepth = 64;
constexpr std::string_view kUnnamedScope = "<unnamed>::";

const char *string_attribute(Dwarf_Die *entry, unsigned name) {
  Dwarf_Attribute attribute;
  return dwarf_formstring(dwarf_attr_integrate(entry, name, &attribute));
}

// An inlined or out-of-line instance refers to the abstract function, that to its declaration in a class.
Dwarf_Die declaration_of(Dwarf_Die entry) {
  for (int i = 0; i < kMaxOrigins; i++) {
    Dwarf_Attribute attribute;
    Dwarf_Attribute *origin = dwarf_attr(&entry, DW_AT_abstract_origin, &attribute);
    if (origin == nullptr) origin = dwarf_attr(&entry, DW_AT_specification, &attribute);
    Dwarf_Die next;
    if (origin == nullptr || dwarf_formref_die(origin, &next) == nullptr) break;
    entry = next;
  }
  return entry;
}

std::string scope_name(Dwarf_Die *scope) {
  const char *name = string_attribute(scope, DW_AT_name);
  switch (dwarf_tag(scope)) {
    case DW_TAG_namespace:
      return name == nullptr ? "(anonymous namespace)::" : std::string(name) + "::";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
    case DW_TAG_enumeration_type:
      return name == nullptr ? std::string(kUnnamedScope) : std::string(name) + "::";
    case DW_TAG_module:
    case DW_TAG_subprogram:
      return name == nullptr ? "" : std::string(name) + "::";
    default:
      return "";
  }
}

// An entry does not know its parent, but entries lie in the order of the tree: the parent is, on each level, the last
// one that begins before the entry.
std::string enclosing_scopes(Dwarf_Die *entry, Budget *budget) {
  Dwarf_Off offset = dwarf_dieoffset(entry);
  Dwarf_Die scope;
  if (dwarf_diecu(entry, &scope, nullptr, nullptr) == nullptr) return "";
  std::string scopes;
  for (int depth = 0; depth < kMaxDepth; depth++) {
    Dwarf_Die last;
    bool found = false;
    any_child(&scope, budget, [&](Dwarf_Die *child) {
      if (dwarf_dieoffset(child) > offset) return true;
      last = *child;
      found = true;
      return false;
    });
    if (!found || dwarf_dieoffset(&last) == offset) break;
    scopes += scope_name(&last);
    scope = last;
  }
  return scopes;
}

}  // namespace

std::string FunctionNames::make_name(Dwarf_Die *origin, Budget *budget) {
  const char *name = string_attribute(origin, DW_AT_name);
  if (name == nullptr) return "";
  std::string scopes = enclosing_scopes(origin, budget);
  // The class of a lambda has no name.
  size_t last = scopes.rfind(kUnnamedScope);
  bool unnamed = last != std::string::npos && last + kUnnamedScope.size() == scopes.size();
  if (unnamed && std::string_view(name) == "operator()") scopes.replace(last, kUnnamedScope.size(), "<lambda>::");
  return scopes + name;
}

const std::string &FunctionNames::name(Dwarf_Die *function, Budget *budget) {
  // Both are looked for along the way: an abstract function may have the linkage name that its declaration lacks.
  const char *linkage_name = string_attribute(function, DW_AT_linkage_name);
  if (linkage_name == nullptr) linkage_name = string_attribute(function, DW_AT_MIPS_linkage_name);
  Dwarf_Die origin = declaration_of(*function);
  auto [found, is_new] = names_.try_emplace(linkage_name != nullptr ? linkage_name : origin.addr);
  if (is_new) found->second = linkage_name != nullptr ? demangle(linkage_name) : make_name(&origin, budget);
  return found->second;
}

}  // namespace mp
