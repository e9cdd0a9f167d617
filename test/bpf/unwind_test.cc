// The walk on made-up stacks: how it ends, and what it does with memory that cannot be read or makes no sense.
#include "check.h"
#include "made_stacks.h"

TEST(walks_every_kind_of_frame) {
  Tables tables = tables_of(kRules);
  for (uint64_t seed = 0; seed < 300; seed++) {
    LayeredStack stack(seed);
    use(&tables, &stack.image);
    host_walk walk = walk_from(stack.pc, stack.sp, stack.bp);
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK_EQ(walk.frame_count, stack.frames);
    CHECK(same(walk, reference_from(tables, &stack.image, stack.pc, stack.sp, stack.bp)));
  }
}

TEST(the_limit_of_frames_is_exact) {
  Tables tables = tables_of(kRules);
  for (uint32_t depth : {1, 2, MP_MAX_FRAMES - 1, MP_MAX_FRAMES + 0, MP_MAX_FRAMES + 1, MP_MAX_FRAMES + 2, 6000}) {
    StackImage stack(kStack, depth * 2);
    for (uint32_t i = 0; i < depth; i++) stack.words()[i * 2 + 1] = in_function(i + 2 == depth ? END : PUSHED_RBP);
    use(&tables, &stack);
    host_walk walk = walk_from(in_function(depth == 1 ? END : PUSHED_RBP), kStack, 0);
    const bool fits = depth <= MP_MAX_FRAMES;
    CHECK_EQ(walk.status, uint32_t(fits ? MP_STACK_COMPLETE : MP_STACK_TRUNCATED));
    CHECK_EQ(walk.frame_count, fits ? depth : uint32_t{MP_MAX_FRAMES});
    CHECK_EQ(walk.frames[walk.frame_count - 1], in_function(fits ? END : PUSHED_RBP));
  }
}

TEST(a_return_address_of_zero_ends_the_stack) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 8);
  use(&tables, &stack);
  host_walk walk = walk_from(in_function(PUSHED_RBP), kStack, 0);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
  CHECK_EQ(walk.frame_count, 1u);
}

TEST(a_word_that_cannot_be_read_ends_the_walk_where_it_is_needed) {
  Tables tables = tables_of(kRules);
  size_t faults = 0, harmless = 0;
  for (uint64_t seed = 0; seed < 6; seed++) {
    LayeredStack stack(seed);
    use(&tables, &stack.image);
    const host_walk whole = walk_from(stack.pc, stack.sp, stack.bp);
    size_t wrong = 0;
    for (uint64_t address = stack.sp - 64; address < stack.image.end(); address += 8) {
      stack.image.make_readable();
      stack.image.make_unreadable(address);
      host_walk walk = walk_from(stack.pc, stack.sp, stack.bp);
      const bool touched = stack.image.faults().count(address) == 1;
      wrong += !same(walk, reference_from(tables, &stack.image, stack.pc, stack.sp, stack.bp));
      wrong += (walk.status == MP_STACK_READ_FAULT) != touched;
      wrong += !std::equal(walk.frames, walk.frames + walk.frame_count, whole.frames);
      wrong += walk.status != MP_STACK_READ_FAULT && walk.frame_count != whole.frame_count;
      (walk.status == MP_STACK_READ_FAULT ? faults : harmless)++;
    }
    CHECK_EQ(wrong, 0u);
  }
  CHECK(faults > 500);
  CHECK(harmless > 500);
}

TEST(a_page_that_cannot_be_read_ends_the_walk_where_it_is_needed) {
  Tables tables = tables_of(kRules);
  for (uint64_t seed = 0; seed < 40; seed++) {
    LayeredStack stack(seed);
    use(&tables, &stack.image);
    for (uint64_t page = stack.sp & ~uint64_t{4095}; page < stack.image.end(); page += 4096) {
      stack.image.make_readable();
      for (uint64_t address = page; address < page + 4096; address += 8) stack.image.make_unreadable(address);
      host_walk walk = walk_from(stack.pc, stack.sp, stack.bp);
      CHECK(same(walk, reference_from(tables, &stack.image, stack.pc, stack.sp, stack.bp)));
    }
  }
}

