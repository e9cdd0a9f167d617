// Stacks of this process, walked by the BPF unwinder with tables of its own files, against what libgcc's unwinder says:
// return address for return address.
#include <sys/mman.h>
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <iterator>

#include "check.h"
#include "memory.h"
#include "own_tables.h"
#include "shapes.h"

namespace {

constexpr uint32_t kMaxExpected = 8192;

// Filled in signal handlers: no allocation.
struct Frames {
  uint32_t count;
  uint64_t pcs[kMaxExpected];
  uint64_t from_sp;  // in: leave out what is further in than the frame with this stack pointer
  bool begun;
};

_Unwind_Reason_Code add_frame(_Unwind_Context *context, void *argument) {
  auto *frames = static_cast<Frames *>(argument);
  if (_Unwind_GetCFA(context) == frames->from_sp) frames->begun = true;
  int before_instruction = 0;
  uint64_t pc = _Unwind_GetIPInfo(context, &before_instruction);
  // An interrupted instruction is no return address; the unwinder counts it one further.
  if (frames->begun && pc != 0 && frames->count < kMaxExpected) frames->pcs[frames->count++] = pc + before_instruction;
  return _URC_NO_REASON;
}

Frames expected;
host_walk walk;
uint32_t generation;

// Of the frames that begin at the registers.
void walk_both_ways(const Registers &registers) {
  expected.count = 0;
  expected.begun = false;
  expected.from_sp = registers.sp;
  _Unwind_Backtrace(add_frame, &expected);
  walk = {};
  walk.generation = generation;
  walk.pc = registers.pc;
  walk.sp = registers.sp;
  walk.bp = registers.bp;
  host_unwind(&walk);
}

// The first frame: the two were called from different places of it.
bool same_frames(uint32_t first) {
  return walk.frame_count == expected.count &&
         std::equal(walk.frames + first, walk.frames + walk.frame_count, expected.pcs + first);
}

void show_frames() {
  for (uint32_t i = 0; i < std::max(walk.frame_count, expected.count) && i < 40; i++)
    fprintf(stderr, "  %2u  %#14llx  expected %#14llx\n", i,
            i < walk.frame_count ? static_cast<unsigned long long>(walk.frames[i]) : 0,
            i < expected.count ? static_cast<unsigned long long>(expected.pcs[i]) : 0);
}

// Makes the tables of this process those of slot 0, under a generation of their own.
class OwnProcess {
 public:
  OwnProcess() : tables_(own_tables()) {
    host = {};
    tables_.use(0);
    use_own_memory();
    generation++;
  }

 private:
  Tables tables_;
};

int observations;

}  // namespace

TEST(real_stacks_have_the_frames_that_libgcc_finds) {
  OwnProcess process;
  for (const Shape *shape = kShapes; shape->name != nullptr; shape++) {
    observations = 0;
    shape->run([](const Registers &registers) {
      if (observations++ == 0) walk_both_ways(registers);
    });
    CHECK(observations > 0);
    CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
    CHECK(walk.frame_count >= shape->min_frames);
    CHECK(same_frames(1));
    if (walk.status != MP_STACK_COMPLETE || !same_frames(1)) {
      fprintf(stderr, "%s: %u frames, expected %u\n", shape->name, walk.frame_count, expected.count);
      show_frames();
    }
  }
}

TEST(a_stack_deeper_than_the_limit_is_cut) {
  OwnProcess process;
  recurse(walk_both_ways, 5000);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_TRUNCATED});
  CHECK_EQ(walk.frame_count, uint32_t{MP_MAX_FRAMES});
  CHECK(expected.count > 5000);
  CHECK(std::equal(walk.frames + 1, walk.frames + MP_MAX_FRAMES, expected.pcs + 1));
}

TEST(a_call_from_code_without_unwind_rows_is_walked_by_its_frame_pointer) {
  // push rbp; mov rbp, rsp; call rsi; pop rbp; ret
  const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
  void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(page != MAP_FAILED);
  memcpy(page, code, sizeof(code));
  REQUIRE(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
  OwnProcess process;
  static uint64_t inner_frames;
  recurse(
      [](const Registers &registers) {
        walk_both_ways(registers);
        inner_frames = walk.frame_count;
      },
      3);
  static void *generated;
  generated = page;
  recurse(
      [](const Registers &) {
        auto call = reinterpret_cast<void (*)(Observer, void (*)(Observer))>(generated);
        call(walk_both_ways, [](Observer observe) { recurse(observe, 0); });
      },
      3);
  CHECK_EQ(walk.status, uint32_t{MP_STACK_COMPLETE});
  CHECK_EQ(std::count(walk.frames, walk.frames + walk.frame_count, reinterpret_cast<uint64_t>(page) + 6), 1);
  CHECK(walk.frame_count > inner_frames);
  munmap(page, 4096);
}

// ---- every instruction ----

namespace {

constexpr uint64_t kTrapFlag = 0x100;

struct SteppingResult {
  uint32_t instructions, same, without_rule, different;
};
SteppingResult stepping;

void on_step(int, siginfo_t *, void *context) {
  const auto *gregs = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  stepping.instructions++;
  // What a signal interrupted is found as the unwinder finds it behind a signal frame.
  walk_both_ways({static_cast<uint64_t>(gregs[REG_RIP]) + 1, static_cast<uint64_t>(gregs[REG_RSP]),
                  static_cast<uint64_t>(gregs[REG_RBP])});
  if (walk.status == MP_STACK_COMPLETE && same_frames(0)) {
    stepping.same++;
  } else if (walk.status == MP_STACK_NO_RULE) {
    stepping.without_rule++;
  } else if (stepping.different++ < 3) {
    fprintf(stderr, "at %#llx: status %u, %u frames, expected %u\n", gregs[REG_RIP], walk.status, walk.frame_count,
            expected.count);
    show_frames();
  }
}

void set_trap_flag(bool on) {
  uint64_t flags = __builtin_ia32_readeflags_u64();
  __builtin_ia32_writeeflags_u64(on ? flags | kTrapFlag : flags & ~kTrapFlag);
}

void step_through(uint64_t (*function)(uint64_t)) {
  OwnProcess process;
  const uint64_t untraced = function(12345);
  struct sigaction action = {}, before;
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, &before);
  stepping = {};
  set_trap_flag(true);
  const uint64_t traced = function(12345);
  set_trap_flag(false);
  sigaction(SIGTRAP, &before, nullptr);
  CHECK_EQ(traced, untraced);
  CHECK(stepping.instructions > 1000);
  CHECK_EQ(stepping.different, 0u);
  CHECK(stepping.without_rule * 100 <= stepping.instructions);
  printf("  %u instructions: %u stacks equal, %u different, %u without a rule\n", stepping.instructions, stepping.same,
         stepping.different, stepping.without_rule);
}

}  // namespace

TEST(every_instruction_of_unoptimized_code) {
  step_through(stepped_o0);
}
TEST(every_instruction_of_optimized_code) {
  step_through(stepped_o2);
}
TEST(every_instruction_of_code_with_frame_pointers) {
  step_through(stepped_frame_pointer);
}
TEST(every_instruction_of_clangs_code) {
  step_through(stepped_clang);
}
