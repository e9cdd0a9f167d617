#include "allocator_wrappers.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "call_targets.h"

namespace mp {
namespace {

constexpr unsigned kMaxDepth = 12;         // of calls: Rust without optimization has a function for each step
constexpr size_t kMaxInstructions = 4096;  // that are looked at for one function, with all that it calls
constexpr size_t kMaxInstructionBytes = 15;

// What does not come back. Behind such a call may be anything.
constexpr std::string_view kNoReturn[] = {
    "__cxa_throw",      "__cxa_rethrow",   "_Unwind_Resume",           "abort",
    "__stack_chk_fail", "_ZSt9terminatev", "_ZSt17__throw_bad_allocv", "_ZSt28__throw_bad_array_new_lengthv"};

// Looks for a way through a function that returns without a call of another allocator.
class WayThrough {
 public:
  explicit WayThrough(const ElfFile &elf) : elf_(elf) {
    const std::vector<std::string_view> ends(std::begin(kNoReturn), std::end(kNoReturn));
    for (const auto &end : elf.find_functions(ends))
      if (end) ends_.insert(end->address);
    ends_names_.insert(ends.begin(), ends.end());
  }

  // `addresses`, `names`: of the other allocators, here and in other modules.
  bool exists(uint64_t function, const std::unordered_set<uint64_t> &addresses,
              const std::unordered_set<std::string_view> &names) {
    steps_left_ = kMaxInstructions;
    known_.clear();
    addresses_ = addresses;
    names_ = names;
    return finds(function, 0);
  }

 private:
  bool is_other(const CallTarget &target) const {
    return target.imported.empty() ? addresses_.count(target.address) : names_.count(target.imported);
  }
  bool is_end(const CallTarget &target) const {
    return target.imported.empty() ? ends_.count(target.address) : ends_names_.count(target.imported);
  }

  // Of a function that is called: unknown ones return and call nobody.
  bool returns_without(const CallTarget &target, unsigned depth) {
    if (!target.imported.empty() || depth >= kMaxDepth) return true;
    const auto [known, is_new] = known_.emplace(target.address, true);
    if (is_new) {
      const bool found = finds(target.address, depth);
      known_[target.address] = found;
      return found;
    }
    return known->second;
  }

  bool finds(uint64_t function, unsigned depth) {
    std::unordered_set<uint64_t> visited;
    std::vector<uint64_t> pending{function};
    while (!pending.empty()) {
      uint64_t at = pending.back();
      pending.pop_back();
      while (visited.insert(at).second) {
        const auto [code, size_bytes] = elf_.bytes_at(at, kMaxInstructionBytes);
        const auto instruction = code ? decode_instruction(code, size_bytes) : std::nullopt;
        if (!instruction || !steps_left_) return true;
        steps_left_--;
        const auto target = branch_target(elf_, at, *instruction);
        if (target && (is_other(*target) || is_end(*target))) {
          if (instruction->flow != Flow::kConditional) break;
        } else if (target && instruction->flow == Flow::kCall) {
          if (!returns_without(*target, depth + 1)) break;
        } else if (target && target->imported.empty()) {
          pending.push_back(target->address);
          if (instruction->flow == Flow::kJump) break;
        } else if (instruction->flow == Flow::kEnd || instruction->flow == Flow::kJump) {
          if (is_trap(code[0], code[1])) break;
          return true;
        }
        at += instruction->length_bytes;
      }
    }
    return false;
  }

  static bool is_trap(uint8_t first, uint8_t second) {
    return first == 0xcc || first == 0xf4 || (first == 0x0f && second == 0x0b);
  }

  const ElfFile &elf_;
  std::unordered_set<uint64_t> addresses_, ends_;
  std::unordered_set<std::string_view> names_, ends_names_;
  std::unordered_map<uint64_t, bool> known_;
  size_t steps_left_ = 0;
};

using Functions = std::vector<FoundFunction>;

// Whether a function passes its calls on: to an allocator of another family, to one that is known to do so, or to one
// of its own family that does the same.
bool passes_on(WayThrough &way, const FoundFunction &function, const std::vector<AllocatorSymbol> &wanted,
               const Functions &functions, const Functions &removed) {
  std::unordered_set<uint64_t> addresses;
  std::unordered_set<std::string_view> names, own_names;
  for (const Functions *list : {&functions, &removed})
    for (const FoundFunction &other : *list) {
      if (other.wanted->kind != function.wanted->kind || other.symbol.address == function.symbol.address) continue;
      const bool is_own_family = list == &functions && other.wanted->family == function.wanted->family;
      if (is_own_family && other.wanted->allocator() != function.wanted->allocator())
        own_names.insert(other.wanted->name);
      else
        addresses.insert(other.symbol.address);
    }
  for (const AllocatorSymbol &one : wanted)
    if (one.kind == function.wanted->kind && !own_names.count(one.name)) names.insert(one.name);
  names.erase(function.wanted->name);
  return !way.exists(function.symbol.address, addresses, names);
}

void remove_wrappers_of(AllocatorFamily family, WayThrough &way, const std::vector<AllocatorSymbol> &wanted,
                        Functions &functions) {
  Functions removed;
  // What a function passes on to may be found to pass on.
  for (bool is_changed = true; is_changed;) {
    const auto wrapper = std::find_if(functions.begin(), functions.end(), [&](const FoundFunction &function) {
      return function.wanted->family == family && passes_on(way, function, wanted, functions, removed);
    });
    is_changed = wrapper != functions.end();
    if (!is_changed) continue;
    removed.push_back(*wrapper);
    functions.erase(wrapper);
  }
  const bool has_allocator = std::any_of(functions.begin(), functions.end(), [&](const FoundFunction &function) {
    return function.wanted->family == family && function.wanted->kind == FunctionKind::kSimple;
  });
  const auto is_pointless = [&](const FoundFunction &function) {
    return function.wanted->family == family && !has_allocator;
  };
  functions.erase(std::remove_if(functions.begin(), functions.end(), is_pointless), functions.end());
}

}  // namespace

void remove_wrappers(const ElfFile &elf, const std::vector<AllocatorSymbol> &wanted, Functions &functions) {
  const auto is_language = [](const FoundFunction &function) { return function.wanted->family != AllocatorFamily::kC; };
  if (std::none_of(functions.begin(), functions.end(), is_language)) return;
  WayThrough way(elf);
  remove_wrappers_of(AllocatorFamily::kCxx, way, wanted, functions);
  remove_wrappers_of(AllocatorFamily::kRust, way, wanted, functions);
}

}  // namespace mp
