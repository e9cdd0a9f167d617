// What a walk knows beside the stack: return probes, calls in flight, unwinders of a CPU, the rule cache.
#include "check.h"
#include "../../bpf/stack_hash.h"
#include "made_stacks.h"

// ---- return probes ----

namespace {

constexpr uint64_t kTrampoline = 0x7fffffffe000;

// main called outer, outer called inner, each frame two words; their return addresses are at words 1, 3 and 5.
struct ThreeCalls {
  Tables tables = tables_of(kRules);
  StackImage stack{kStack, 8};

  ThreeCalls() {
    stack.words() = {0, in_function(PUSHED_RBP, 20), 0, in_function(PUSHED_RBP, 40), 0, in_function(END), 0, 0};
    use(&tables, &stack);
    host.trampoline = kTrampoline;
  }

  host_walk walk(uint64_t watched_return_slot, bool skip_frame = false) {
    host_walk walk{};
    walk.pc = in_function(PUSHED_RBP);
    walk.sp = kStack;
    walk.watched_return_slot = watched_return_slot;
    walk.skip_frame = skip_frame;
    host_unwind(&walk);
    return walk;
  }
};

}  // namespace

TEST(return_addresses_that_were_replaced_are_taken_from_the_kernel) {
  ThreeCalls calls;
  const host_walk plain = calls.walk(0);
  CHECK_EQ(plain.status, uint32_t{MP_STACK_COMPLETE});
  CHECK_EQ(plain.frame_count, 4u);
  const host_return_probe probes[] = {{kStack + 8, calls.stack.words()[1]}, {kStack + 40, calls.stack.words()[5]}};
  calls.stack.words()[1] = calls.stack.words()[5] = kTrampoline;
  host.return_probes = probes;
  host.return_probe_count = 2;
  const host_walk probed = calls.walk(0);
  CHECK_EQ(probed.status, uint32_t{MP_STACK_COMPLETE});
  CHECK(std::equal(plain.frames, plain.frames + 4, probed.frames));
  CHECK_EQ(probed.hash, plain.hash);
}

TEST(an_outer_call_is_found_on_the_stack) {
  ThreeCalls calls;
  const host_return_probe probes[] = {{kStack + 24, calls.stack.words()[3]}};
  calls.stack.words()[3] = kTrampoline;
  host.return_probes = probes;
  host.return_probe_count = 1;
  CHECK(calls.walk(kStack + 24).watched_found);
  CHECK(!calls.walk(kStack + 24).crossed_signal);
  CHECK(!calls.walk(kStack + 8).watched_found);  // not a replaced return address
  CHECK(!calls.walk(kStack + 40).watched_found);
}

TEST(a_signal_between_two_calls_is_noticed) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 64);
  // the handler was called from the signal frame, which interrupted a function that was called through a return probe
  stack.words()[1] = in_function(SIGNAL);
  const uint64_t interrupted = kStack + 40 * 8;
  stack.words()[2 + 5 + 15] = interrupted;
  stack.words()[2 + 5 + 16] = in_function(PUSHED_RBP) - 1;
  stack.words()[41] = kTrampoline;
  const host_return_probe probes[] = {{interrupted + 8, in_function(END)}};
  use(&tables, &stack);
  host.trampoline = kTrampoline;
  host.return_probes = probes;
  host.return_probe_count = 1;
  host_walk walk{};
  walk.pc = in_function(PUSHED_RBP);
  walk.sp = kStack;
  walk.watched_return_slot = interrupted + 8;
  host_unwind(&walk);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
  CHECK_EQ(walk.frame_count, 4u);
  CHECK(walk.watched_found);
  CHECK(walk.crossed_signal);
}

TEST(the_allocator_itself_can_be_left_out) {
  ThreeCalls calls;
  const host_walk all = calls.walk(0), without = calls.walk(0, true);
  CHECK_EQ(without.frame_count, all.frame_count - 1);
  CHECK(std::equal(without.frames, without.frames + without.frame_count, all.frames + 1));
}

