// Code and stacks that are made up: functions with chosen unwind rules, and frames of them laid on one another.
#pragma once

#include <algorithm>
#include <random>

#include "memory.h"
#include "reference.h"

constexpr uint64_t kCode = 0x401000;
constexpr uint64_t kStack = 0x7ffd00000000;

// One rule for each 256 bytes of code from kCode on.
inline Tables tables_of(const std::vector<uint32_t> &rules) {
  Tables tables;
  for (uint32_t i = 0; i < rules.size(); i++) tables.rows[0].push_back({i * 256, rules[i]});
  tables.mappings = {{kCode, kCode + rules.size() * 256, kCode, 0, static_cast<uint32_t>(rules.size())}};
  return tables;
}

// A return address in the function with the n-th rule.
inline uint64_t in_function(size_t n, uint64_t offset = 16) {
  return kCode + n * 256 + offset;
}

inline host_walk walk_from(uint64_t pc, uint64_t sp, uint64_t bp, uint32_t generation = 1) {
  host_walk walk{};
  walk.generation = generation;
  walk.stack_seed = 7;
  walk.pc = pc;
  walk.sp = sp;
  walk.bp = bp;
  host_unwind(&walk);
  return walk;
}

inline void clear_rule_cache() {
  uint32_t count;
  uint64_t *words = host_rule_cache(&count);
  std::fill(words, words + size_t{count} * HOST_RULE_CACHE_WORDS, 0);
}

inline void use(Tables *tables, StackImage *stack) {
  host = {};
  tables->use(0);
  stack->use();
  clear_rule_cache();
}

inline ReferenceWalk reference_from(const Tables &tables, StackImage *stack, uint64_t pc, uint64_t sp, uint64_t bp) {
  return ReferenceUnwinder(tables, [stack](void *to, uint32_t size_bytes,
                                           uint64_t address) { return stack->read(to, size_bytes, address); })
      .walk(pc, sp, bp);
}

inline bool same(const host_walk &walk, const ReferenceWalk &reference) {
  return walk.status == static_cast<uint32_t>(reference.status) &&
         std::vector<uint64_t>(walk.frames, walk.frames + walk.frame_count) == reference.frames;
}

// Rules as compilers make them, and the kinds that are rare.
inline const std::vector<uint32_t> kRules = {
    MP_RULE(MP_CFA_END, 0, 0),
    MP_RULE(MP_CFA_RSP, 0, 8),
    MP_RULE(MP_CFA_RSP, 2, 16),
    MP_RULE(MP_CFA_RSP, 0, 264),
    MP_RULE(MP_CFA_RSP, 7, 120),
    MP_RULE(MP_CFA_RBP, 2, 16),
    MP_RULE(MP_CFA_RSP, 2, 8),  // rbp was popped, its rule still stands: below rsp
    MP_RULE(MP_CFA_RSP, MP_RBP_LOST, 40),
    MP_RULE(MP_CFA_RSP, 125, 4096),
    MP_RULE(MP_CFA_DEREF, MP_RBP_AT_RBP, -8),
    MP_RULE(MP_CFA_SIGNAL, 0, 0),
    MP_RULE(MP_CFA_PLT, 0, 0),
    MP_RULE(MP_CFA_RBP, 4, 32),
    MP_RULE_JIT,
    MP_RULE_V8_INTERPRETER,
};
enum { END = 0, PUSHED_RBP = 2, FRAME_POINTER = 5, POPPED_RBP = 6, SIGNAL = 10 };

// A stack on which every kind of frame lies on every other, from the registers in `pc`, `sp`, `bp` on.
struct LayeredStack {
  StackImage image{kStack, 8192};
  uint64_t pc, sp, bp;
  size_t frames = 1;

  explicit LayeredStack(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (uint64_t &word : image.words()) word = random() % 2 ? kStack + random() % 65536 : random();
    // From the outermost frame inwards, as calls are made.
    sp = image.end() - 64;
    bp = 0;
    pc = in_function(END);
    size_t n = PUSHED_RBP;
    while (sp > kStack + 8192 && frames < 60) {
      // What lies below rsp survives a signal, but no call.
      n = n == POPPED_RBP ? size_t{SIGNAL} : 1 + random() % (kRules.size() - 1);
      push(n, random() % 2 ? 16 : 28);
    }
  }

 private:
  uint64_t &at(uint64_t address) { return image.words()[(address - kStack) / 8]; }

  // Calls function n from the present pc and leaves the registers as they are somewhere in it.
  void push(size_t n, uint64_t offset) {
    const uint32_t rule = kRules[n], slot = rule >> 3 & 127;
    const int32_t cfa_offset = static_cast<int32_t>(rule) >> 10;
    if (n == SIGNAL) return push_signal_frame();
    const uint64_t cfa = sp, old_bp = bp;
    at(cfa - 8) = pc;
    pc = in_function(n, offset);
    frames++;
    switch (rule & 7) {
      case MP_CFA_RSP:
        sp = cfa - cfa_offset;
        break;
      case MP_CFA_PLT:
        sp = cfa - 8 - ((pc - 1) % 16 >= 11 ? 8 : 0);
        break;
      case MP_CFA_RBP:
        bp = cfa - cfa_offset;
        sp = bp - 48;
        break;
      case MP_CFA_JIT:
        bp = cfa - 16;
        sp = bp - 48;
        break;
      case MP_CFA_DEREF:
        bp = (cfa - 200) & ~uint64_t{31};
        at(bp + cfa_offset) = cfa;
        sp = bp - 64;
        break;
    }
    if (slot == MP_RBP_AT_RBP)
      at(bp) = old_bp;
    else if (slot == MP_RBP_LOST)
      bp = old_bp;
    else if (slot != 0) {
      at(cfa - 8 * slot) = old_bp;
      if ((rule & 7) == MP_CFA_RSP && cfa - 8 * slot >= sp) bp = 0xb9;  // used for something else
    }
  }

  // An instruction was interrupted: its address is no return address.
  void push_signal_frame() {
    const uint64_t frame = (sp - 128 - 1024) & ~uint64_t{63};
    at(frame + 40 + 10 * 8) = bp;
    at(frame + 40 + 15 * 8) = sp;
    at(frame + 40 + 16 * 8) = pc - 1;
    sp = frame;
    bp = 0xb9;
    pc = in_function(SIGNAL);
    frames++;
  }
};
