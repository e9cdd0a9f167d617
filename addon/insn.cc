#include "insn.h"

#include <algorithm>
#include <vector>

#include "x86_decode.h"

namespace mp {
namespace {

// Allocators are far smaller; a longer function is looked at in part.
constexpr size_t kMaxFunctionBytes = 65536;

std::optional<size_t> branch_target(const Instruction &instruction, size_t at, size_t size_bytes) {
  if (!instruction.branch) return std::nullopt;
  int64_t target = static_cast<int64_t>(at + instruction.length_bytes) + *instruction.branch;
  if (target < 0 || target >= static_cast<int64_t>(size_bytes)) return std::nullopt;
  return static_cast<size_t>(target);
}

// What can be reached from the first instruction by direct jumps.
struct Survey {
  bool complete = true;  // all of it could be decoded
  std::vector<size_t> branch_targets;
  std::vector<size_t> syscalls;
};

Survey survey_function(const uint8_t *code, size_t size_bytes) {
  Survey survey;
  std::vector<bool> visited(size_bytes, false);
  std::vector<size_t> pending{0};
  while (!pending.empty()) {
    size_t at = pending.back();
    pending.pop_back();
    while (at < size_bytes && !visited[at]) {
      visited[at] = true;
      auto instruction = decode_instruction(code + at, size_bytes - at);
      if (!instruction) {
        survey.complete = false;
        break;
      }
      if (instruction->flow == Flow::kSyscall) survey.syscalls.push_back(at);
      auto target = branch_target(*instruction, at, size_bytes);
      if (target && instruction->flow != Flow::kCall) {
        survey.branch_targets.push_back(*target);
        pending.push_back(*target);
      }
      if (instruction->flow == Flow::kJump || instruction->flow == Flow::kEnd) break;
      at += instruction->length_bytes;
    }
  }
  return survey;
}

bool is_jumped_to(const Survey &survey, size_t first, size_t last) {
  return std::any_of(survey.branch_targets.begin(), survey.branch_targets.end(),
                     [=](size_t target) { return target >= first && target <= last; });
}

// From `at` on, the first emulated instruction before anything branches or writes one of `kept`.
std::optional<size_t> first_emulated(const uint8_t *code, size_t size_bytes, size_t at, unsigned kept) {
  while (at < size_bytes) {
    auto instruction = decode_instruction(code + at, size_bytes - at);
    if (!instruction) return std::nullopt;
    if (instruction->emulated) return at;
    if (instruction->flow != Flow::kNext || (instruction->writes & kept) != 0) return std::nullopt;
    at += instruction->length_bytes;
  }
  return std::nullopt;
}

ProbeSite pick_at_entry(const uint8_t *code, size_t size_bytes, unsigned kept) {
  size_bytes = std::min(size_bytes, kMaxFunctionBytes);
  auto site = first_emulated(code, size_bytes, 0, kept);
  if (!site) return {0, true};
  // A jump back to offset 0 is a tail call of the function to itself, hence a call like any other.
  if (*site > 0 && is_jumped_to(survey_function(code, size_bytes), 1, *site)) return {0, true};
  return {static_cast<uint32_t>(*site), false};
}

// The 64-bit `mov` from register to register at `code`: {from, to}.
std::optional<std::pair<uint8_t, uint8_t>> register_move(const uint8_t *code, size_t length_bytes) {
  if (length_bytes != 3 || (code[0] & 0xf8) != 0x48 || code[2] < 0xc0) return std::nullopt;
  const uint8_t reg = (code[2] >> 3 & 7) | (code[0] & 4) << 1, rm = (code[2] & 7) | (code[0] & 1) << 3;
  if (code[1] == 0x89) return std::pair{reg, rm};
  if (code[1] == 0x8b) return std::pair{rm, reg};
  return std::nullopt;
}

// The registers that hold each argument, as RegisterSets.
struct Holders {
  uint16_t of[4] = {kRdi, kRsi, kRdx, kRcx};

