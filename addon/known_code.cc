#include "known_code.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "eh_frame.h"

namespace mp {
namespace {

constexpr size_t kMaxTextBytes = 32 << 20;
constexpr size_t kMaxSteps = 16 << 20;  // instructions that are decoded, whatever the file says: seconds
constexpr size_t kMaxPaddingBytes = 64;
constexpr unsigned kMaxDepth = 32;  // calls that are followed to see whether a function returns

bool is_return(const uint8_t *code, const Instruction &instruction) {
  return instruction.flow == Flow::kEnd && (code[0] == 0xc3 || code[0] == 0xc2 || (code[0] == 0xf3 && code[1] == 0xc3));
}

bool is_signal_frame(const std::vector<mp_unwind_row> &rows, uint64_t pc) {
  const auto next = std::upper_bound(rows.begin(), rows.end(), pc,
                                     [](uint64_t value, const mp_unwind_row &row) { return value < row.pc; });
  return next != rows.begin() && (std::prev(next)->rule & 7) == MP_CFA_SIGNAL;
}

}  // namespace

KnownCode::KnownCode(const ElfFile &elf) : steps_left_(kMaxSteps) {
  const auto text = elf.section(".text");
  if (!text || text->size_bytes > kMaxTextBytes) return;
  // what is loaded, whatever the section header says
  std::tie(bytes_, size_bytes_) = elf.bytes_at(text->address, text->size_bytes);
  if (!bytes_) return;
  address_ = text->address;
  states_.resize(size_bytes_, kUnknown);
  jumped_to_.resize(size_bytes_);
  for (const auto &[first, second] : described_ranges(elf))
    if (first >= address_ && second > first && second - address_ <= size_bytes_)
      described_.emplace_back(first - address_, second - address_);
  if (const uint64_t entry = elf.entry_address(); entry >= address_ && entry - address_ < size_bytes_)
    roots_.push_back(entry - address_);
  const auto rows = build_unwind_rows(elf, nullptr);
  size_t last_end = 0;
  for (const auto &[begin, end] : described_) {
    // what is said of a signal frame begins a byte before the function, for those who look up the byte before a pc
    if (!is_signal_frame(rows, address_ + begin - elf.lowest_address()) && is_padding(last_end, begin))
      add_described(begin, end);
    last_end = end;
  }
  while (!roots_.empty() && !is_contradictory_) {
    const size_t root = roots_.back();
    roots_.pop_back();
    explore(root);
  }
}

bool KnownCode::is_instruction(size_t offset) const {
  if (offset >= size_bytes_) return false;
  return states_[offset] == kDescribed || (states_[offset] == kReached && !is_contradictory_);
}

bool KnownCode::is_jumped_to(size_t first, size_t last) const {
  for (size_t at = first; at <= last && at < size_bytes_; at++)
    if (jumped_to_[at]) return true;
  return false;
}

std::optional<Instruction> KnownCode::decode(size_t offset) const {
  if (offset >= size_bytes_) return std::nullopt;
  return decode_instruction(bytes_ + offset, size_bytes_ - offset);
}

bool KnownCode::is_described(size_t offset) const {
  const auto next = std::upper_bound(described_.begin(), described_.end(), std::pair{offset, SIZE_MAX});
  return next != described_.begin() && offset < std::prev(next)->second;
}

std::optional<size_t> KnownCode::target_of(const Instruction &instruction, size_t offset) const {
  if (!instruction.branch) return std::nullopt;
  const int64_t target = static_cast<int64_t>(offset + instruction.length_bytes) + *instruction.branch;
  if (target < 0 || target >= static_cast<int64_t>(size_bytes_)) return std::nullopt;
  return static_cast<size_t>(target);
}

bool KnownCode::take_step() {
  if (steps_left_) steps_left_--;
  return steps_left_ > 0;
}

// Whether there are whole instructions from one described function to the next, if they lie close together.
bool KnownCode::is_padding(size_t begin, size_t end) const {
  if (begin == 0 || end < begin || end - begin > kMaxPaddingBytes) return end >= begin;
  while (begin < end) {
    const auto instruction = decode(begin);
    if (!instruction) return false;
    begin += instruction->length_bytes;
  }
  return begin == end;
}

void KnownCode::add_described(size_t begin, size_t end) {
  std::vector<size_t> starts, targets;
  for (size_t at = begin; at < end;) {
    const auto instruction = decode(at);
    if (!instruction || at + instruction->length_bytes > end || states_[at] != kUnknown || !take_step()) return;
    starts.push_back(at);
    if (const auto target = target_of(*instruction, at)) targets.push_back(*target);
    at += instruction->length_bytes;
  }
  for (const size_t target : targets)
    if (target >= begin && target < end && !std::binary_search(starts.begin(), starts.end(), target)) return;
  std::fill(states_.begin() + begin, states_.begin() + end, kInside);
  for (const size_t start : starts) states_[start] = kDescribed;
  for (const size_t target : targets) {
    jumped_to_[target] = true;
    roots_.push_back(target);
  }
}

// False if it contradicts what is known.
bool KnownCode::add_reached(size_t offset, const Instruction &instruction) {
  for (size_t at = offset; at < offset + instruction.length_bytes; at++) {
    if (states_[at] != kUnknown || is_described(at)) return false;
    states_[at] = at == offset ? kReached : kInside;
  }
  return true;
}

// Described functions are looked at as such or not at all.
void KnownCode::explore(size_t root) {
  std::vector<size_t> pending{root};
  while (!pending.empty()) {
    size_t at = pending.back();
    pending.pop_back();
    while (at < size_bytes_ && !is_described(at) && states_[at] != kReached) {
      const auto instruction = decode(at);
      if (!instruction) break;
      if (!take_step() || !add_reached(at, *instruction)) {
        is_contradictory_ = true;
        return;
      }
      const auto target = target_of(*instruction, at);
      const bool is_call = instruction->flow == Flow::kCall;
      if (target) {
        jumped_to_[*target] = true;
        (is_call ? roots_ : pending).push_back(*target);
      }
      if (instruction->flow == Flow::kJump || instruction->flow == Flow::kEnd) break;
      if (is_call && target && !returns(*target, 0)) break;
      at += instruction->length_bytes;
    }
  }
}

bool KnownCode::returns(size_t function, unsigned depth) {
  if (depth > kMaxDepth) return false;
  const auto [known, is_new] = returns_.emplace(function, false);
  if (!is_new) return known->second;
  return returns_[function] = finds_return(function, depth);
}

// A longjmp is an indirect jump: that is no return.
bool KnownCode::finds_return(size_t function, unsigned depth) {
  std::unordered_set<size_t> visited;
  std::vector<size_t> pending{function};
  while (!pending.empty()) {
    size_t at = pending.back();
    pending.pop_back();
    while (visited.insert(at).second) {
      const auto instruction = decode(at);
      if (!instruction || !take_step()) break;
      if (is_return(bytes_ + at, *instruction)) return true;
      const auto target = target_of(*instruction, at);
      const bool is_call = instruction->flow == Flow::kCall;
      if (target && !is_call) pending.push_back(*target);
      if (instruction->flow == Flow::kJump || instruction->flow == Flow::kEnd) break;
      if (is_call && (!target || !returns(*target, depth + 1))) break;
      at += instruction->length_bytes;
    }
  }
  return false;
}

}  // namespace mp