TEST(the_stack_hash_depends_on_every_frame) {
  ThreeCalls calls;
  const uint64_t hash = calls.walk(0).hash;
  CHECK_EQ(calls.walk(0).hash, hash);
  for (size_t word : {1, 3, 5}) {
    calls.stack.words()[word]++;
    CHECK(calls.walk(0).hash != hash);
    calls.stack.words()[word]--;
  }
}

TEST(a_stack_in_modules_has_the_same_hash_in_every_process) {
  ThreeCalls calls;
  const host_walk first = calls.walk(0);
  uint64_t expected = 0;
  for (uint32_t i = 0; i < first.frame_count; i++)
    expected = mp_hash_word(expected, mp_hash_place(0, first.frames[i] - 1 - kCode));
  CHECK_EQ(first.hash, mp_finish_hash(expected, MP_STACK_COMPLETE, true));
  CHECK(first.hash & MP_STACK_SHARED);

  constexpr uint64_t kMoved = 0x7000000;
  for (mp_mapping &mapping : calls.tables.mappings)
    mapping.start += kMoved, mapping.end += kMoved, mapping.bias += kMoved;
  calls.tables.use(1);
  for (size_t word : {1, 3, 5}) calls.stack.words()[word] += kMoved;
  host_walk other{};
  other.slot = 1;
  other.generation = 2;
  other.stack_seed = 5;
  other.pc = in_function(PUSHED_RBP) + kMoved;
  other.sp = kStack;
  host_unwind(&other);
  CHECK_EQ(other.hash, first.hash);
  host_unwind(&other);  // now from the cache
  CHECK_EQ(other.hash, first.hash);
}

TEST(the_same_places_in_another_module_are_another_stack) {
  ThreeCalls calls;
  const uint64_t hash = calls.walk(0).hash;
  calls.tables.rows[1] = calls.tables.rows[0];
  for (mp_mapping &mapping : calls.tables.mappings) mapping.module = 1;
  use(&calls.tables, &calls.stack);
  const uint64_t other = calls.walk(0).hash;
  CHECK(other != hash);
  CHECK(other & MP_STACK_SHARED);
}

TEST(a_stack_with_a_frame_in_no_module_is_its_process_own) {
  ThreeCalls calls;
  calls.stack.words()[5] = 0x1234;
  const uint64_t hash = calls.walk(0).hash;
  CHECK(hash && !(hash & MP_STACK_SHARED));
  host_walk other{};
  other.pc = in_function(PUSHED_RBP);
  other.sp = kStack;
  other.stack_seed = 1;
  host_unwind(&other);
  CHECK(other.hash != hash);
}

// A forked child calls from the same addresses as its parent; its seed is the next number.
TEST(the_seed_is_not_taken_for_a_bit_of_an_address) {
  ThreeCalls calls;
  calls.stack.words()[5] = 0x1234;  // in no module
  const uint64_t hash = calls.walk(0).hash;
  for (uint32_t bit = 0; bit < 8; bit++) {
    host_walk child{};
    child.pc = in_function(PUSHED_RBP) ^ 1u << bit;
    child.sp = kStack;
    child.stack_seed = 1u << bit;
    host_unwind(&child);
    CHECK(child.hash != hash);
  }
}

TEST(a_cpu_has_a_few_unwinders) {
  ThreeCalls calls;
  std::vector<uint32_t> taken;
  for (int i = 0; i < MP_UNWINDERS_PER_CPU; i++) {
    CHECK_EQ(calls.walk(0).status, uint32_t{MP_STACK_COMPLETE});
    taken.push_back(host_occupy_unwinder());
    CHECK(taken.back() != ~0u);
  }
  CHECK_EQ(host_occupy_unwinder(), ~0u);
  CHECK_EQ(calls.walk(0).status, ~0u);
  for (uint32_t number : taken) host_release_unwinder(number);
  CHECK_EQ(calls.walk(0).status, uint32_t{MP_STACK_COMPLETE});
}

// ---- the rule cache ----