  void step(const Instruction &instruction, const uint8_t *code) {
    const auto move = register_move(code, instruction.length_bytes);
    for (uint16_t &holders : of) {
      const bool is_copied = move && (holders >> move->first & 1);
      holders &= ~instruction.writes;
      if (is_copied) holders |= 1 << move->second;
    }
  }
  bool has_lost(size_t count) const {
    return std::any_of(of, of + count, [](uint16_t holders) { return !holders; });
  }
};

// Whether `goal` is reached from the first instruction, and on every path with the registers of `kept` as they were.
bool is_always_reached_with(const uint8_t *code, size_t size_bytes, size_t goal, unsigned kept) {
  struct Point {
    size_t at;
    bool changed;
  };
  std::vector<bool> visited[2] = {std::vector<bool>(size_bytes), std::vector<bool>(size_bytes)};
  std::vector<Point> pending{{0, false}};
  while (!pending.empty()) {
    auto [at, changed] = pending.back();
    pending.pop_back();
    while (at < size_bytes && !visited[changed][at]) {
      visited[changed][at] = true;
      if (at == goal) break;
      auto instruction = decode_instruction(code + at, size_bytes - at);
      if (!instruction) break;
      if (instruction->flow == Flow::kCall || (instruction->writes & kept) != 0) changed = true;
      auto target = branch_target(*instruction, at, size_bytes);
      if (target && instruction->flow != Flow::kCall) pending.push_back({*target, changed});
      if (instruction->flow == Flow::kJump || instruction->flow == Flow::kEnd) break;
      at += instruction->length_bytes;
    }
  }
  return visited[false][goal] && !visited[true][goal];
}

}  // namespace

ProbeSite pick_returnable_site(const uint8_t *code, size_t size_bytes) {
  return pick_at_entry(code, size_bytes, kRsp | kRdi | kRsi | kRdx | kRcx);
}

ProbeSite pick_entry_site(const uint8_t *code, size_t size_bytes) {
  return pick_at_entry(code, size_bytes, kRdi);
}

ArgumentSite pick_argument_site(const uint8_t *code, size_t size_bytes, size_t count, bool returns) {
  size_bytes = std::min(size_bytes, kMaxFunctionBytes);
  const ArgumentSite stepped = {{0, true}};
  Holders holders;
  for (size_t at = 0; at < size_bytes;) {
    const auto instruction = decode_instruction(code + at, size_bytes - at);
    if (!instruction) return stepped;
    if (instruction->emulated) {
      if (at > 0 && is_jumped_to(survey_function(code, size_bytes), 1, at)) return stepped;
      ArgumentSite site = {{static_cast<uint32_t>(at), false}};
      for (size_t i = 0; i < count; i++)
        while (!(holders.of[i] >> site.registers[i] & 1)) site.registers[i] = (site.registers[i] + 1) % 16;
      return site;
    }
    if (instruction->flow != Flow::kNext || (returns && (instruction->writes & kRsp) != 0)) return stepped;
    holders.step(*instruction, code + at);
    if (holders.has_lost(count)) return stepped;
    at += instruction->length_bytes;
  }
  return stepped;
}

std::optional<ProbeSite> pick_syscall_site(const uint8_t *code, size_t size_bytes) {
  size_bytes = std::min(size_bytes, kMaxFunctionBytes);
  Survey survey = survey_function(code, size_bytes);
  // Of several system calls a probe behind one would miss the others.
  if (!survey.complete || survey.syscalls.size() != 1) return std::nullopt;
  size_t syscall = survey.syscalls.front();
  if (!is_always_reached_with(code, size_bytes, syscall, kRdi | kRsi | kRdx)) return std::nullopt;
  size_t behind = syscall + decode_instruction(code + syscall, size_bytes - syscall)->length_bytes;
  auto site = first_emulated(code, size_bytes, behind, kRax | kRdi | kRsi | kRdx | kR10 | kR8);
  // Error paths that join here would be taken for system calls.
  if (!site || is_jumped_to(survey, behind, *site)) return std::nullopt;
  return ProbeSite{static_cast<uint32_t>(*site), false};
}

}  // namespace mp
