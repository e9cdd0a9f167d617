#include "resident.h"

#include <algorithm>
#include <charconv>

namespace mp {
namespace {

// The kernel joins neighbours: a mapping that is larger than any thread's stack holds other things, too.
constexpr uint64_t kMaxStackBytes = 16 << 20;

bool is_file(const ProcMapping &mapping) {
  return mapping.inode != 0 || (!mapping.path.empty() && mapping.path[0] == '/');
}

// Also what the program has given a name (prctl PR_SET_VMA_ANON_NAME).
bool is_anonymous(const ProcMapping &mapping) {
  return !is_file(mapping) && (mapping.path.empty() || mapping.path.rfind("[anon:", 0) == 0);
}

uint64_t size_of(const ProcMapping &mapping) {
  return mapping.end - mapping.start;
}

bool is_thread_stack(const ProcMapping &mapping, const std::set<uint64_t> &stack_pointers) {
  if (size_of(mapping) > kMaxStackBytes) return false;
  const auto inside = stack_pointers.lower_bound(mapping.start);
  return inside != stack_pointers.end() && *inside < mapping.end;
}

// Resident bytes of the mapping that are V8's.
uint64_t v8_bytes(const ResidentMapping &resident, const ResidentHints &hints) {
  const ProcMapping &mapping = resident.mapping;
  uint64_t covered = 0, present = 0;
  auto chunk = std::upper_bound(hints.v8_chunks.begin(), hints.v8_chunks.end(), mapping.start,
                                [](uint64_t start, const AddressRange &range) { return start < range.second; });
  std::vector<AddressRange> parts;
  for (; chunk != hints.v8_chunks.end() && chunk->first < mapping.end; ++chunk) {
    parts.emplace_back(std::max(chunk->first, mapping.start), std::min(chunk->second, mapping.end));
    covered += parts.back().second - parts.back().first;
  }
  if (covered == size_of(mapping)) return resident.resident_bytes;
  for (const AddressRange &part : parts) present += hints.present(part);
  // pages may have come and gone between the two counts
  return std::min(present, resident.resident_bytes);
}

}  // namespace

std::vector<AddressRange> v8_heap_candidates(const std::vector<ResidentMapping> &mappings) {
  std::vector<AddressRange> ranges;
  for (const auto &[mapping, resident_bytes] : mappings)
    if (is_anonymous(mapping) && !mapping.shared && mapping.readable && !mapping.executable && resident_bytes > 0)
      ranges.emplace_back(mapping.start, mapping.end);
  return ranges;
}

Resident classify_resident(const std::vector<ResidentMapping> &mappings, const ResidentHints &hints) {
  Resident sum;
  for (const ResidentMapping &resident : mappings) {
    const auto &[mapping, bytes] = resident;
    if (mapping.shared) {
      sum.shared += bytes;
    } else if (mapping.path == "[heap]") {
      sum.brk += bytes;
    } else if (mapping.path == "[stack]") {
      sum.stack += bytes;
    } else if (!is_anonymous(mapping)) {
      sum.file += bytes;
    } else {
      sum.untouched += size_of(mapping) - bytes;
      if (mapping.executable) {
        sum.jit_code += bytes;
      } else if (is_thread_stack(mapping, hints.stack_pointers)) {
        sum.stack += bytes;
      } else {
        const uint64_t v8 = v8_bytes(resident, hints);
        sum.v8_heap += v8;
        sum.anonymous += bytes - v8;
      }
    }
  }
  return sum;
}

std::optional<uint64_t> parse_stack_pointer(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const size_t last = text.rfind(' ');
  if (last == text.npos || last == 0) return std::nullopt;
  const size_t before = text.rfind(' ', last - 1);
  if (before == text.npos) return std::nullopt;
  const std::string_view word = text.substr(before + 1, last - before - 1);
  if (word.substr(0, 2) != "0x") return std::nullopt;
  uint64_t address = 0;
  const auto result = std::from_chars(word.data() + 2, word.data() + word.size(), address, 16);
  if (result.ec != std::errc() || result.ptr != word.data() + word.size()) return std::nullopt;
  return address;
}

}  // namespace mp
