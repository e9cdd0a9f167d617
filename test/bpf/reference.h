// The unwinder once more, as plain as can be: linear searches, single words, no window, no cache. The two must agree on
// whatever they are given.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "unwinder_host.h"

// Tables as the unwinder gets them.
struct Tables {
  std::vector<mp_mapping> mappings;  // sorted; without the element that holds their number
  std::map<uint32_t, std::vector<mp_unwind_row>> rows;
  uint32_t process_flags = 0;  // MP_PROCESS_V8

  // Copies exactly as many elements as there are, so that the sanitizer sees a read behind them.
  void use(uint32_t slot) {
    heads[slot] = {{mappings.size(), 0, 0, 0, 0}};
    heads[slot].insert(heads[slot].end(), mappings.begin(), mappings.end());
    heads[slot].shrink_to_fit();
    host.processes[slot].flags = process_flags;
    host.mappings[slot] = {heads[slot].data(), static_cast<uint32_t>(heads[slot].size())};
    for (auto &[module, table] : rows) {
      table.shrink_to_fit();
      host.rows[module] = {table.data(), static_cast<uint32_t>(table.size())};
    }
  }

  std::map<uint32_t, std::vector<mp_mapping>> heads;
};

// The rule of a pc, or why there is none.
struct FoundRule {
  uint32_t rule;
  mp_stack_status status;
};

inline FoundRule reference_rule(const Tables &tables, uint64_t pc) {
  for (const mp_mapping &mapping : tables.mappings) {
    if (pc < mapping.start || pc >= mapping.end) continue;
    if (mapping.module == MP_NO_MODULE) return {MP_RULE_JIT, MP_STACK_COMPLETE};
    auto rows = tables.rows.find(mapping.module);
    uint32_t rule = MP_CFA_NONE;
    for (uint32_t i = 0; rows != tables.rows.end() && i < mapping.row_count && i < rows->second.size(); i++)
      if (rows->second[i].pc <= static_cast<uint32_t>(pc - mapping.bias)) rule = rows->second[i].rule;
    return {rule, MP_STACK_NO_RULE};
  }
  if (tables.process_flags & MP_PROCESS_V8) return {MP_RULE_JIT, MP_STACK_COMPLETE};
  return {MP_CFA_NONE, MP_STACK_NO_MAPPING};
}

// A frame that may be one of JavaScript: its frame pointer, and its index in the stack.
struct ReferenceV8Frame {
  uint64_t pointer;
  uint32_t index;
  bool is_interpreted;
};

struct ReferenceWalk {
  mp_stack_status status = MP_STACK_TRUNCATED;
  std::vector<uint64_t> frames;
  std::vector<ReferenceV8Frame> v8_frames;  // all of them
  std::vector<uint64_t> reads;              // addresses of the words that decided
};

class ReferenceUnwinder {
 public:
  using Read = std::function<bool(void *to, uint32_t size_bytes, uint64_t address)>;

  ReferenceUnwinder(const Tables &tables, Read read) : tables_(tables), read_(std::move(read)) {}

  ReferenceWalk walk(uint64_t pc, uint64_t sp, uint64_t bp) {
    pc_ = pc, sp_ = sp, bp_ = bp;
    result_ = {};
    for (;;) {
      if (result_.frames.size() == MP_MAX_FRAMES) break;
      result_.frames.push_back(pc_);
      if (auto status = step()) {
        result_.status = *status;
        break;
      }
    }
    return result_;
  }

 private:
  std::optional<uint64_t> word(uint64_t address) {
    uint64_t value;
    result_.reads.push_back(address);
    return read_(&value, 8, address) ? std::optional(value) : std::nullopt;
  }

  // The CFA, or how the walk ends.
  std::optional<mp_stack_status> find_cfa(uint32_t rule, uint64_t *cfa) {
    int64_t offset = static_cast<int32_t>(rule) >> 10;
    switch (rule & 7) {
      case MP_CFA_RSP:
        *cfa = sp_ + offset;
        break;
      case MP_CFA_RBP:
        if (bp_ == 0) return MP_STACK_COMPLETE;
        *cfa = bp_ + offset;
        break;
      case MP_CFA_JIT:
        if (bp_ == 0) return MP_STACK_COMPLETE;
        *cfa = bp_ + 16;
        result_.v8_frames.push_back({bp_, static_cast<uint32_t>(result_.frames.size() - 1), offset != 0});
        break;
      case MP_CFA_PLT:
        *cfa = sp_ + 8 + ((pc_ - 1) % 16 >= 11 ? 8 : 0);
        break;
      case MP_CFA_DEREF:
        if (auto value = word(bp_ + offset))
          *cfa = *value;
        else
          return MP_STACK_READ_FAULT;
        break;
      case MP_CFA_END:
        return MP_STACK_COMPLETE;
    }
    return *cfa > sp_ ? std::nullopt : std::optional(MP_STACK_NOT_GROWING);
  }

  std::optional<mp_stack_status> step_over_signal() {
    uint64_t registers[7];
    for (int i = 0; i < 7; i++) result_.reads.push_back(sp_ + 40 + 8 * (10 + i));
    if (!read_(registers, sizeof(registers), sp_ + 40 + 80)) return MP_STACK_READ_FAULT;
    bp_ = registers[0], sp_ = registers[5], pc_ = registers[6] + 1;
    return std::nullopt;
  }

  std::optional<mp_stack_status> step() {
    if ((pc_ - 1) >> 48) return MP_STACK_NO_MAPPING;  // no address of user code
    auto [rule, reason] = reference_rule(tables_, pc_ - 1);
    if (rule == MP_CFA_NONE) return reason;
    if ((rule & 7) == MP_CFA_SIGNAL) return step_over_signal();
    uint64_t cfa = 0;
    if (auto end = find_cfa(rule, &cfa)) return end;
    uint32_t slot = rule >> 3 & 127;
    std::optional<uint64_t> bp = bp_;
    if (slot == MP_RBP_AT_RBP)
      bp = word(bp_);
    else if (slot != 0 && slot != MP_RBP_LOST)
      bp = word(cfa - 8 * slot);
    if (!bp) return MP_STACK_READ_FAULT;
    auto return_address = word(cfa - 8);
    if (!return_address) return MP_STACK_READ_FAULT;
    pc_ = *return_address, sp_ = cfa, bp_ = *bp;
    return pc_ == 0 ? std::optional(MP_STACK_COMPLETE) : std::nullopt;
  }

  const Tables &tables_;
  Read read_;
  uint64_t pc_ = 0, sp_ = 0, bp_ = 0;
  ReferenceWalk result_;
};