TEST(a_second_walk_asks_no_table) {
  Tables tables = tables_of(kRules);
  LayeredStack stack(1);
  use(&tables, &stack.image);
  const host_walk first = walk_from(stack.pc, stack.sp, stack.bp);
  CHECK(host.table_lookups > 0);
  host.table_lookups = 0;
  const host_walk second = walk_from(stack.pc, stack.sp, stack.bp);
  CHECK_EQ(host.table_lookups, 0u);
  CHECK_EQ(second.status, first.status);
  CHECK_EQ(second.hash, first.hash);
  CHECK_EQ(second.frame_count, first.frame_count);
}

TEST(a_generation_does_not_see_the_rules_of_another) {
  StackImage stack(kStack, 8);
  stack.words() = {in_function(1), in_function(2), 0, 0, 0, 0, 0, 0};
  const uint32_t end = MP_RULE(MP_CFA_END, 0, 0);
  Tables one_word = tables_of({MP_RULE(MP_CFA_RSP, 0, 8), end, end});
  Tables two_words = tables_of({MP_RULE(MP_CFA_RSP, 0, 16), end, end});
  use(&one_word, &stack);
  CHECK_EQ(walk_from(in_function(0), kStack, 0, 1).frames[1], in_function(1));
  two_words.use(0);
  CHECK_EQ(walk_from(in_function(0), kStack, 0, 2).frames[1], in_function(2));
  CHECK_EQ(walk_from(in_function(0), kStack, 0, 0xffff).frames[1], in_function(2));
  CHECK_EQ(walk_from(in_function(0), kStack, 0, 0).frames[1], in_function(2));
  one_word.use(0);
  CHECK_EQ(walk_from(in_function(0), kStack, 0, 3).frames[1], in_function(1));
}

TEST(a_pc_that_no_process_can_have_hits_no_entry) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 8);
  use(&tables, &stack);
  for (uint32_t generation : {1, 2, 3, 0x8001, 0xffff}) {
    CHECK_EQ(walk_from(in_function(END), kStack, 0, generation).status, uint32_t{MP_STACK_COMPLETE});
    for (int bit = 48; bit < 64; bit++) {
      host_walk walk = walk_from(in_function(END) | uint64_t{1} << bit, kStack, 0, generation);
      CHECK_EQ(walk.status, uint32_t{MP_STACK_NO_MAPPING});
    }
  }
}

TEST(pcs_that_share_an_entry_do_not_share_a_rule) {
  // more pcs than entries
  std::vector<uint32_t> rules;
  for (uint32_t i = 0; i < 40000; i++) rules.push_back(MP_RULE(i % 2 ? MP_CFA_RSP : MP_CFA_END, 0, 8));
  Tables tables = tables_of(rules);
  StackImage stack(kStack, 8);
  use(&tables, &stack);
  size_t wrong = 0;
  stack.words()[0] = in_function(0);
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < rules.size(); i++) wrong += walk_from(in_function(i), kStack, 0).frame_count != 1 + i % 2;
  CHECK_EQ(wrong, 0u);
}

TEST(a_torn_entry_is_not_used) {
  Tables tables = tables_of(kRules);
  LayeredStack stack(2);
  use(&tables, &stack.image);
  const host_walk before = walk_from(stack.pc, stack.sp, stack.bp);
  uint32_t count;
  uint64_t *words = host_rule_cache(&count);
  // each rule is replaced by that of another entry, as if two CPUs had written at once
  uint64_t *last = nullptr;
  size_t torn = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t *rule = &words[i * HOST_RULE_CACHE_WORDS + 1];
    if (*rule == 0) continue;
    if (last != nullptr && *last != *rule) {
      std::swap(*last, *rule);
      torn++;
    }
    last = rule;
  }
  CHECK(torn > 5);
  host.table_lookups = 0;
  const host_walk after = walk_from(stack.pc, stack.sp, stack.bp);
  CHECK(host.table_lookups > 0);
  CHECK_EQ(after.status, before.status);
  CHECK_EQ(after.hash, before.hash);
}