TEST(a_pc_outside_every_module_ends_the_walk) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 64);
  use(&tables, &stack);
  for (uint64_t pc : {kCode, kCode + kRules.size() * 256 + 1, uint64_t{1}, uint64_t{0x7fffffffffff}, ~uint64_t{0}}) {
    host_walk first = walk_from(pc, kStack, 0);
    CHECK_EQ(first.status, uint32_t{MP_STACK_NO_MAPPING});
    CHECK_EQ(first.frame_count, 1u);
    CHECK_EQ(first.frames[0], pc);
    stack.words()[1] = pc;
    host_walk second = walk_from(in_function(PUSHED_RBP), kStack, 0);
    CHECK_EQ(second.status, uint32_t{MP_STACK_NO_MAPPING});
    CHECK_EQ(second.frame_count, 2u);
  }
  // the last byte that a return address can follow
  CHECK(walk_from(kCode + kRules.size() * 256, kStack, 0).status != MP_STACK_NO_MAPPING);
}

TEST(a_pc_without_a_rule_ends_the_walk) {
  Tables tables = tables_of({MP_RULE(MP_CFA_RSP, 0, 8), MP_CFA_NONE});
  StackImage stack(kStack, 8);
  stack.words()[0] = in_function(1);
  use(&tables, &stack);
  host_walk walk = walk_from(in_function(0), kStack, 0);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_NO_RULE});
  CHECK_EQ(walk.frame_count, 2u);
}

TEST(a_frame_below_its_callee_ends_the_walk) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 64);
  use(&tables, &stack);
  for (uint64_t bp : {kStack, kStack + 256 - 16, kStack + 200, uint64_t{8}, ~uint64_t{15}}) {
    host_walk walk = walk_from(in_function(FRAME_POINTER), kStack + 256, bp);
    CHECK_EQ(walk.status, uint32_t{MP_STACK_NOT_GROWING});
    CHECK_EQ(walk.frame_count, 1u);
  }
}

TEST(a_frame_pointer_of_zero_is_the_outermost) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 64);
  use(&tables, &stack);
  CHECK_EQ(walk_from(in_function(FRAME_POINTER), kStack + 256, 0).status, uint32_t{MP_STACK_COMPLETE});
}

TEST(a_signal_frame_that_points_to_itself_ends) {
  Tables tables = tables_of(kRules);
  StackImage stack(kStack, 64);
  stack.words()[5 + 15] = kStack;
  stack.words()[5 + 16] = in_function(SIGNAL) - 1;
  use(&tables, &stack);
  host_walk walk = walk_from(in_function(SIGNAL), kStack, 0);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_TRUNCATED});
  CHECK_EQ(walk.frame_count, uint32_t{MP_MAX_FRAMES});
}

// Words as they may follow a buffer overflow: pcs, addresses of the stack, small numbers, anything.
TEST(corrupt_stacks_end_as_the_reference_says) {
  Tables tables = tables_of(kRules);
  std::mt19937_64 random(4);
  size_t by_status[MP_STACK_UNWINDER_BUSY + 1] = {}, wrong = 0;
  for (int round = 0; round < 20000; round++) {
    StackImage stack(kStack + random() % 512 * 8, 1 + random() % 1200);
    const uint64_t size_bytes = stack.words().size() * 8;
    auto word = [&]() -> uint64_t {
      switch (random() % 8) {
        case 0:
          return stack.base() + random() % size_bytes;
        case 1:
          return stack.base() + random() % size_bytes / 8 * 8;
        case 2:
          return random() % 512;
        case 3:
          return random() % 16 ? 0 : random() >> 16;
        default:
          return in_function(random() % kRules.size(), 1 + random() % 256);
      }
    };
    for (uint64_t &content : stack.words()) content = word();
    for (int i = 0; i < 3; i++) stack.make_unreadable(stack.base() + random() % size_bytes);
    use(&tables, &stack);
    const uint64_t pc = in_function(1 + random() % (kRules.size() - 1)), bp = word();
    const uint64_t sp = stack.base() + (random() % 64 ? random() % size_bytes / 8 * 8 : random() % size_bytes);
    const host_walk walk = walk_from(pc, sp, bp);
    wrong += !same(walk, reference_from(tables, &stack, pc, sp, bp));
    REQUIRE(walk.status < MP_STACK_UNWINDER_BUSY);
    by_status[walk.status]++;
  }
  CHECK_EQ(wrong, 0u);
  for (int status : {MP_STACK_COMPLETE, MP_STACK_NO_MAPPING, MP_STACK_READ_FAULT, MP_STACK_NOT_GROWING})
    CHECK(by_status[status] > 100);
}
